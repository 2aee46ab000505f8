"""The bookkeeper's part in the feed: what it answers, and what it pushes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from asbru.app.stored_feed import StoredFeed
from asbru.cluster import FEED_SUBJECT, Changes, Entry, Everything, Feed, stored
from asbru.storage import StorageError, open_database, sqlite_url

NOBODY = cast("Any", None)
"""Who asks does not matter."""


def test_workers_are_told_what_is_new(tmp_path: Path) -> None:
    """Everything at first, then each change once, in order; before a database is there it is empty."""
    url = sqlite_url(tmp_path / "x.sqlite")
    pushed: list[tuple[str, bytes]] = []
    feed = StoredFeed(url, lambda subject, payload: pushed.append((subject, payload)))
    assert feed.tell_changes(NOBODY) == b"" and pushed == []
    assert msgspec.msgpack.decode(feed.tell_everything(NOBODY), type=Everything) == Everything(0, {})
    database = open_database(url)
    for payload in (b"1", b"2"):
        stored.save_entries(database, [Entry("key", "a", payload)])
    feed.tell_changes(NOBODY)
    feed.tell_changes(NOBODY)
    assert [subject for subject, _ in pushed] == [FEED_SUBJECT] * 2
    changes = [msgspec.msgpack.decode(payload, type=Changes) for _, payload in pushed]
    assert changes == [Changes(1, (Entry("key", "a", b"1"),)), Changes(2, (Entry("key", "a", b"2"),))]
    assert msgspec.msgpack.decode(feed.tell_everything(NOBODY), type=Everything).version == 2
    database.close()


def test_a_gap_makes_workers_ask_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not known any more, or a store that was set back, is pushed as a gap, which a feed refuses."""
    monkeypatch.setattr(stored, "CHANGES_KEPT_MAX", 1)
    url = sqlite_url(tmp_path / "x.sqlite")
    database = open_database(url)
    pushed: list[bytes] = []
    feed = StoredFeed(url, lambda _, payload: pushed.append(payload))
    worker = Feed()
    worker.replace_store(msgspec.msgpack.decode(feed.tell_everything(NOBODY), type=Everything))
    for payload in (b"1", b"2", b"3"):
        stored.save_entries(database, [Entry("key", "a", payload)])
    feed.tell_changes(NOBODY)
    database.run("DELETE FROM feed_changes")
    feed.tell_changes(NOBODY)
    for one in pushed:
        change = msgspec.msgpack.decode(one, type=Changes)
        assert not worker.apply_changes(change.version, change.entries)
    assert len(pushed) == 2
    database.close()


def test_a_database_that_cannot_be_read_is_asked_again(tmp_path: Path) -> None:
    """The question is refused by raising; nothing is taken as told."""
    url = sqlite_url(tmp_path / "x.sqlite")
    (tmp_path / "x.sqlite").write_text("no database" * 1000)
    feed = StoredFeed(url, lambda *_: None)
    with pytest.raises(StorageError):
        feed.tell_everything(NOBODY)
