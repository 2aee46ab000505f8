"""Keeps the store's layer of a worker's feed current over the link to the bookkeeper.

Each connection begins by asking for everything; then changes are pushed, one version at a time, and a gap asks again.
Pushes and the answer come on one connection in order: what is pushed before the answer is part of it, so nothing has to
be kept meanwhile. Without an answer it is asked again after a while. The link itself is not made here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from asbru.cluster.feed import Changes, Everything, Feed
from asbru.telemetry import log

if TYPE_CHECKING:
    from asbru.link.link import Link

FEED_SUBJECT: Final = "feed"
"""Of the question (no payload; the answer is `Everything`) and of the pushes (`Changes`), both MessagePack."""

ANSWER_DEADLINE_S = 5.0
ASK_AGAIN_S = 1.0


def follow_store(
    feed: Feed,
    link: Link,
    call_later: Callable[[float, Callable[[], None]], object],
    on_current: Callable[[], None] | None = None,
) -> None:
    """Follow from the next connection on; to be called before the link is opened. `on_current` is told each time that
    everything has arrived."""
    follower = _Follower(feed, link, call_later, on_current)
    link.subscribe(FEED_SUBJECT, follower.on_push)
    link.on_connect(follower.ask)


class _Follower:
    def __init__(
        self,
        feed: Feed,
        link: Link,
        call_later: Callable[[float, Callable[[], None]], object],
        on_current: Callable[[], None] | None,
    ) -> None:
        self._feed = feed
        self._link = link
        self._call_later = call_later
        self._on_current = on_current
        self._questions = 0
        """The number of the last question: only its answer counts."""
        self._waits = False
        self._read_changes = msgspec.msgpack.Decoder(Changes).decode
        self._read_everything = msgspec.msgpack.Decoder(Everything).decode

    def ask(self) -> None:
        """Ask for everything; an earlier question is forgotten."""
        self._questions += 1
        number = self._questions
        self._waits = True
        self._link.ask(FEED_SUBJECT, b"", lambda answer: self._on_answer(number, answer), ANSWER_DEADLINE_S)

    def on_push(self, payload: bytes) -> None:
        """Changes. The link's callbacks do not raise: what cannot be read is logged, and asked for anew."""
        if self._waits:
            return
        try:
            changes = self._read_changes(payload)
            if self._feed.apply_changes(changes.version, changes.entries):
                return
        except ValueError as error:
            log("error", "changes of the feed cannot be read", why=error)
        self.ask()

    def _on_answer(self, number: int, answer: bytes | None) -> None:
        if number != self._questions:
            return
        if answer is None:
            self._call_later(ASK_AGAIN_S, lambda: self._ask_again(number))
            return
        self._waits = False
        try:
            self._feed.replace_store(self._read_everything(answer))
        except ValueError as error:
            log("error", "the feed cannot be read", why=error)
        if self._on_current is not None:
            self._on_current()

    def _ask_again(self, number: int) -> None:
        if number == self._questions:  # else a new connection has asked meanwhile
            self.ask()
