"""Migrations: numbered SQL files that bring a database up to date.

    0001_requests.sql               for every engine
    0002_x.sql                      for those that 0002 has no file of their own for
    0002_x.postgresql.sql           for this one

All that are missing are applied in one transaction, with the number of the last. Two processes may find the same gap:
the second waits for the first and finds nothing left to do. A process that dies half way leaves what was there before.
A file holds no BEGIN and no COMMIT.
"""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from asbru.storage.port import Database, Engine, NewerSchema

_FOLDER = Path(__file__).with_name("migrations")


def migrate(database: Database, where: str, folder: Path = _FOLDER) -> int:
    """Apply what is missing; returns the schema's version. `where` is for the message of NewerSchema."""
    steps = migrations(database.engine, folder)
    newest = len(steps)
    if database.schema_version() == newest:
        return newest
    with database.transaction():
        # Read again: another process may have been faster.
        found = database.schema_version()
        if found > newest:
            raise NewerSchema(
                f"{where} has schema version {found}, this Asbru knows versions up to {newest}: "
                "start the newer Asbru again, or restore a backup from before the upgrade"
            )
        for number, file in enumerate(steps, 1):
            if number > found:
                database.run(file.read_text(encoding="utf-8"))
                database.set_schema_version(number)
    return newest


def migrations(engine: Engine, folder: Path = _FOLDER) -> list[Path]:
    """An engine's files, the first one's number being 1; raises ValueError when they are not 1, 2, 3 ... or a name is
    not understood."""
    general: dict[str, Path] = {}
    own: dict[str, Path] = {}
    for file in folder.glob("*.sql"):
        name, _, suffix = file.stem.partition(".")
        if suffix and suffix not in get_args(Engine):
            raise ValueError(
                f"{file.name}: expected one of {', '.join(get_args(Engine))} before .sql, got {suffix!r}"
            )
        if suffix in ("", engine):
            (own if suffix else general)[name] = file
    steps = sorted((_number(name), file) for name, file in {**general, **own}.items())
    numbers = [number for number, _ in steps]
    if not numbers or numbers != list(range(1, len(numbers) + 1)):
        raise ValueError(f"migrations of {engine} in {folder} must be numbered 1, 2, 3 ...; found {numbers}")
    return [file for _, file in steps]


def _number(name: str) -> int:
    return int(name.partition("_")[0])
