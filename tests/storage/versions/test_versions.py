"""Versions that never repeat."""

from __future__ import annotations

from pathlib import Path

import apsw

from asbru.storage import open_database, sqlite_url
from asbru.storage.schema import migrations
from asbru.storage.versions import first_version, keep_deleted


def test_a_new_object_begins_above_those_that_were_deleted(tmp_path: Path) -> None:
    """Of its kind, whichever was deleted last; the first of a kind begins at 1."""
    database = open_database(sqlite_url(tmp_path / "x.sqlite"))
    assert first_version(database, "team") == 1
    for version in (3, 2, 7, 1):
        keep_deleted(database, "team", version)
    assert (first_version(database, "team"), first_version(database, "key")) == (8, 1)
    database.close()


def test_what_was_deleted_before_counts(tmp_path: Path) -> None:
    """A database of an older Asbru knows changes only: no object had more versions than it was written."""
    path = tmp_path / "x.sqlite"
    connection = apsw.Connection(str(path))
    before = [file for file in migrations("sqlite", MIGRATIONS) if file.name < "0020"]
    for file in before:
        connection.execute(file.read_text(encoding="utf-8"))
    written = [("key", "a", "create"), *[("key", "a", "update")] * 4, ("key", "a", "delete"), ("key", "b", "create")]
    written += [("team", "t", "create"), ("team", "t", "update")]
    for number, (kind, name, action) in enumerate(written):
        connection.execute(
            "INSERT INTO changes VALUES (?, 1, 'ann', ?, ?, ?, '', '')", (number + 1, action, kind, name)
        )
    connection.execute(f"PRAGMA user_version = {len(before)}")
    connection.close()
    database = open_database(sqlite_url(path))
    assert (first_version(database, "key"), first_version(database, "team")) == (6, 1)
    database.close()


MIGRATIONS = Path(migrations.__code__.co_filename).with_name("migrations")
