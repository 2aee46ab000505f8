"""The table of stored objects, asked as workers ask it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.fakes.stored import Asking

from asbru.core.errors import Overloaded
from asbru.core.future import Future
from asbru.storage import StorageError, sqlite_url
from asbru.stored import Listed, ObjectIndex, ObjectRow
from asbru.stored.store import KEPT_MS, ObjectTable

ROW = ObjectRow("id-0", "file", "me", "openai", "main", "batch", "processed", 5, 1000, b'{"n":0}')


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    """A table, and an index that asks it."""
    return Asking(sqlite_url(tmp_path / "asbru.sqlite"))


def _listed(asking: Asking, **asked: object) -> tuple[list[bytes], bool]:
    page = asking.wait(
        asking.index.list(msgspec.convert({"type": "list", "kind": "file", "owner": "me", **asked}, Listed))
    )
    return page.bodies, page.more


def _put(asking: Asking, **changed: object) -> None:
    assert asking.wait(asking.index.put(msgspec.structs.replace(ROW, **changed)))


def test_an_owner_sees_its_own(asking: Asking) -> None:
    """Of a kind, a provider or a label, and nothing of others."""
    for number, changed in enumerate(
        ({}, {"owner": "you"}, {"kind": "batch"}, {"provider": "groq"}, {"label": "assistants"}, {"owner": ""})
    ):
        _put(asking, id=f"id-{number}", created_ms=1000 + number, body=b"%d" % number, **changed)
    assert _listed(asking) == ([b"4", b"3", b"0"], False)
    assert _listed(asking, provider="groq") == ([b"3"], False)
    assert _listed(asking, label="assistants") == ([b"4"], False)
    assert _listed(asking, kind="batch") == ([b"2"], False)
    assert _listed(asking, owner="you") == ([b"1"], False)
    assert _listed(asking, owner="") == ([b"5"], False)


@pytest.mark.parametrize("ascending", [False, True])
def test_pages_follow_each_other(asking: Asking, *, ascending: bool) -> None:
    """Also among objects made at the same time; the id of another's object leads nowhere."""
    for number in range(7):
        _put(asking, id=f"id-{number}", created_ms=1000 + number // 3, body=b"id-%d" % number)
    seen: list[bytes] = []
    more, after = True, ""
    while more:
        bodies, more = _listed(asking, limit=3, after=after, ascending=ascending)
        seen += bodies
        after = bodies[-1].decode()
    assert seen == sorted(seen, reverse=not ascending) and len(seen) == 7
    assert _listed(asking, owner="you", after="id-3") == ([], False)


def test_what_has_become_of_it_is_kept(asking: Asking) -> None:
    """Put again, an object stays in its place with its new state; removed, it is gone."""
    _put(asking)
    _put(asking, id="id-1", created_ms=2000, body=b"1")
    _put(asking, created_ms=9000, body=b"changed")
    assert _listed(asking) == ([b"1", b"changed"], False)
    asking.wait(asking.index.remove("id-1"))
    assert _listed(asking) == ([b"changed"], False)


def test_use_is_not_claimed_again_of_what_was_away(asking: Asking) -> None:
    """A batch that its provider does not find for once is not listed; found again, it is, and its usage is not new."""
    _put(asking)
    assert asking.wait(asking.index.claim("id-0"))
    for _ in range(2):
        asking.wait(asking.index.remove("id-0"))
        assert _listed(asking) == ([], False)
        assert not asking.wait(asking.index.claim("id-0"))
        _put(asking, body=b"again")
        assert _listed(asking) == ([b"again"], False)
        assert not asking.wait(asking.index.claim("id-0"))


def test_use_is_claimed_once(asking: Asking) -> None:
    """By whoever comes first; what is not known is nobody's."""
    _put(asking)
    assert [asking.wait(asking.index.claim("id-0")) for _ in range(3)] == [True, False, False]
    _put(asking, status="completed")
    assert not asking.wait(asking.index.claim("id-0"))
    assert not asking.wait(asking.index.claim("nothing"))


def test_what_is_too_old_goes(asking: Asking) -> None:
    """After its time an object is listed no more."""
    _put(asking)
    asking.restart()
    _put(asking, id="id-1", created_ms=1001 + KEPT_MS, body=b"1")
    assert _listed(asking) == ([b"1"], False)


def test_it_outlives_a_restart(asking: Asking) -> None:
    """The table is in the database."""
    _put(asking)
    asking.restart()
    assert _listed(asking) == ([ROW.body], False)


def test_no_answer_is_told() -> None:
    """Without a bookkeeper a list is refused, and what was to be kept is told as not kept."""

    class Away:
        def fetch(self, subject: str, payload: bytes, deadline_s: float) -> Future[bytes | None]:
            future: Future[bytes | None] = Future()
            future.resolve(None)
            return future

    index = ObjectIndex(Away())
    assert Asking.run(index.put(ROW)) is False and Asking.run(index.claim("id-0")) is False
    with pytest.raises(Overloaded):
        Asking.run(index.list(Listed("file", "me")))


def test_a_database_that_fails_is_opened_again(tmp_path: Path) -> None:
    """The question is refused; the next one is answered."""
    path = tmp_path / "missing" / "asbru.sqlite"
    table = ObjectTable(sqlite_url(path))
    asked = msgspec.msgpack.encode(Listed("file", "me"))
    with pytest.raises((StorageError, OSError)):
        table.take(asked)
    path.parent.mkdir()
    assert msgspec.msgpack.decode(table.take(asked)) == [[], False]
    table.close()
