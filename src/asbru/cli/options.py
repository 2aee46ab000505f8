"""Options that several commands have. Those of the management API are in `api`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

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


def add_filters(command: F, filters: dict[str, str]) -> F:
    """The command with an option for each filter, in their order; `filters`: the help by name."""
    for name, words in reversed(filters.items()):
        command = click.option(f"--{name}", default="", help=words)(command)
    return command
