"""Opens a database by its URL: `sqlite:///relative.sqlite`, `sqlite:////absolute.sqlite`. The scheme names the engine,
and each engine has a file of its own."""

from __future__ import annotations

import contextlib
from pathlib import Path

from asbru.storage import sqlite
from asbru.storage.port import Database

DATABASE_NAME = "asbru.sqlite"

_SQLITE = "sqlite:///"


def sqlite_url(path: Path) -> str:
    """The URL of a database in a file."""
    return f"{_SQLITE}{path}"


def open_database(url: str) -> Database:
    """A connection that writes, its schema up to date. Raises NewerSchema, StorageError, and ValueError for a URL of
    no known engine."""
    return sqlite.open_database(_sqlite_path(url))


def open_reader(url: str) -> Database | None:
    """A connection that only reads; None when there is no database. Raises as `open_database` does."""
    return sqlite.open_reader(_sqlite_path(url))


def database_bytes(url: str) -> int:
    """How much room a database takes, with what is not merged into it yet; 0 where there is none."""
    path = _sqlite_path(url)
    total = 0
    for suffix in ("", "-wal"):
        with contextlib.suppress(OSError):
            total += path.with_name(path.name + suffix).stat().st_size
    return total


def set_aside(url: str) -> Path:
    """Give a damaged database another name, so that the next to open it begins a new one. Returns the new name; raises
    OSError."""
    return sqlite.set_aside(_sqlite_path(url))


def _sqlite_path(url: str) -> Path:
    path = url.removeprefix(_SQLITE)
    if not path or path == url:
        # Only the scheme: the rest may hold a password.
        raise ValueError(
            f"expected a database URL such as sqlite:////data/asbru.sqlite, got the scheme {url.partition(':')[0]!r}"
        )
    return Path(path)
