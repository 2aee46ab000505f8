"""`asbru config check` and `asbru config schema`.

Reads, never writes: not even the data directory is made.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from asbru.cli.serve import DATA_DIR

if TYPE_CHECKING:
    from asbru.app.compile import Compiled


@click.group()
def command() -> None:
    """Check a configuration, or print its JSON schema."""


@command.command()
@click.option("--config", type=click.Path(path_type=Path), help="Configuration file, YAML or JSON.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=DATA_DIR,
    show_default=True,
    help="Directory to search for a configuration if --config is not given.",
)
@click.option("--host", help="Check as if listening on this address.")
def check(*, config: Path | None, data_dir: Path, host: str | None) -> None:
    """Read the configuration as `serve` would: exit 0 with a summary, or 1 with every error."""
    from asbru.app.boot import Options
    from asbru.app.compile import compile_config
    from asbru.app.config import ConfigRefusedError

    try:
        compiled = compile_config(Options(data_dir=data_dir, config=config, host=host), os.environ, dry=True)
    except ConfigRefusedError as refused:
        for problem in refused.problems:
            click.echo(f"error: {problem}", err=True)
        click.echo(_counted(len(refused.problems), "error"), err=True)
        sys.exit(1)
    for warning in compiled.warnings:
        click.echo(f"warning: {warning}", err=True)
    _print_summary(compiled)


def _counted(count: int, noun: str) -> str:
    """`1 error`, `2 errors`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _print_summary(compiled: Compiled) -> None:
    from rich.console import Console
    from rich.table import Table

    from asbru.governance import VIRTUAL_KEY

    boot, snapshot = compiled.boot, compiled.snapshot
    table = Table("provider", "type", "address", "keys", "prices", box=None, header_style="bold")
    for provider in snapshot.providers:
        address = "starts with the gateway" if provider.unix_socket or not provider.base_url else provider.base_url
        keyless = len(provider.keys) == 1 and not provider.keys[0].value.reveal()
        keys = "none needed" if keyless else str(len(provider.keys) or "none usable")
        table.add_row(provider.name, provider.kind, address, keys, "known" if provider.prices else "unknown")
    console = Console(highlight=False)
    console.print(f"OK: {boot.config_file or 'built-in defaults'}")
    console.print(f"listens on {boot.host} port {boot.port} with {_counted(boot.workers, 'worker')}")
    keys = _counted(len(compiled.declared[VIRTUAL_KEY]), "virtual key")
    if snapshot.open_access:
        keys = "no virtual keys: every process on this machine may call"
    elif not compiled.config.virtual_keys:
        keys = "no virtual keys: Asbru generates one at the first start"
    console.print(f"{keys}, {_counted(len(snapshot.fallbacks), 'fallback')}")
    console.print(table)


@command.command()
def schema() -> None:
    """Print the JSON schema of the configuration file, for editors."""
    from asbru.app.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
