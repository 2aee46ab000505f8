"""Documents, what they name, and the notes about them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from asbru.objects import Change, ObjectStore, Reference, StoredObject, store
from asbru.storage import Database, open_database, sqlite_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open one."""
    one = open_database(sqlite_url(tmp_path / "x.sqlite"))
    yield one
    one.close()


def team(name: str, version: int = 1) -> StoredObject:
    """A team by name."""
    return StoredObject("team", name, version, "{}", 5)


def test_an_object_is_written_read_and_deleted(database: Database) -> None:
    """The last version counts, and what it named goes with it."""
    objects = ObjectStore(database)
    acme, other = Reference("customer", "acme"), Reference("customer", "other")
    objects.save(team("blue"), [acme, acme])
    assert objects.referring_to(*acme, 5) == [("team", "blue")]
    objects.save(team("blue", 2), [other])
    assert objects.load("team", "blue") == team("blue", 2)
    assert (objects.referring_to(*acme, 5), objects.referring_to(*other, 5)) == ([], [("team", "blue")])
    objects.delete("team", "blue")
    assert objects.load("team", "blue") is None and objects.referring_to(*other, 5) == []


def test_pages_go_by_id(database: Database) -> None:
    """Whatever is written meanwhile, nothing comes twice; filters are exact, `%` and `_` are letters."""
    objects = ObjectStore(database)
    for name in ("a", "b_1", "bx1", "c"):
        objects.save(team(name), [Reference("customer", "acme")] if name > "b" else [])
    page = objects.load_page("team", limit=2)
    assert [one.id for one in page] == ["a", "b_1"]
    objects.save(team("a0"), [])
    assert [one.id for one in objects.load_page("team", after="b_1", limit=2)] == ["bx1", "c"]
    assert [one.id for one in objects.load_page("team", limit=9, search="b_")] == ["b_1"]
    assert [one.id for one in objects.load_page("team", limit=9, search="%")] == []
    acme = Reference("customer", "acme")
    assert [one.id for one in objects.load_page("team", limit=1, after="b_1", refers_to=acme)] == ["bx1"]
    assert [one.id for one in objects.load_kind("team")] == ["a", "a0", "b_1", "bx1", "c"]


def test_notes_are_numbered_and_bounded(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest first, by pages; the oldest are let go."""
    monkeypatch.setattr(store, "CHANGES_KEPT_MAX", 3)
    objects = ObjectStore(database)
    for number in range(5):
        objects.note(Change(number, "ann", "update", "team", f"t{number % 2}", "{}", "{}"))
    assert [one.number for one in objects.load_changes(limit=9)] == [5, 4, 3]
    assert [one.number for one in objects.load_changes(limit=1, before=5)] == [4]
    assert [one.at_ms for one in objects.load_changes(limit=9, kind="team", object_id="t0")] == [4, 2]
