"""Opening and migrating a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from asbru.storage import StorageError, engine


def write_migrations(folder: Path, **files: str) -> Path:
    """A folder of migrations, a file each."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name.removeprefix('m')}.sql").write_text(text)
    return folder


def tables(database: engine.Database) -> set[object]:
    """Names of the tables."""
    return {name for (name,) in database.run("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_a_new_database_gets_the_schema(tmp_path: Path) -> None:
    """A new file is at the newest version, in WAL; opening it again changes nothing."""
    path = tmp_path / "x.sqlite"
    for _ in range(2):
        database = engine.open_database(path)
        assert engine.schema_version(database) == engine.migrations()[-1][0]
        assert "requests" in tables(database)
        assert database.run("PRAGMA journal_mode") == [("wal",)]
        assert database.run("PRAGMA synchronous") == [(1,)]
        database.close()


def test_only_what_is_missing_is_applied(tmp_path: Path) -> None:
    """A database at version 1 gets migration 2 and keeps its rows."""
    folder = write_migrations(tmp_path / "m", m0001_a="CREATE TABLE a (x); INSERT INTO a VALUES (1);")
    path = tmp_path / "x.sqlite"
    database = engine.open_database(path)
    database.run("DROP TABLE requests")
    database.run("PRAGMA user_version = 0")
    assert engine.migrate(database, path, folder) == 1
    write_migrations(folder, m0002_b="ALTER TABLE a ADD COLUMN y DEFAULT 7;")
    assert engine.migrate(database, path, folder) == 2
    assert engine.migrate(database, path, folder) == 2
    assert database.run("SELECT * FROM a") == [(1, 7)]
    database.close()


def test_a_failing_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    """Version and tables are as before when any statement fails."""
    folder = write_migrations(
        tmp_path / "m", m0001_a="CREATE TABLE a (x);", m0002_b="CREATE TABLE b (x); SELECT nonsense();"
    )
    path = tmp_path / "x.sqlite"
    database = engine.open_database(path)
    database.run("PRAGMA user_version = 0")
    with pytest.raises(StorageError, match="nonsense"):
        engine.migrate(database, path, folder)
    assert tables(database) == {"requests"}
    assert engine.schema_version(database) == 0
    database.run("BEGIN IMMEDIATE")
    database.close()


@pytest.mark.parametrize("numbers", [["0002_a"], ["0001_a", "0003_b"], []])
def test_migrations_count_from_one(tmp_path: Path, numbers: list[str]) -> None:
    """A gap in the numbers is a mistake of ours and said so."""
    folder = write_migrations(tmp_path / "m", **{f"m{number}": "" for number in numbers})
    with pytest.raises(ValueError, match="must be numbered 1, 2, 3"):
        engine.migrations(folder)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A newer database is left alone."""
    path = tmp_path / "x.sqlite"
    database = engine.open_database(path)
    database.run("PRAGMA user_version = 42")
    database.close()
    with pytest.raises(engine.NewerSchema, match="version 42"):
        engine.open_database(path)


def test_a_reader_writes_nothing(tmp_path: Path) -> None:
    """A reader of a missing database is None; of one that is there, it cannot write."""
    path = tmp_path / "x.sqlite"
    assert engine.open_reader(path) is None
    engine.open_database(path).close()
    reader = engine.open_reader(path)
    assert reader is not None
    with pytest.raises(StorageError, match="readonly"):
        reader.run("DELETE FROM requests")
    reader.close()
