"""`asbru version`: what is installed."""

from __future__ import annotations

import platform

import click

from asbru import __version__


@click.command()
def command() -> None:
    """Print the version of Asbru and of Python."""
    click.echo(f"asbru {__version__} (Python {platform.python_version()})")
