"""`asbru reprice`: costs of records and sums of spend, made anew while the gateway runs.

Budgets are not touched: what was reserved and settled at the time stays settled.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from asbru.cli.options import DATA_DIR, config_option

PAUSE_S = 0.02
"""Between two steps, so that the bookkeeper has its turn."""


@click.command()
@click.option(
    "--since",
    required=True,
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Reprice the calls that began at this time (UTC) or later.",
)
@config_option
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=DATA_DIR,
    show_default=True,
    help="Directory of the records, and of the configuration if --config is not given.",
)
def command(*, since: datetime, config: Path | None, data_dir: Path) -> None:
    """Compute the costs of records again, from the prices that are configured now."""
    from asbru.app.boot import Options
    from asbru.app.compile import compile_stored
    from asbru.app.config import ConfigRefusedError
    from asbru.catalog import PriceBook
    from asbru.core.money import NANOUSD_PER_USD
    from asbru.records.reprice import reprice
    from asbru.storage import DATABASE_NAME, NewerSchema, StorageError, open_database, sqlite_url

    try:
        snapshot = compile_stored(Options(data_dir=data_dir, config=config), os.environ, dry=True).snapshot
        prices = PriceBook({facts.name: facts.prices for facts in snapshot.providers})
        database = open_database(sqlite_url(data_dir / DATABASE_NAME))
        try:
            since_ms = int(since.replace(tzinfo=UTC).timestamp() * 1000)
            done = reprice(database, prices.both, since_ms, wait=lambda: time.sleep(PAUSE_S))
        finally:
            database.close()
    except ConfigRefusedError as refused:
        for problem in refused.problems:
            click.echo(f"error: {problem}", err=True)
        sys.exit(1)
    except (StorageError, NewerSchema) as error:
        click.echo(f"asbru: {error}", err=True)
        sys.exit(1)
    click.echo(
        f"{done.records} records, {done.changed} changed, {done.left} left as they are; "
        f"cost changed by {done.difference_nanousd / NANOUSD_PER_USD:+.6f} USD"
    )
