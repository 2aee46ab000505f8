"""The bookkeeper's side of the live tail."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator

import pytest

from asbru.link.frames import FrameReader
from asbru.link.peers import Peer
from asbru.records.tail import followers
from asbru.records.tail.followers import FOLLOW_S, Followers


class Clock:
    """A time that stands."""

    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def ends() -> Iterator[tuple[Peer, socket.socket]]:
    """A peer and the other end."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    with ours, theirs, selectors.DefaultSelector() as selector:
        selector.register(ours, selectors.EVENT_READ)
        peer = Peer(ours, selector)
        peer.incarnation = "control"
        yield peer, theirs


def read(end: socket.socket, reader: FrameReader) -> list[tuple[str, bytes]]:
    """What was pushed."""
    found = list[tuple[str, bytes]]()
    while True:
        try:
            found += [(frame.name, frame.payload) for frame in reader.feed(end.recv(1 << 20))]
        except BlockingIOError:
            return found


def test_who_follows_is_told(ends: tuple[Peer, socket.socket]) -> None:
    """Only while it follows: from the message on, until it is not repeated, or the process is gone."""
    peer, end = ends
    reader = FrameReader()
    clock = Clock()
    one = Followers(clock)
    one.tell([b"before"])
    one.follow(peer, b"")
    one.tell([b"a", b"b"])
    clock.now_s = FOLLOW_S + 1
    one.tell([b"late"])
    one.follow(peer, b"")
    one.part("control")
    one.tell([b"gone"])
    assert read(end, reader) == [(followers.WRITTEN, b"a"), (followers.WRITTEN, b"b")]


def test_who_reads_nothing_misses(ends: tuple[Peer, socket.socket]) -> None:
    """What waits is bounded; what was left out is told before the next batch."""
    peer, end = ends
    reader = FrameReader()
    one = Followers(Clock())
    one.follow(peer, b"")
    batch = b"x" * (followers.WAITING_BYTES_MAX // 4)
    one.tell([batch] * 20)
    assert 0 < peer.waiting_bytes <= followers.WAITING_BYTES_MAX
    while peer.waiting_bytes:
        read(end, reader)
        peer.flush()
    one.tell([b"next"])
    assert read(end, reader)[-2:] == [(followers.MISSED, b""), (followers.WRITTEN, b"next")]
