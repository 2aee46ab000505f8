"""Bodies: stored compressed, at most once, and read back."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from asbru.records.bodies import read
from asbru.records.bodies.store import HELD_BYTES_MAX, Bodies, BodyStore
from asbru.storage import open_database, sqlite_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Where the database lies."""
    url = sqlite_url(tmp_path / "asbru.sqlite")
    open_database(url).close()
    return url


def pack(*several: Bodies) -> bytes:
    """A batch as it travels."""
    return msgspec.msgpack.encode(several)


def test_bodies_are_read_back(url: str) -> None:
    """As they were, with their whole size and whether they are cut off; compressed on disk; an empty one is empty."""
    store = BodyStore(url)
    text = b'{"a": 1}' * 1000
    store.keep(pack(Bodies("r1", text, 20_000, b"", 0)))
    store.keep(pack(Bodies("r1", b"again", 5, b"x", 1), Bodies("r2", b"q", 1, b"\xff", 1)))
    assert store.commit(0)
    assert read.load_bodies(url, "r1") == (read.Body(20_000, True, text), read.Body(0, False, b""))
    assert read.load_bodies(url, "r2") == (read.Body(1, False, b"q"), read.Body(1, False, b"\xff"))
    assert read.load_sizes(url, "r1") == read.Sizes(20_000, 0)
    assert read.load_bodies(url, "r3") is None and read.load_sizes(url, "r3") is None
    database = open_database(url)
    ((stored,),) = database.run("SELECT stored_bytes FROM bodies WHERE id = 'r1'")
    assert 0 < int(str(stored)) < 200
    database.close()
    store.close()


def test_what_cannot_be_stored_is_given_up(url: str, tmp_path: Path) -> None:
    """Garbage, too much at once and a disk that refuses: counted, and nothing is held; the next is stored."""
    store = BodyStore(url)
    store.keep(b"\xc1garbage")
    store.keep(b"x" * (HELD_BYTES_MAX + 1))
    assert store.commit(0) and store.dropped == 2
    broken = BodyStore(sqlite_url(tmp_path / "none" / "asbru.sqlite"))
    broken.keep(pack(Bodies("r1", b"q", 1, b"a", 1)))
    assert broken.commit(0) and broken.dropped == 1
    store.keep(pack(Bodies("r1", b"q", 1, b"a", 1)))
    assert store.commit(0) and store.written == 1
    store.close()


def test_no_database_has_no_bodies(tmp_path: Path) -> None:
    """Asking before anything was stored is no error."""
    assert read.load_bodies(sqlite_url(tmp_path / "none.sqlite"), "r1") is None
