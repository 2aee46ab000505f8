"""`asbru sample`: the day of sample traffic, over the management API."""

from __future__ import annotations

import json

import click

from asbru.cli.api import Api, url_option


@click.group()
def command() -> None:
    """Write and remove a day of sample traffic."""


@command.command("show")
@url_option
def show_sample(*, url: str) -> None:
    """Show whether there is a sample day, and how many records it has."""
    click.echo(json.dumps(Api(url).ask("GET", "sample")))


@command.command("create")
@url_option
def create_sample(*, url: str) -> None:
    """Write the sample day that ends now; its records have the tag `sample`."""
    click.echo(json.dumps(Api(url).ask("POST", "sample")))


@command.command("remove")
@url_option
def remove_sample(*, url: str) -> None:
    """Remove the records of the sample day and what they added to sums."""
    click.echo(json.dumps(Api(url).ask("DELETE", "sample")))
