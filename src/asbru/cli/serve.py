"""`asbru serve`: becomes the supervisor process, which needs nothing that the command line loaded."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from asbru.cli.options import DATA_DIR, config_option


@click.command()
@config_option
@click.option("--host", help="Address to listen on. [default: listen.host, 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="TCP port. [default: listen.port, 8080]")
@click.option("--workers", type=click.IntRange(1, 256), help="Worker processes. [default: listen.workers, 1]")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=DATA_DIR,
    show_default=True,
    help="Directory for records, and for config.yaml|yml|json if --config is not given; created if missing.",
)
def command(*, config: Path | None, host: str | None, port: int | None, workers: int | None, data_dir: Path) -> None:
    """Run until stopped: SIGTERM or Ctrl-C drains, a second one stops at once, SIGHUP reloads."""
    from asbru.app.boot import Options

    options = Options(data_dir=data_dir, config=config, host=host, port=port, workers=workers)
    argv = [sys.executable, "-m", "asbru.app.supervisor", *options.argv()]
    sys.stdout.flush()
    os.execv(sys.executable, argv)  # noqa: S606  # the same interpreter, arguments of our own
