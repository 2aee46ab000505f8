"""Options that several commands have. Those of the management API are in `api`."""

from __future__ import annotations

from pathlib import Path

import click

DATA_DIR = Path("asbru-data")

config_option = click.option("--config", type=click.Path(path_type=Path), help="Configuration file, YAML or JSON.")
"""The configuration file."""
search_option = click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    default=DATA_DIR,
    show_default=True,
    help="Directory to search for a configuration if --config is not given.",
)
"""Where a configuration is looked for, by a command that needs no more of the data directory."""
