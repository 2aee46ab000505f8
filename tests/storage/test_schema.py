"""Migrations: in order, whole or not at all, whoever else does the same, whichever engine."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from pathlib import Path

import apsw
import pytest
from tests.fakes.books import ENVIRONMENT, WAIT_S

from asbru.storage import NewerSchema, StorageError, schema, sqlite

SLOW = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) SELECT count(*) FROM n;"
"""Longer than a statement of a running Asbru would wait for a lock."""


def write_migrations(folder: Path, **files: str) -> Path:
    """A folder of migrations, a file each."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name.removeprefix('m').replace('__', '.')}.sql").write_text(text)
    return folder


def empty(path: Path) -> sqlite.SqliteDatabase:
    """A database without any schema."""
    return sqlite.SqliteDatabase(apsw.Connection(str(path)))


def tables(database: sqlite.SqliteDatabase) -> set[object]:
    """Names of the tables."""
    return {name for (name,) in database.run("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_only_what_is_missing_is_applied(tmp_path: Path) -> None:
    """A database at version 1 gets migration 2 and keeps its rows."""
    folder = write_migrations(tmp_path / "m", m0001_a="CREATE TABLE a (x); INSERT INTO a VALUES (1);")
    database = empty(tmp_path / "x.sqlite")
    assert schema.migrate(database, "x", folder) == 1
    write_migrations(folder, m0002_b="ALTER TABLE a ADD COLUMN y DEFAULT 7;")
    assert schema.migrate(database, "x", folder) == 2
    assert schema.migrate(database, "x", folder) == 2
    assert database.run("SELECT * FROM a") == [(1, 7)]
    database.close()


def test_a_failing_migration_leaves_nothing_behind(tmp_path: Path) -> None:
    """Version and tables are as before when any statement fails, and the connection is of use."""
    folder = write_migrations(
        tmp_path / "m", m0001_a="CREATE TABLE a (x);", m0002_b="CREATE TABLE b (x); SELECT nonsense();"
    )
    database = empty(tmp_path / "x.sqlite")
    with pytest.raises(StorageError, match="nonsense"):
        schema.migrate(database, "x", folder)
    assert (tables(database), database.schema_version()) == (set(), 0)
    write_migrations(folder, m0002_b="CREATE TABLE b (x);")
    assert schema.migrate(database, "x", folder) == 2
    assert tables(database) == {"a", "b"}
    database.close()


KILLED = """
import apsw, os, signal, sys
from pathlib import Path
from asbru.storage import schema, sqlite
class Mortal(sqlite.SqliteDatabase):
    def set_schema_version(self, number):
        super().set_schema_version(number)
        if number == 3:
            os.kill(os.getpid(), signal.SIGKILL)
schema.migrate(Mortal(apsw.Connection(sys.argv[1])), "x", Path(sys.argv[2]))
"""


def test_a_process_that_dies_half_way_leaves_a_sound_database(tmp_path: Path) -> None:
    """Killed between two migrations: the database is as before, and the next process applies them all."""
    path = tmp_path / "x.sqlite"
    folder = write_migrations(tmp_path / "m", m0001_requests="CREATE TABLE requests (x);")
    database = empty(path)
    schema.migrate(database, "x", folder)
    database.close()
    write_migrations(
        folder,
        m0002_a="CREATE TABLE a (x); INSERT INTO a VALUES (1);",
        m0003_b="ALTER TABLE a RENAME TO b;",
    )
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), str(folder)], env=ENVIRONMENT, timeout=WAIT_S, check=False
    )
    assert ran.returncode == -signal.SIGKILL
    database = empty(path)
    assert (database.schema_version(), tables(database)) == (1, {"requests"})
    assert database.run("PRAGMA integrity_check") == [("ok",)]
    assert schema.migrate(database, "x", folder) == 3
    assert database.run("SELECT * FROM b") == [(1,)]
    database.close()


def open_at_once(path: Path, count: int) -> list[object]:
    """Open a database in several threads at the same moment; the version and rows of `a` that each found, or its
    error."""
    together = threading.Barrier(count)
    found: list[object] = []

    def open_it() -> None:
        together.wait(WAIT_S)
        try:
            database = sqlite.open_database(path)
            found.append((database.schema_version(), database.run("SELECT count(*) FROM a")))
            database.close()
        except Exception as error:  # noqa: BLE001 -- the test is told
            found.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    return found


def test_several_may_migrate_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Several open a new database at the same moment: each migration is applied once, and nobody fails or is let in
    before it is done. Once with a migration that takes its time, and often with a quick one, for the switch to WAL."""
    folder = write_migrations(
        tmp_path / "m", m0001_a=f"CREATE TABLE a (x); {SLOW}", m0002_b="INSERT INTO a VALUES (1);"
    )
    monkeypatch.setattr(schema.migrate, "__defaults__", (folder,))
    assert open_at_once(tmp_path / "slow.sqlite", 4) == [(2, [(1,)])] * 4
    write_migrations(folder, m0001_a="CREATE TABLE a (x);")
    for turn in range(10):
        assert open_at_once(tmp_path / f"{turn}.sqlite", 6) == [(2, [(1,)])] * 6


@pytest.mark.parametrize("numbers", [["0002_a"], ["0001_a", "0003_b"], ["0001_a", "0001_b"], []])
def test_migrations_count_from_one(tmp_path: Path, numbers: list[str]) -> None:
    """A gap in the numbers, or a number twice, is a mistake of ours and said so."""
    folder = write_migrations(tmp_path / "m", **{f"m{number}": "" for number in numbers})
    with pytest.raises(ValueError, match="must be numbered 1, 2, 3"):
        schema.migrations("sqlite", folder)


def test_each_engine_has_its_own_sql_where_it_differs(tmp_path: Path) -> None:
    """A file with the engine's name goes before the general one; another engine's is left alone."""
    folder = write_migrations(
        tmp_path / "m", m0001_a="", m0002_b="", m0002_b__postgresql="", m0003_c__sqlite="", m0003_c__postgresql=""
    )
    names = lambda engine: [file.name for file in schema.migrations(engine, folder)]  # noqa: E731  # read twice
    assert names("sqlite") == ["0001_a.sql", "0002_b.sql", "0003_c.sqlite.sql"]
    assert names("postgresql") == ["0001_a.sql", "0002_b.postgresql.sql", "0003_c.postgresql.sql"]


def test_an_engine_without_its_own_sql_is_noticed(tmp_path: Path) -> None:
    """A step that one engine lacks is a gap for that engine only, and a misspelt engine is no engine."""
    folder = write_migrations(tmp_path / "m", m0001_a="", m0002_b__postgresql="", m0003_c="")
    assert len(schema.migrations("postgresql", folder)) == 3
    with pytest.raises(ValueError, match=r"of sqlite in .* must be numbered"):
        schema.migrations("sqlite", folder)
    write_migrations(folder, m0002_b__postgres="")
    with pytest.raises(ValueError, match=r"0002_b\.postgres\.sql: expected one of sqlite, postgresql"):
        schema.migrations("postgresql", folder)


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A newer database is left alone, and the message says what to do."""
    path = tmp_path / "x.sqlite"
    database = sqlite.open_database(path)
    database.set_schema_version(42)
    database.close()
    with pytest.raises(NewerSchema, match=r"x\.sqlite has schema version 42.*start the newer Asbru again"):
        sqlite.open_database(path)
    database = empty(path)
    assert database.schema_version() == 42
    database.close()
