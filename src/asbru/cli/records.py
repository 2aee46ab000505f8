"""`asbru records`: calls, as the management API tells them.

The options that select records are also those of `asbru tail`.
"""

from __future__ import annotations

import json
import sys
from itertools import islice
from typing import Any

import click

from asbru.cli.api import Api, json_option, print_items, url_option
from asbru.cli.options import F, add_filters

COLUMNS = ("id", "caller", "provider", "model_asked", "status", "outcome", "cost_nanousd", "latency_us")

_FILTERS = {
    "caller": "Only calls of this virtual key.",
    "team": "Only calls of this team.",
    "customer": "Only calls of this customer.",
    "provider": "Only calls that this provider served.",
    "model": "Only calls with this model, as it was asked for.",
    "surface": "Only calls on this surface, such as openai.chat.",
    "outcome": "Only calls with this outcome.",
    "trace-id": "Only calls of this trace, 32 hex digits.",
    "text": "Only calls with this in a model's name, an error or a note.",
}


def filter_options(command: F) -> F:
    """The options that select records."""
    command = click.option("--tag", multiple=True, metavar="NAME=VALUE", help="Only calls with this tag.")(command)
    command = click.option("--status", type=int, help="Only calls with this status.")(command)
    return add_filters(command, _FILTERS)


def read_filters(*, tag: tuple[str, ...], model: str, **given: Any) -> dict[str, object]:
    """The query that these options make."""
    query: dict[str, object] = {**given, "model_asked": model}
    for one in tag:
        name, equals, value = one.partition("=")
        if not equals:
            raise click.BadParameter(f"expected NAME=VALUE, got {one!r}", param_hint="--tag")
        query[f"tag.{name}"] = value
    return query


@click.group()
def command() -> None:
    """Show the records of calls, over the management API."""


@command.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Maximum number of records."
)
@filter_options
@json_option
@url_option
def list_records(*, limit: int, as_json: bool, url: str, **filters: Any) -> None:
    """List records, newest first."""
    found = Api(url).items("records", after="before", **read_filters(**filters))
    print_items(list(islice(found, limit)), COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("record_id")
@url_option
def show_record(*, record_id: str, url: str) -> None:
    """Print the record of one call as JSON."""
    click.echo(json.dumps(Api(url).ask("GET", f"records/{record_id}"), indent=2))


@command.command("export")
@click.option(
    "--format", "form", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True, help="Format."
)
@filter_options
@url_option
def export_records(*, form: str, url: str, **filters: Any) -> None:
    """Write all records to stdout, newest first, as CSV or lines of JSON."""
    for line in Api(url).lines("records/export", format=form, **read_filters(**filters)):
        sys.stdout.buffer.write(line)
