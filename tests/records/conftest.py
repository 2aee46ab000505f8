"""A database of records for each test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asbru.records.store import RecordStore
from asbru.storage import Database, open_database, sqlite_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the database lies."""
    return sqlite_url(tmp_path / "asbru.sqlite")


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """A connection that writes."""
    one = open_database(url)
    yield one
    one.close()


@pytest.fixture
def store(url: str) -> Iterator[RecordStore]:
    """An open store."""
    one = RecordStore(url)
    one.open()
    yield one
    one.close()
