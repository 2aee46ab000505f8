"""The store's layer of the feed in the database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asbru.cluster import Changes, Entry, Everything, stored
from asbru.storage import Database, open_database, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open one."""
    one = open_database(sqlite_url(tmp_path / "x.sqlite"))
    yield one
    one.close()


def test_a_version_for_each_transaction(database: Database) -> None:
    """What is saved at once is one change; the last of several about one entry counts."""
    assert (stored.read_version(database), stored.read_everything(database)) == (0, Everything(0, {}))
    a, b = Entry("key", "a", b"1"), Entry("key", "b", b"2")
    assert stored.save_entries(database, [Entry("key", "a", b"0"), a, b]) == 1
    assert stored.save_entries(database, [Entry("key", "b", None)]) == 2
    assert stored.read_everything(database) == Everything(2, {"key": {"a": b"1"}})
    assert stored.read_changes(database, 0) == [Changes(1, (a, b)), Changes(2, (Entry("key", "b", None),))]
    assert stored.read_changes(database, 1) == [Changes(2, (Entry("key", "b", None),))]
    assert stored.read_changes(database, 2) == []


def test_who_is_too_far_behind_reads_everything(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Old changes are let go; whoever needs one of them, or is ahead of the store, is told so."""
    monkeypatch.setattr(stored, "CHANGES_KEPT_MAX", 2)
    for number in range(4):
        stored.save_entries(database, [Entry("key", "a", b"%d" % number)])
    assert stored.read_changes(database, 1) is None
    assert [one.version for one in stored.read_changes(database, 2) or ()] == [3, 4]
    assert stored.read_changes(database, 9) is None


def test_superseded_payloads_of_large_kinds_are_not_kept(database: Database) -> None:
    """Their versions stay without a gap, so a worker that is behind still gets the differences and the last payload."""
    a = [Entry("big", "a", b"%d" % number) for number in range(3)]
    for one in a[:2]:
        stored.save_entries(database, [one, Entry("key", "a", b"k")])
    stored.forget_superseded(database, "big", ["a"], stored.save_entries(database, [a[2]]))
    changes = stored.read_changes(database, 0)
    assert changes is not None
    assert [one.version for one in changes] == [1, 2, 3]
    told = {(entry.kind, entry.id): entry.payload for change in changes for entry in change.entries}
    assert told == {("-big", "a"): None, ("key", "a"): b"k", ("big", "a"): b"2"}
    assert stored.read_everything(database).entries == {"key": {"a": b"k"}, "big": {"a": b"2"}}
