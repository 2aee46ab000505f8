"""`asbru config check`, `asbru config init` and `asbru config schema`; `export`, `diff` and `apply` are in
`config_objects`.

`check` reads and never writes: not even the data directory is made.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from asbru.cli import config_objects
from asbru.cli.options import DATA_DIR, config_option, search_option

if TYPE_CHECKING:
    from asbru.app.compile import Compiled


@click.group()
def command() -> None:
    """Check a configuration, write an example, print the JSON schema; export and apply objects of the API."""


for _one in (config_objects.export, config_objects.diff, config_objects.apply):
    command.add_command(_one)


@command.command()
@click.option("--config", type=click.Path(path_type=Path), help="File to write. [default: config.yaml there]")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DATA_DIR,
    show_default=True,
    help="Directory in which `serve` looks for it; created if missing.",
)
def init(*, config: Path | None, data_dir: Path) -> None:
    """Write a commented example that enables the mock; an existing file is not changed."""
    from importlib.resources import files

    from asbru.app.data_dir import ensure_data_dir
    from asbru.app.paths import CONFIG_FILE_NAMES, find_config_file

    there = find_config_file(config, data_dir)
    if there is not None and there.exists():
        _refuse([f"{there} already exists; remove it first, or choose another file with --config"])
    file = config or ensure_data_dir(data_dir) / CONFIG_FILE_NAMES[0]
    with file.open("x", encoding="utf-8") as opened:
        opened.write((files("asbru.app.config") / "example.yaml").read_text(encoding="utf-8"))
    told = f" --config {config}" if config else "" if data_dir == DATA_DIR else f" --data-dir {data_dir}"
    click.echo(f"wrote {file}; next: edit it, `asbru config check{told}`, `asbru serve{told}`")


@command.command()
@config_option
@search_option
@click.option("--host", help="Check as if listening on this address.")
@click.option(
    "--live", is_flag=True, help="Also check that each provider responds at its base_url and accepts its key."
)
def check(*, config: Path | None, data_dir: Path, host: str | None, live: bool) -> None:
    """Read the configuration as `serve` would: exit 0 with a summary, or 1 with every error."""
    from asbru.app.boot import Options
    from asbru.app.compile import compile_config
    from asbru.app.config import ConfigRefusedError

    try:
        compiled = compile_config(Options(data_dir=data_dir, config=config, host=host), os.environ, dry=True)
    except ConfigRefusedError as refused:
        _refuse([str(problem) for problem in refused.problems])
    for warning in compiled.warnings:
        click.echo(f"warning: {warning}", err=True)
    if live:
        _check_live(compiled)
    _print_summary(compiled)


def _refuse(errors: Sequence[str]) -> NoReturn:
    for error in errors:
        click.echo(f"error: {error}", err=True)
    click.echo(counted(len(errors), "error"), err=True)
    sys.exit(1)


def _check_live(compiled: Compiled) -> None:
    """Warnings and errors of the providers as they answer now."""
    import asyncio

    from asbru.app.live_check import check_live
    from asbru.providers import discover

    findings = asyncio.run(check_live(compiled.snapshot.providers, discover()))
    for finding in findings:
        if not finding.is_error:
            click.echo(f"warning: providers.{finding.provider}: {finding.message}", err=True)
    errors = [f"providers.{finding.provider}: {finding.message}" for finding in findings if finding.is_error]
    if errors:
        _refuse(errors)


def counted(number: int, noun: str) -> str:
    """A number and its noun, such as `1 error`, `2 errors`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


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
    console.print(f"listens on {boot.host} port {boot.port} with {counted(boot.workers, 'worker')}")
    usable = len(compiled.declared[VIRTUAL_KEY])
    keys = counted(usable, "virtual key") if usable else "no usable virtual key: every call will be refused"
    if snapshot.open_access:
        keys = "no virtual keys: every process on this machine may call"
    elif not compiled.config.virtual_keys:
        keys = "no virtual keys: Asbru generates one at the first start"
    console.print(f"{keys}, {counted(len(snapshot.fallbacks), 'fallback')}")
    console.print(table)


@command.command()
def schema() -> None:
    """Print the JSON schema of the configuration file, for editors."""
    from asbru.app.config.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
