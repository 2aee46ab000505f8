"""SQLite behind the port: its settings, its transactions, its errors."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import apsw
import pytest

from asbru.storage import DamagedError, RowError, StorageError, schema, sqlite


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database lies."""
    return tmp_path / "x.sqlite"


@pytest.fixture
def database(path: Path) -> Iterator[sqlite.SqliteDatabase]:
    """An open one, with a table to play with."""
    one = sqlite.open_database(path)
    one.run("CREATE TABLE t (x INTEGER NOT NULL)")
    yield one
    one.close()


def test_its_files_are_private(path: Path) -> None:
    """Whatever the umask, and also where the file was there before with another mode."""
    before = os.umask(0)
    try:
        database = sqlite.open_database(path)
    finally:
        os.umask(before)
    database.run("CREATE TABLE t (x)")
    assert {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == dict.fromkeys(
        (path.name, f"{path.name}-wal", f"{path.name}-shm"), 0o600
    )
    database.close()
    path.chmod(0o644)
    sqlite.open_database(path).close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_written_to_a_file_that_was_removed(database: sqlite.SqliteDatabase, path: Path) -> None:
    """It would be lost; whoever writes is told, and finds a new file when it connects again."""
    path.unlink()
    with pytest.raises(StorageError, match="was removed or replaced"), database.transaction():
        pytest.fail("began")
    sqlite.open_database(path).close()
    with pytest.raises(StorageError, match="was removed or replaced"), database.transaction():
        pytest.fail("began")


def test_another_process_never_takes_itself_for_the_last_one(database: sqlite.SqliteDatabase, path: Path) -> None:
    """A process opens the database twice (each store has its connection); another one opens and closes it. What the
    first writes afterwards is in the file that everybody reads: its WAL was not removed beneath it."""
    second = sqlite.open_database(path)
    other = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM t').fetchall(); c.close()"
    )
    subprocess.run([sys.executable, "-c", other, str(path)], check=True, timeout=60)
    with database.transaction():
        database.run("INSERT INTO t VALUES (1)")
    second.close()
    reader = sqlite.open_reader(path)
    assert reader is not None
    assert reader.run("SELECT x FROM t") == [(1,)]
    reader.close()


def test_damage_is_told_apart(path: Path) -> None:
    """A file that is no database is not a failure that may pass; set aside, it makes room for a new one."""
    path.write_bytes(b"nonsense" * 1000)
    with pytest.raises(DamagedError):
        sqlite.open_database(path)
    aside = sqlite.set_aside(path)
    assert aside.read_bytes().startswith(b"nonsense") and not path.exists()
    sqlite.open_database(path).close()


def test_a_new_database_gets_the_schema(path: Path) -> None:
    """A new file is at the newest version, in WAL; opening it again changes nothing."""
    for _ in range(2):
        database = sqlite.open_database(path)
        assert database.schema_version() == len(schema.migrations("sqlite"))
        assert database.run("SELECT count(*) FROM requests") == [(0,)]
        assert database.run("PRAGMA journal_mode") == [("wal",)]
        assert database.run("PRAGMA synchronous") == [(1,)]
        assert database.run("PRAGMA busy_timeout") == [(sqlite.BUSY_TIMEOUT_MS,)]
        database.close()


