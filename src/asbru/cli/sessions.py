"""`asbru sessions`: sessions of agents, as the management API returns them.

Their calls are records: `asbru records` has those.
"""

from __future__ import annotations

import json
import time
from itertools import islice
from typing import Any

import click

from asbru.cli.api import Api, json_option, print_items, url_option
from asbru.cli.options import F, add_filters

COLUMNS = ("id", "agent", "caller", "team", "calls", "tool_calls", "failed", "cost_usd", "models")
SORTS = ("last_ms", "cost_nanousd", "calls", "tool_calls", "failed")
HOUR_MS = 3_600_000

_FILTERS = {
    "caller": "Only sessions of this virtual key.",
    "team": "Only sessions of this team.",
    "customer": "Only sessions of this customer.",
    "agent": "Only sessions of this program, such as claude-cli.",
    "session": "Only sessions with this name.",
    "model": "Only sessions that called this model: provider/model.",
}


def _filter_options(command: F) -> F:
    return add_filters(command, _FILTERS)


@click.group()
def command() -> None:
    """Look at sessions of agents over the management API."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="How many, at most.")
@click.option(
    "--hours", type=click.IntRange(1, 87_600), default=24, show_default=True, help="Those of the last hours."
)
@click.option("--sort", type=click.Choice(SORTS), default="last_ms", show_default=True, help="The largest first.")
@click.option("--failed", is_flag=True, help="Only sessions with a call that failed.")
@_filter_options
@json_option
@url_option
def list_sessions(*, limit: int, hours: int, failed: bool, as_json: bool, url: str, **query: Any) -> None:
    """Sessions whose last call ended in the last hours, the latest first."""
    since_ms = int(time.time() * 1000) - hours * HOUR_MS
    found = Api(url).items("sessions", since_ms=since_ms, failed="true" if failed else "", **query)
    items = list(islice(found, limit))
    print_items(items if as_json else [_in_dollars(one) for one in items], COLUMNS, as_json=as_json)


@command.command("show")
@click.argument("session_id")
@url_option
def show_session(*, session_id: str, url: str) -> None:
    """One session, with the limits that count it by itself, as JSON."""
    click.echo(json.dumps(Api(url).ask("GET", f"sessions/{session_id}"), indent=2))


def _in_dollars(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"cost_usd": float(one["cost_nanousd"]) / 1e9}
