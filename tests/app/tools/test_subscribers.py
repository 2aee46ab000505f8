"""Who is subscribed to what: counted over callers, forgotten with them, and bounded."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from asbru.app.tools import subscribers as module
from asbru.app.tools.subscribers import FORGET_S, Subscribers, TooMany
from asbru.mcp.servers.subscriptions import (
    SUBSCRIBED_SUBJECT,
    UPDATED_SUBJECT,
    ListeningAsked,
    Subscribed,
    Subscription,
    Updated,
)

NOTE = Subscription("files", "", "file:///a")


class Known(Subscribers):
    """Remembers what it tells, and which wants have changed."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.told: list[Any] = []
        self.changed: list[tuple[str, str]] = []
        super().__init__(self._hear, clock=lambda: self.now_s)
        self.on_change = lambda server, user: self.changed.append((server, user))

    def _hear(self, subject: str, payload: bytes) -> None:
        kind = {SUBSCRIBED_SUBJECT: Subscribed, UPDATED_SUBJECT: Updated}[subject]
        self.told.append(msgspec.msgpack.decode(payload, type=kind))

    def open(self, listener: str, worker: str = "w1", *subscriptions: Subscription) -> Subscribed:
        return self.listen(ListeningAsked(listener, worker, 1, "open", subscriptions))


def test_a_server_is_asked_for_a_resource_as_long_as_anybody_is_subscribed() -> None:
    """The first subscription and the end of the last one change what is wanted; those between do not."""
    known = Known()
    known.subscribe("a", NOTE)
    known.subscribe("a", NOTE)
    known.subscribe("b", NOTE)
    assert (known.wanted("files"), known.changed) == ({"": {"file:///a"}}, [("files", "")])
    known.unsubscribe("a", NOTE)
    known.unsubscribe("a", NOTE)
    known.unsubscribe("nobody", NOTE)
    assert known.wanted("files") == {"": {"file:///a"}}
    known.unsubscribe("b", NOTE)
    assert (known.wanted("files"), known.changed) == ({}, [("files", "")] * 2)


def test_workers_are_told_what_a_listener_is_subscribed_to_and_what_has_changed() -> None:
    """A stream learns of subscriptions that came before it, and of later ones; an update that concerns nobody is told
    to nobody; a part of a resource concerns who is subscribed to the whole."""
    known = Known()
    known.subscribe("a", NOTE)
    assert known.open("a") == Subscribed("a", (NOTE,))
    known.updated("files", "", "file:///b", b"{}")
    known.updated("other", "", "file:///a", b"{}")
    known.updated("files", "someone", "file:///a", b"{}")
    assert known.told == [Subscribed("a", (NOTE,))]
    known.updated("files", "", "file:///a/line/1", b"{}")
    assert known.told[1:] == [Updated("files", "", "file:///a/line/1", b"{}")]


def test_a_caller_that_does_not_come_back_is_forgotten() -> None:
    """With a session it has a while to open another stream, also when its worker died; a stream of the stateless era is
    not come back to."""
    known = Known()
    known.subscribe("a", NOTE)
    known.open("a")
    known.open("b", "w2", NOTE)
    known.now_s += FORGET_S + 1
    known.sweep()
    assert known.wanted("files")
    known.part("w1")
    known.listen(ListeningAsked("b", "w2", 1, "over"))
    known.now_s += FORGET_S - 1
    known.sweep()
    assert known.open("a") == Subscribed("a", (NOTE,))
    known.listen(ListeningAsked("a", "w1", 1, "closed"))
    known.now_s += FORGET_S + 1
    known.sweep()
    assert known.wanted("files") == {}


def test_workers_tell_a_new_life_what_their_streams_are_subscribed_to() -> None:
    """After a restart of the tools process nobody has to subscribe again."""
    known = Known()
    assert known.open("a", "w1", NOTE) == Subscribed("a", (NOTE,))
    assert known.wanted("files") == {"": {"file:///a"}}


def test_subscriptions_and_listeners_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller is refused one too many; for one more caller the one that is away longest goes, never one that
    listens."""
    monkeypatch.setattr(module, "SUBSCRIPTIONS_MAX", 2)
    monkeypatch.setattr(module, "LISTENERS_MAX", 2)
    known = Known()
    for uri in ("a", "b"):
        known.subscribe("a", Subscription("files", "", uri))
    with pytest.raises(TooMany):
        known.subscribe("a", NOTE)
    known.now_s += 1
    known.open("b")
    known.open("c")
    assert known.wanted("files") == {}
    with pytest.raises(TooMany):
        known.subscribe("d", NOTE)


def test_a_caller_that_ends_its_session_is_forgotten_at_once() -> None:
    """With its streams, wherever they are; one that nobody knows of is nobody's."""
    known = Known()
    known.subscribe("a", NOTE)
    known.open("a")
    known.end("a")
    assert known.wanted("files") == {}
    known.listen(ListeningAsked("a", "w1", 1, "closed"))
    known.end("a")
    assert known.open("a") == Subscribed("a")
