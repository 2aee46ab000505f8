"""`asbru secrets`: the key under which the secrets of the database are sealed.

Works on the data directory itself, while Asbru serves or not; a secret never leaves the process.
"""

from __future__ import annotations

import os
from pathlib import Path

import click

from asbru.cli.options import DATA_DIR


@click.group()
def command() -> None:
    """Manage the key that encrypts secrets in the database."""


@command.command()
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=DATA_DIR,
    show_default=True,
    help="Directory of the database.",
)
def rekey(*, data_dir: Path) -> None:
    """Encrypt every secret with a new key, while Asbru keeps serving.

    With ASBRU_SEAL_KEY the keys are the environment's: set it to the new key, a comma and the old one, here and where
    Asbru runs; everything is then sealed with the first of them, and the second may go.
    """
    from asbru.secrets import KEY_VARIABLE, KeyringError, SealError, load_keyring, rekey, save_keyring
    from asbru.storage import DATABASE_NAME, NewerSchema, StorageError, open_database, sqlite_url

    ours = not os.environ.get(KEY_VARIABLE)
    try:
        database = open_database(sqlite_url(data_dir / DATABASE_NAME))
        try:
            count = rekey(
                database,
                lambda: load_keyring(data_dir, os.environ),
                (lambda keys: save_keyring(data_dir, keys)) if ours else None,
            )
        finally:
            database.close()
    except (KeyringError, SealError, StorageError, NewerSchema) as error:
        raise click.ClickException(f"{error}; run it again to finish") from error
    click.echo(f"{count} secret(s) sealed anew")
