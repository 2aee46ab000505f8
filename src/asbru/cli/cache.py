"""`asbru cache`: what the cache of replies holds and saved, and clearing it, over the management API."""

from __future__ import annotations

import json

import click

from asbru.cli.api import Api, json_option, url_option

NANOUSD_PER_USD = 1_000_000_000


@click.group()
def command() -> None:
    """Show and clear the cache of replies."""


@command.command("show")
@json_option
@url_option
def show_cache(*, as_json: bool, url: str) -> None:
    """Show entries, hits, and what they saved in the last 24 hours."""
    report = Api(url).ask("GET", "cache")
    if as_json:
        click.echo(json.dumps(report, indent=2))
        return
    use, memory, database = report["use"], report["memory"], report["database"]
    rate = "no calls" if use["hit_rate"] is None else f"{use['hit_rate']:.1%}"
    click.echo(f"hit rate   {rate} ({use['hits']} hits, {use['misses']} misses)")
    if shadowed := use["shadow_agreed"] + use["shadow_differed"]:
        click.echo(f"shadow     {shadowed} would have been served, {use['shadow_agreed'] / shadowed:.1%} agreed")
    click.echo(f"saved      {use['saved_nanousd'] / NANOUSD_PER_USD:.6f} USD, {use['saved_us'] / 1e6:.1f} s")
    click.echo(f"memory     {memory['entries']} entries, {memory['bytes']} bytes")
    click.echo(f"database   {database['entries']} entries, {database['bytes']} bytes")


@command.command("clear")
@click.option("--key", default="", help="The entry with this key (the response header x-asbru-cache-key).")
@click.option("--tag", default="", help="Entries with this tag (the request header x-asbru-cache-tag).")
@click.option("--prefix", default="", help="Entries whose keys begin with this text, such as `key:search/`.")
@click.option("--all", "everything", is_flag=True, help="All entries.")
@url_option
def clear_cache(*, key: str, tag: str, prefix: str, everything: bool, url: str) -> None:
    """Delete entries."""
    if everything == bool(key or tag or prefix):
        raise click.UsageError("expected --key, --tag or --prefix, or --all")
    Api(url).ask("DELETE", "cache", key=key, tag=tag, prefix=prefix, all="true" if everything else None)
