"""A WebSocket without a network: its handshake, its deadlines, its bounds, and what it makes of garbage."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wsproto.connection import Connection, ConnectionType
from wsproto.events import CloseConnection, Event, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

from asbru.core.errors import BadRequest, UpgradeRequired
from asbru.edge.server import Head, ServerLimits, WebSocket
from asbru.edge.server.body import BodyBytes, HeldBytes
from asbru.edge.server.deflate import BoundedDeflate
from asbru.edge.server.websocket import CLOSE_S, PING_AFTER_S, UNUSED_S, shake_hands

LIMITS = ServerLimits(body_bytes_max=1 << 16, idle_timeout_s=10.0)
KEY = b64encode(b"0123456789abcdef")


class Transport:
    """Keeps what is written; `ended`: how it was closed."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.ended = ""

    def write(self, data: bytes) -> None:
        """Bytes to the peer."""
        self.written += data

    def close(self) -> None:
        """Once everything has left."""
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        """At once."""
        self.ended = self.ended or "aborted"


class Receiver:
    """Keeps what comes. `busy`: something is under way."""

    def __init__(self) -> None:
        self.busy = False
        self.texts: list[bytes] = []
        self.heard: list[str] = []

    def receive(self, text: bytes) -> None:
        """A message."""
        self.texts.append(text)

    def pause(self) -> None:
        """Wait."""
        self.heard.append("pause")

    def resume(self) -> None:
        """Go on."""
        self.heard.append("resume")

    def close(self) -> None:
        """The end."""
        self.heard.append("close")


class Bench:
    """A socket, what is around it, and its peer."""

    def __init__(self, *, deflate: bool = False, room: bool = True) -> None:
        self.transport, self.receiver, self.bodies = Transport(), Receiver(), BodyBytes()
        self.draining = False
        ours = BoundedDeflate(LIMITS.body_bytes_max) if deflate else None
        extensions = []
        if ours is not None:
            theirs = PerMessageDeflate()
            theirs.finalize(f"permessage-deflate; {ours.accept('permessage-deflate')}")
            extensions.append(theirs)
        self.peer = Connection(ConnectionType.CLIENT, extensions)
        self.socket = WebSocket(
            cast("Any", self.transport),
            LIMITS,
            HeldBytes(self.bodies),
            ours,
            is_draining=lambda: self.draining,
            has_room=lambda: room,
            now_s=100.0,
        )
        self.socket.receiver = self.receiver

    def send(self, *events: Event) -> None:
        """What the peer says."""
        for event in events:
            self.socket.feed(self.peer.send(event))

    def told(self) -> list[Event]:
        """What the peer has been told since."""
        data = bytes(self.transport.written)
        self.transport.written.clear()
        self.peer.receive_data(data)
        return list(self.peer.events())


def head(**changes: Any) -> Head:
    """The head of a handshake."""
    made = Head()
    made.method, made.connection_options, made.upgrade = b"GET", b"keep-alive, Upgrade", b"websocket"
    made.websocket_key, made.websocket_version = KEY, b"13"
    for name, value in changes.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("offer", "agreed"),
    [
        (b"", b""),
        (b"permessage-deflate", b"permessage-deflate"),
        (b"x-other, permessage-deflate; client_max_window_bits", b"client_max_window_bits=15"),
        (b"permessage-deflate; server_max_window_bits=10", b"server_max_window_bits=10"),
        (b"permessage-deflate; server_max_window_bits=99", b""),
        (b"permessage-deflate; server_max_window_bits=x, permessage-deflate", b"permessage-deflate"),
    ],
)
def test_compression_is_what_both_can(offer: bytes, agreed: bytes) -> None:
    """The first offer that can be taken; none is no reason to refuse."""
    lines, deflate = shake_hands(head(websocket_extensions=offer), LIMITS)
    assert lines.startswith(b"HTTP/1.1 101 ")
    assert (deflate is not None) is bool(agreed)
    assert agreed in lines and (b"sec-websocket-extensions" in lines) is bool(agreed)


@pytest.mark.parametrize(
    "changes",
    [
        {"websocket_version": b"8"},
        {"websocket_key": b""},
        {"websocket_key": b"not base64!"},
        {"websocket_key": b64encode(b"short")},
        {"connection_options": b"keep-alive"},
        {"method": b"POST"},
        {"http_1_0": True},
    ],
)
def test_what_is_no_handshake_is_refused(changes: dict[str, Any]) -> None:
    """Before anything is written."""
    with pytest.raises((BadRequest, UpgradeRequired)):
        shake_hands(head(**changes), LIMITS)


@pytest.mark.parametrize("deflate", [False, True])
def test_messages_both_ways(deflate: bool) -> None:
    """Whole, in pieces, short and long, in any letters."""
    bench = Bench(deflate=deflate)
    texts = ["a", "ä" * 3000, "x" * 60_000]
    bench.send(*(TextMessage(data=text) for text in texts))
    bench.send(TextMessage(data="one ", message_finished=False), Ping(), TextMessage(data="two"))
    assert [text.decode() for text in bench.receiver.texts] == [*texts, "one two"]
    bench.told()
    for text in texts:
        bench.socket.send(text.encode())
    told = "".join(str(event.data) for event in bench.told() if isinstance(event, TextMessage))
    assert told == "".join(texts)
    assert bench.bodies.total == 0