def test_the_switch_to_wal_waits_for_a_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that writes to a new database is waited for, up to a deadline; any other failure is told at
    once."""
    writer = sqlite.SqliteDatabase(apsw.Connection(str(path)))
    writer.run("BEGIN IMMEDIATE")
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            writer.run("ROLLBACK")

    monkeypatch.setattr(sqlite, "time", SimpleNamespace(monotonic=lambda: sum(pauses), sleep=pause))
    sqlite.open_database(path).close()
    assert pauses == [sqlite.WAL_RETRY_S] * 3
    writer.close()
    other = path.with_name("y.sqlite")
    writer = sqlite.SqliteDatabase(apsw.Connection(str(other)))
    writer.run("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        sqlite.open_database(other)
    assert sum(pauses) == pytest.approx(sqlite.OPEN_TIMEOUT_MS / 1000, abs=0.1)
    writer.close()
    del pauses[:]
    path.write_text("no database, but long enough to be looked at" * 100)
    with pytest.raises(StorageError, match="not a database"):
        sqlite.open_database(path)
    assert pauses == []


def test_a_transaction_is_whole_or_not_at_all(database: sqlite.SqliteDatabase, path: Path) -> None:
    """What a block wrote is there for others at its end, and gone when it raised."""
    reader = sqlite.open_reader(path)
    assert reader is not None
    with database.transaction():
        database.run_many("INSERT INTO t VALUES (?)", [(1,), (2,)])
        assert reader.run("SELECT x FROM t") == []
    assert reader.run("SELECT x FROM t") == [(1,), (2,)]
    with pytest.raises(ZeroDivisionError), database.transaction():
        database.run("DELETE FROM t")
        _ = 1 // 0
    assert reader.run("SELECT x FROM t") == [(1,), (2,)]
    with database.transaction():
        database.run("DELETE FROM t")
    assert reader.run("SELECT x FROM t") == []
    reader.close()


def test_there_is_one_transaction_at_a_time(database: sqlite.SqliteDatabase, path: Path) -> None:
    """A second writer is refused at the beginning of its block, and let in after the first has ended."""
    other = sqlite.open_database(path)
    with database.transaction(), pytest.raises(StorageError, match="locked"), other.transaction():
        pytest.fail("two writers at once")
    with other.transaction():
        pass
    other.close()


def test_closing_rolls_back(database: sqlite.SqliteDatabase, path: Path) -> None:
    """An open transaction ends with its connection, and a closed one can be closed again."""
    database.run("BEGIN IMMEDIATE")
    database.run("INSERT INTO t VALUES (1)")
    for _ in range(2):
        database.close()
    reader = sqlite.open_reader(path)
    assert reader is not None
    assert reader.run("SELECT x FROM t") == []
    reader.close()


@pytest.mark.parametrize("row", [(None,), (), (1, 2), (2**64,), (["x"],), ("\ud800",)])
def test_a_bad_row_is_told_from_a_bad_disk(database: sqlite.SqliteDatabase, row: tuple[object, ...]) -> None:
    """Values that can never be written are a RowError, from one statement and from many; the rows before stay."""
    with pytest.raises(RowError), database.transaction():
        database.run("INSERT INTO t VALUES (?)", row)
    with database.transaction(), pytest.raises(RowError):
        database.run_many("INSERT INTO t VALUES (?)", [(7,), row])
    assert database.run("SELECT x FROM t") == [(7,)]


def test_other_failures_are_no_row_errors(database: sqlite.SqliteDatabase, tmp_path: Path) -> None:
    """A statement that makes no sense, and a folder that is not there."""
    for failing in (
        lambda: database.run("SELECT nonsense()"),
        lambda: database.run_many("INSERT INTO nowhere VALUES (?)", [(1,)]),
        lambda: sqlite.open_database(tmp_path / "none" / "x.sqlite"),
    ):
        with pytest.raises(StorageError) as raised:
            failing()
        assert not isinstance(raised.value, RowError)
    assert "none/x.sqlite" in str(raised.value)


def test_changes_are_counted(database: sqlite.SqliteDatabase) -> None:
    """Rows that a statement changed, and not those it left alone."""
    before = database.total_changes
    database.run("CREATE UNIQUE INDEX u ON t (x)")
    database.run_many("INSERT INTO t VALUES (?) ON CONFLICT (x) DO NOTHING", [(1,), (1,), (2,)])
    assert database.total_changes - before == 2


def test_a_reader_writes_nothing(path: Path) -> None:
    """A reader of a missing database is None; of one that is there, it cannot write."""
    assert sqlite.open_reader(path) is None
    sqlite.open_database(path).close()
    reader = sqlite.open_reader(path)
    assert reader is not None
    with pytest.raises(StorageError, match="readonly"):
        reader.run("DELETE FROM requests")
    reader.close()
