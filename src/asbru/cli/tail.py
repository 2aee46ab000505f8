"""`asbru tail`: calls as they end, over the management API, until it is interrupted."""

from __future__ import annotations

import json
from typing import Any

import click

from asbru.cli.api import Api, printable, url_option
from asbru.cli.records import filter_options, read_filters

_SHOWN = ("id", "caller", "provider", "model_asked", "status", "outcome", "error_code")


@click.command()
@filter_options
@click.option("--json", "as_json", is_flag=True, help="Print each record as a line of JSON.")
@url_option
def command(*, as_json: bool, url: str, **filters: Any) -> None:
    """Print records as they are written, one per line."""
    event = ""
    for raw in Api(url).lines("records/live", **read_filters(**filters)):
        name, _, value = raw.decode().rstrip("\n").partition(": ")
        if name == "event":
            event = value
        elif name == "data" and event == "record":
            record = json.loads(value)
            click.echo(json.dumps(record, separators=(",", ":")) if as_json else printable(_line(record)))
        elif name == "data":
            click.echo(f"asbru: {json.loads(value)['reason']}", err=True)


def _line(record: dict[str, Any]) -> str:
    cost = record["cost_nanousd"]
    usd = "-" if cost is None else f"${cost / 1e9:.6f}"
    return "  ".join([*(str(record[name]) or "-" for name in _SHOWN), usd, f"{record['latency_us'] / 1000:.1f} ms"])