@pytest.mark.parametrize("pieces", [1, 20])
@pytest.mark.parametrize("deflate", [False, True])
def test_a_message_has_a_bound(pieces: int, deflate: bool) -> None:
    """However it comes; nothing of it is kept."""
    bench = Bench(deflate=deflate)
    for at in range(pieces):
        bench.send(TextMessage(data="x" * (100_000 // pieces), message_finished=at + 1 == pieces))
    [closed] = [event for event in bench.told() if isinstance(event, CloseConnection)]
    assert closed.code == 1009
    assert (bench.receiver.texts, bench.receiver.heard, bench.bodies.total) == ([], ["close"], 0)


def test_pieces_without_a_text_are_not_gathered() -> None:
    """However many come: they would have no bound. What follows them is the message."""
    bench = Bench()
    for _ in range(100):
        bench.send(TextMessage(data="", message_finished=False))
    assert bench.socket._pieces == []
    bench.send(TextMessage(data="", message_finished=True), TextMessage(data="a", message_finished=False))
    bench.send(TextMessage(data="", message_finished=False), TextMessage(data="b"))
    assert bench.receiver.texts == [b"", b"ab"]


def test_without_room_a_message_is_not_gathered() -> None:
    """All bodies of the worker have a bound, which messages share."""
    bench = Bench(room=False)
    bench.send(TextMessage(data="x", message_finished=False))
    [closed] = bench.told()
    assert isinstance(closed, CloseConnection) and closed.code == 1013


def test_a_silent_peer_is_asked_and_then_gone() -> None:
    """A ping after a while, once; whoever gives no sign of life is cut off, and what it asked for ends."""
    bench = Bench()
    bench.receiver.busy = True
    bench.socket.sweep(100.0 + PING_AFTER_S + 1)
    bench.socket.sweep(100.0 + PING_AFTER_S + 2)
    [ping] = bench.told()
    assert isinstance(ping, Ping)
    bench.send(ping.response())
    bench.socket.sweep(100.0 + PING_AFTER_S + 3)
    assert not bench.transport.ended
    bench.socket.sweep(200.0 + PING_AFTER_S + LIMITS.idle_timeout_s)
    assert (bench.transport.ended, bench.receiver.heard) == ("aborted", ["close"])


def test_an_unused_socket_is_closed() -> None:
    """Not while something is under way, and not for as long as messages come."""
    bench = Bench()
    for busy in (True, False):
        bench.receiver.busy = busy
        for at_s in range(0, int(UNUSED_S), 20):
            bench.socket.sweep(100.0 + (not busy) * UNUSED_S + at_s)
            bench.send(Ping())
    assert not any(isinstance(event, CloseConnection) for event in bench.told())
    bench.socket.sweep(101.0 + 2 * UNUSED_S)
    assert isinstance(bench.told()[-1], CloseConnection)


def test_a_drain_closes_what_has_nothing_under_way() -> None:
    """With a code by which clients connect again; a peer that does not answer the close is not waited for long."""
    bench = Bench()
    bench.draining = bench.receiver.busy = True
    bench.socket.sweep(101.0)
    assert bench.told() == []
    bench.receiver.busy = False
    bench.socket.sweep(102.0)
    [closed] = bench.told()
    assert isinstance(closed, CloseConnection) and closed.code == 1001
    bench.socket.send(b"late")
    assert not bench.transport.written
    bench.socket.sweep(103.0 + CLOSE_S)
    assert bench.transport.ended == "closed"


def test_a_close_is_answered() -> None:
    """At every point, also within a message; what follows it is not read."""
    bench = Bench()
    bench.send(TextMessage(data="half", message_finished=False), CloseConnection(code=1000))
    [closed] = bench.told()
    assert isinstance(closed, CloseConnection) and closed.code == 1000
    assert bench.transport.ended == "closed"
    bench.socket.feed(b"more")
    assert bench.receiver.texts == []


def test_a_slow_reader_holds_its_sources_back() -> None:
    """They are told, once each way, and not after the end."""
    bench = Bench()
    bench.socket.pause_writing()
    bench.socket.resume_writing()
    bench.socket.lost()
    bench.socket.pause_writing()
    assert bench.receiver.heard == ["pause", "resume", "close"]


@given(st.lists(st.binary(max_size=300), max_size=8), st.booleans())
def test_garbage_closes_and_raises_nothing(pieces: list[bytes], deflate: bool) -> None:
    """Whatever comes in whatever pieces."""
    bench = Bench(deflate=deflate)
    for piece in pieces:
        bench.socket.feed(piece)
    bench.socket.sweep(200.0)
    bench.socket.lost()
    assert bench.bodies.total == 0
