"""`asbru records`: calls, as the management API tells them."""

from __future__ import annotations

import json
from itertools import islice

import click

from asbru.cli.api import Api, json_option, print_items, url_option

_COLUMNS = ("id", "caller", "provider", "model_asked", "status", "outcome", "cost_nanousd", "latency_us")


@click.group()
def command() -> None:
    """Look at the records of calls over the management API."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, at most.")
@click.option("--caller", default="", help="Only calls of this virtual key.")
@click.option("--status", type=int, help="Only calls with this status.")
@click.option("--text", default="", help="Only calls with this in a model's name, an error or a note.")
@json_option
@url_option
def list_records(*, limit: int, caller: str, status: int | None, text: str, as_json: bool, url: str) -> None:
    """Records, the newest first."""
    found = Api(url).items("records", after="before", caller=caller, status=status, text=text)
    print_items(list(islice(found, limit)), _COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("record_id")
@url_option
def show_record(*, record_id: str, url: str) -> None:
    """The record of one call, as JSON."""
    click.echo(json.dumps(Api(url).ask("GET", f"records/{record_id}"), indent=2))
