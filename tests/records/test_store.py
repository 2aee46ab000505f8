"""The store: exactly once, whatever the disk says."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.fakes.books import row, row_id

from asbru.records import query
from asbru.records.store import HELD_BYTES_MAX, RETRY_MAX_S, RecordStore
from asbru.storage import NewerSchema, open_database, sqlite_url


def pack(*rows: object) -> bytes:
    """A batch as it travels."""
    return msgspec.msgpack.encode(rows)


def test_a_batch_is_written_once(store: RecordStore, url: str) -> None:
    """The same rows again change nothing, and are not counted as written."""
    for batch in (pack(row(1), row(2)), pack(row(2), row(3))):
        store.keep(batch)
        assert store.commit(0)
    assert query.count(url) == 3
    assert (store.written, store.dropped, store.held_bytes) == (3, 0, 0)


def test_what_was_written_is_read_back(store: RecordStore, url: str) -> None:
    """Every column comes back as it went in, newest row first."""
    store.keep(pack(*(row(number) for number in range(5))))
    store.commit(0)
    assert [one["id"] for one in query.latest(url, 2)] == [row_id(4), row_id(3)]
    found = query.by_id(url, row_id(1))
    assert found is not None
    assert tuple(found.values()) == row(1)
    assert query.by_id(url, "req_none") is None


def test_no_database_has_no_records(tmp_path: Path) -> None:
    """Asking before anything was written is no error and creates nothing."""
    assert query.latest(sqlite_url(tmp_path / "none.sqlite")) == []
    assert query.count(sqlite_url(tmp_path / "none.sqlite")) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "bad",
    [row(9, status=None), row(9)[:-1], (*row(9), 1), row(9, status=2**64 - 1), row(9, provider=["x"])],
    ids=["null", "narrow", "wide", "too large", "a list"],
)
def test_a_bad_row_takes_no_other_along(store: RecordStore, url: str, bad: object) -> None:
    """A row that can never be written is dropped and counted; its neighbours are written."""
    store.keep(pack(row(1), bad, row(2)))
    assert store.commit(0)
    assert query.count(url) == 2
    assert (store.written, store.dropped) == (2, 1)


def test_garbage_is_dropped(store: RecordStore, url: str) -> None:
    """A batch that is no msgpack is dropped; the next is written."""
    store.keep(b"\xc1garbage")
    store.keep(pack(row(1)))
    assert store.commit(0)
    assert query.count(url) == 1
    assert store.dropped == 1


def test_a_locked_database_is_waited_for(store: RecordStore, url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """While another process holds the lock batches are held and tried again, ever more rarely; one line tells it."""
    other = open_database(url)
    other.run("BEGIN IMMEDIATE")
    store.keep(pack(row(1)))
    now_s = 100.0
    pauses: list[float] = []
    for _ in range(7):
        assert not store.commit(now_s)
        assert store.retry_at_s is not None
        pauses.append(store.retry_at_s - now_s)
        now_s = store.retry_at_s
    assert pauses == [0.25, 0.5, 1.0, 2.0, 4.0, RETRY_MAX_S, RETRY_MAX_S]
    assert store.failures == 7
    store.keep(pack(row(2)))
    assert not store.commit(now_s - 1)
    assert store.failures == 7
    other.run("ROLLBACK")
    other.close()
    assert store.commit(now_s)
    assert store.retry_at_s is None
    assert query.count(url) == 2
    said = capfd.readouterr().err
    assert said.count("records cannot be written; they are kept in memory") == 1
    assert said.count("records can be written again") == 1


def test_what_is_held_is_bounded(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Over the bound batches are given up and their rows counted; one line tells it."""
    batch = pack(row(1), row(2))
    store = RecordStore(url, held_bytes_max=2 * len(batch))
    for _ in range(5):
        store.keep(batch)
    assert store.held_bytes == 2 * len(batch) < HELD_BYTES_MAX
    assert store.dropped == 6
    assert capfd.readouterr().err.count("records were dropped") == 1
    store.close()


def test_a_removed_database_loses_no_row(store: RecordStore, url: str, tmp_path: Path) -> None:
    """Rows that come after somebody removed the file are held, and written to a new one."""
    store.keep(pack(row(1)))
    assert store.commit(0.0)
    for path in tmp_path.iterdir():
        path.unlink()
    store.keep(pack(row(2)))
    assert not store.commit(1.0)
    assert store.commit(60.0)
    assert query.count(url) == 1


def test_a_damaged_database_is_set_aside(
    store: RecordStore, url: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Overwritten with nonsense: it gets another name, which the log says, and the rows go to a new one."""
    store.keep(pack(row(1)))
    assert store.commit(0.0)
    store.close()
    (tmp_path / "asbru.sqlite").write_bytes(b"nonsense" * 10_000)
    store.keep(pack(row(2)))
    assert not store.commit(1.0)
    assert store.commit(60.0)
    assert query.count(url) == 1
    assert [path.name for path in tmp_path.glob("*.damaged-*")]
    assert "the database is damaged; it was renamed" in capfd.readouterr().err


def test_transactions_have_pauses(url: str) -> None:
    """What comes in a pause is written together when it is over, or at the end."""
    store = RecordStore(url, pause_s=0.5)
    store.open()
    store.keep(pack(row(1)))
    assert store.retry_at_s == 0.0
    assert store.commit(1.0)
    assert store.retry_at_s is None
    store.keep(pack(row(2)))
    assert not store.commit(1.4)
    assert (store.retry_at_s, store.written) == (1.5, 1)
    store.keep(pack(row(3)))
    assert store.commit(1.5)
    store.keep(pack(row(4)))
    assert store.commit(float("inf"))
    assert store.written == 4
    store.close()


def test_a_missing_folder_is_waited_for(tmp_path: Path) -> None:
    """A database that cannot be opened at the start is opened once it can be."""
    url = sqlite_url(tmp_path / "later" / "asbru.sqlite")
    store = RecordStore(url)
    store.open()
    store.keep(pack(row(1)))
    assert not store.commit(0)
    (tmp_path / "later").mkdir()
    assert store.commit(1)
    assert query.count(url) == 1
    store.close()


def test_a_newer_schema_is_refused(url: str) -> None:
    """A database of a newer Asbru stops the start, with words that say what to do."""
    database = open_database(url)
    database.set_schema_version(999)
    database.close()
    with pytest.raises(NewerSchema, match=r"schema version 999.*start the newer Asbru again"):
        RecordStore(url).open()
