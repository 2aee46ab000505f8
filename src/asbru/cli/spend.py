"""`asbru spend`: what calls cost, as the management API sums it."""

from __future__ import annotations

import click

from asbru.cli.api import Api, json_option, print_items, url_option

NANOUSD_PER_USD = 1_000_000_000
_SUMS = ("calls", "failed", "input_tokens", "output_tokens", "cost_usd")


@click.command()
@click.option(
    "--by", default="", help="Dimensions, separated by commas: day, caller, team, customer, provider, model."
)
@click.option("--since", default="", help="First day, such as 2026-11-01.")
@click.option("--until", default="", help="Last day.")
@json_option
@url_option
def command(*, by: str, since: str, until: str, as_json: bool, url: str) -> None:
    """Show sums of calls, tokens and cost over the management API, the largest cost first."""
    items = Api(url).ask("GET", "spend", by=by, since=since, until=until)["items"]
    for item in items:
        item["cost_usd"] = item["cost_nanousd"] / NANOUSD_PER_USD
    print_items(items, (*filter(None, by.split(",")), *_SUMS), as_json=as_json)
