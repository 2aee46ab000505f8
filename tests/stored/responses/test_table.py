"""The table of stored responses: chains, their owners, their end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.fakes import stored
from tests.fakes.stored_responses import StoredHere

from asbru.storage import sqlite_url
from asbru.stored.responses import Link, ResponseIndex, ResponseRow

ROOM = 1 << 20
at_once = stored.Asking.run


@pytest.fixture
def index(tmp_path: Path) -> Iterator[ResponseIndex]:
    """An index over a new table."""
    here = StoredHere(sqlite_url(tmp_path / "asbru.sqlite"))
    yield here.index
    here.table.close()


def row(name: str, previous: str = "", *, at: int = 1000, size: int = 0) -> ResponseRow:
    """A response that lives for a second."""
    return ResponseRow(name, "blue", previous, at, at + 1000, b"[1]", b'["%b"]' % name.encode(), b" " * size)


def test_a_conversation_is_its_responses_in_order(index: ResponseIndex) -> None:
    """The first first; those of another branch are not among them."""
    for one in (row("a"), row("b", "a"), row("c", "b"), row("other", "a")):
        assert at_once(index.put(one, ROOM))
    found = at_once(index.conversation("c", "blue", 1500))
    assert found == [Link(b"[1]", b'["a"]'), Link(b"[1]", b'["b"]'), Link(b"[1]", b'["c"]')]


def test_only_its_owner_finds_it(index: ResponseIndex) -> None:
    """Neither to read it, nor to go on from it, nor to delete it."""
    at_once(index.put(row("a"), ROOM))
    assert at_once(index.conversation("a", "red", 1500)) == []
    assert at_once(index.read("a", "red", 1500)) is None
    at_once(index.remove("a", "red"))
    assert at_once(index.read("a", "blue", 1500)) == row("a")


def test_it_expires_unless_the_conversation_goes_on(index: ResponseIndex) -> None:
    """What is gone on from lives as long as what follows; all else is gone when its time is over."""
    at_once(index.put(row("a"), ROOM))
    at_once(index.put(row("alone"), ROOM))
    at_once(index.put(row("b", "a", at=1900), ROOM))
    assert len(at_once(index.conversation("b", "blue", 2500))) == 2
    assert at_once(index.read("alone", "blue", 2500)) is None
    assert at_once(index.conversation("b", "blue", 3000)) == []


def test_a_conversation_without_its_beginning_is_none(index: ResponseIndex) -> None:
    """A model must not be asked with half of what was said."""
    at_once(index.put(row("a"), ROOM))
    at_once(index.put(row("b", "a"), ROOM))
    at_once(index.remove("a", "blue"))
    assert at_once(index.conversation("b", "blue", 1500)) == []


def test_the_oldest_make_room(index: ResponseIndex) -> None:
    """All together take no more than the bound; one that is too large by itself is not stored."""
    for at in range(250):
        at_once(index.put(row(f"r{at}", at=1000 + at, size=1000), 100_000))
    assert at_once(index.read("r0", "blue", 1500)) is None
    assert at_once(index.read("r249", "blue", 1500)) is not None
    assert not at_once(index.put(row("large", size=5 << 20), 1 << 30))


def test_a_response_is_replaced(index: ResponseIndex) -> None:
    """Storing it again changes what it holds, and not whose it is."""
    at_once(index.put(row("a"), ROOM))
    at_once(index.put(msgspec.structs.replace(row("a"), output=b"[2]"), ROOM))
    found = at_once(index.read("a", "blue", 1500))
    assert found is not None and found.output == b"[2]"
