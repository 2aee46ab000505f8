"""Following the store: everything first, then changes; what is asked again, and when."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tests.fakes.books import run, until

from asbru.cluster import FEED_SUBJECT, Changes, Entry, Everything, Feed, follow_store
from asbru.link.host import Host
from asbru.link.link import Link


class FakeLink:
    """A link and a clock in the test's hands."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.questions: list[Callable[[bytes | None], None]] = []
        self.timers: list[Callable[[], None]] = []
        follow_store(self.feed, self, lambda _, call: self.timers.append(call))  # type: ignore[arg-type]  # as a link

    def on_connect(self, call: Callable[[], None]) -> None:
        self.connect = call

    def subscribe(self, subject: str, on_message: Callable[[bytes], None]) -> None:
        assert subject == FEED_SUBJECT
        self.take = on_message

    def ask(self, subject: str, payload: bytes, on_reply: Callable[[bytes | None], None], deadline_s: float) -> None:
        assert (subject, payload) == (FEED_SUBJECT, b"") and deadline_s > 0
        self.questions.append(on_reply)

    def answer(self, version: int, **entries: bytes) -> None:
        """Answer the last question."""
        self.questions[-1](msgspec.msgpack.encode(Everything(version, {"key": entries})))

    def push(self, version: int, entry_id: str, payload: bytes | None = b"1") -> None:
        """A change of the store."""
        self.take(msgspec.msgpack.encode(Changes(version, (Entry("key", entry_id, payload),))))

    @property
    def state(self) -> tuple[int | None, int]:
        """(version, questions so far)."""
        return self.feed.version, len(self.questions)


@pytest.fixture
def link() -> FakeLink:
    """Connected, and answered."""
    made = FakeLink()
    assert made.state == (None, 0)
    made.connect()
    made.answer(7, a=b"1")
    return made


def test_everything_and_then_changes(link: FakeLink) -> None:
    """A connection asks once; each change after it is applied as it comes, and a repeated one is no matter."""
    link.push(8, "b")
    link.push(8, "b")
    link.push(9, "a", None)
    assert link.state == (9, 1)


def test_a_gap_asks_again_once(link: FakeLink) -> None:
    """What comes until the answer is part of the answer: it is neither applied nor asked for again."""
    link.push(9, "c")
    link.push(10, "d")
    assert link.state == (7, 2)
    link.answer(10, c=b"1", d=b"1")
    link.push(11, "e")
    assert link.state == (11, 2)


def test_a_new_connection_asks_anew(link: FakeLink) -> None:
    """Also for a store that was set back; an answer to a question of before no longer counts."""
    before = link.questions[-1]
    link.connect()
    link.answer(3, b=b"1")
    before(msgspec.msgpack.encode(Everything(99, {})))
    assert link.state == (3, 2)


def test_without_an_answer_it_is_asked_later() -> None:
    """No answer in time: another question after a while, unless a new connection has asked by then."""
    link = FakeLink()
    link.connect()
    link.questions[-1](None)
    assert len(link.questions) == 1
    link.timers.pop()()
    assert len(link.questions) == 2
    link.questions[-1](None)
    link.connect()
    link.timers.pop()()
    assert len(link.questions) == 3
    link.answer(1)
    assert link.state == (1, 3)


@pytest.mark.parametrize("payload", [b"", b"\xc1", b"\x92\x01", b"\x80"])
def test_what_cannot_be_read_raises_nothing(
    link: FakeLink, payload: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """A push that is damaged is logged and asked for anew; a damaged answer is logged, and the next gap asks."""
    link.take(payload)
    assert link.state == (7, 2)
    link.questions[-1](payload)
    assert link.state == (7, 2) and capsys.readouterr().err.count("cannot be read") == 2
    link.push(9, "c")
    assert len(link.questions) == 3


def test_over_the_link_itself() -> None:
    """A worker that connects gets everything and then each push; the bookkeeper gone and back, it is told anew."""
    with tempfile.TemporaryDirectory(prefix="asbru-feed-") as folder:
        run(_follows(Path(folder) / "book.sock"))


async def _follows(path: Path) -> None:
    loop = asyncio.get_running_loop()
    stored = Everything(3, {"key": {"a": b"1"}})

    def opened() -> Host:
        host = Host(path, stores={}, answers={FEED_SUBJECT: lambda _: msgspec.msgpack.encode(stored)}, listeners={})
        host.open()
        return host

    host, feed, link = opened(), Feed(), Link(loop, str(path))
    follow_store(feed, link, loop.call_later)
    link.open()
    await until(lambda: [host.turn(0), feed.version == 3][1], "everything")
    host.broadcast(FEED_SUBJECT, msgspec.msgpack.encode(Changes(4, (Entry("key", "b", b"1"),))))
    await until(lambda: [host.turn(0), feed.version == 4][1], "the change")
    host.close()
    stored = Everything(9, {})
    host = opened()
    await until(lambda: [host.turn(0), feed.version == 9][1], "everything anew")
    await link.close()
    host.close()
