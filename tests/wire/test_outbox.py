"""The outbox: what is gathered leaves in order at the turn's end, and gathering stops where it does not pay."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from asbru.wire.outbox import FEW, FEW_TURNS_MAX, GATHERED_MAX, Outbox


class Peer:
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closing = False

    def writelines(self, pieces: Iterable[bytes]) -> None:
        self.written.append(b"".join(pieces))

    def is_closing(self) -> bool:
        return self.closing


class Turns:
    """An event loop's `call_soon`: `end` runs what was asked for."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.outbox = Outbox(self.calls.append)
        self.outbox.tick(0.0)

    def end(self) -> None:
        calls, self.calls[:] = list(self.calls), []
        for call in calls:
            call()


def test_it_writes_directly_until_the_first_tick() -> None:
    """Nobody is told to gather before there is a clock that looks at it."""
    assert not Outbox(lambda call: None).gathering


def test_writes_leave_together_and_in_order_when_the_turn_ends() -> None:
    """Nothing leaves before; the writes of one transport keep their order; one call per turn is asked for."""
    turns, first, second = Turns(), Peer(), Peer()
    for number in range(3):
        turns.outbox.put(first, (b"a%d" % number,))
        turns.outbox.put(second, (b"b", b"%d" % number))
    assert (first.written, second.written, len(turns.calls)) == ([], [], 1)
    turns.end()
    assert first.written == [b"a0", b"a1", b"a2"]
    assert second.written == [b"b0", b"b1", b"b2"]


def test_what_is_held_is_bounded() -> None:
    """A full outbox writes at once and goes on gathering in the same turn."""
    turns, peers = Turns(), [Peer() for _ in range(GATHERED_MAX + 1)]
    for peer in peers:
        turns.outbox.put(peer, (b"x",))
    assert [peer.written for peer in peers] == [[b"x"]] * GATHERED_MAX + [[]]
    turns.end()
    assert [peer.written for peer in peers] == [[b"x"]] * len(peers)
    assert turns.outbox.gathering


def test_a_flush_writes_at_once_and_only_once() -> None:
    """Before a close, what waits leaves; the turn's end finds nothing more."""
    turns, peer = Turns(), Peer()
    turns.outbox.put(peer, (b"x",))
    turns.outbox.flush()
    assert peer.written == [b"x"]
    turns.end()
    assert peer.written == [b"x"]


def test_a_transport_that_is_closing_is_left_alone() -> None:
    """What was meant for a peer that is gone is dropped; the others get theirs."""
    turns, gone, here = Turns(), Peer(), Peer()
    turns.outbox.put(gone, (b"x",))
    turns.outbox.put(here, (b"y",))
    gone.closing = True
    turns.end()
    assert (gone.written, here.written) == ([], [b"y"])


def test_quiet_turns_end_the_gathering_until_the_next_tick() -> None:
    """Some turns of few writes in a row, and writing is direct; a tick looks again."""
    turns, peer = Turns(), Peer()
    for _ in range(FEW_TURNS_MAX):
        assert turns.outbox.gathering
        turns.outbox.put(peer, (b"x",))
        turns.end()
    assert not turns.outbox.gathering
    turns.outbox.tick(1.0)
    assert turns.outbox.gathering


def test_one_busy_turn_begins_the_count_anew() -> None:
    """Gathering stays while every few turns bring many writes."""
    turns, peer = Turns(), Peer()
    for _ in range(3):
        for _ in range(FEW_TURNS_MAX - 1):
            turns.outbox.put(peer, (b"x",))
            turns.end()
        for _ in range(FEW + 1):
            turns.outbox.put(peer, (b"x",))
        turns.end()
    assert turns.outbox.gathering


def test_what_follows_each_other_leaves_in_one_write() -> None:
    """Pieces for one transport in a row are one write; another transport between them keeps its place."""
    turns, first, second = Turns(), Peer(), Peer()
    for transport, piece in ((first, b"a"), (first, b"b"), (second, b"c"), (first, b"d")):
        turns.outbox.put(transport, (piece,))
    turns.end()
    assert (first.written, second.written) == ([b"ab", b"d"], [b"c"])


def test_held_writes_leave_when_they_are_let_go() -> None:
    """A hold gathers without a call at the turn's end, and leaves writing direct."""
    turns, peer = Turns(), Peer()
    turns.outbox.gathering = False
    assert turns.outbox.hold()
    turns.outbox.put(peer, (b"a",))
    turns.outbox.put(peer, (b"b",))
    assert (peer.written, turns.calls) == ([], [])
    turns.outbox.let_go()
    assert (peer.written, turns.outbox.gathering) == ([b"ab"], False)


def test_a_hold_while_gathering_changes_nothing() -> None:
    """There is nothing to let go: the turn's end writes."""
    turns, peer = Turns(), Peer()
    assert not turns.outbox.hold()
    turns.outbox.put(peer, (b"a",))
    turns.end()
    assert peer.written == [b"a"]
