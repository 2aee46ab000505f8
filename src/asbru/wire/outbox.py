"""Writes gathered until the event loop's present turn ends, while that pays.

A write to a peer that sleeps wakes it, and waking costs more than writing. Under load a turn of the loop brings many
messages; written one by one between them, each wakes a peer that went back to sleep since. Written together at the
end of the turn, most find it awake. A turn that brings one or two gains nothing, and the call at its end costs.

    state      event                                next
    direct     `tick`, a few times a second         gathering  to look whether it pays
    gathering  a turn of few writes, several times  direct     `gathering` is False: write to the transport at once
    direct     `hold`                               gathering  until `let_go`

What follows each other to one transport leaves in one write.

Who writes looks at `gathering` first, so that writing directly costs a look and no call. Pure: the loop's `call_soon`
is given. Not here: what is written, or in which order calls are served; the writes of one transport keep theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeAlias

GATHERED_MAX = 64
"""Writes held at most: then they leave, and the turn goes on."""

FEW = 2
"""A turn of so many writes or fewer gains nothing by gathering."""

FEW_TURNS_MAX = 8
"""So many such turns in a row, and writing is direct until the next tick."""

Piece: TypeAlias = bytes | memoryview


class Writable(Protocol):
    """What is written to: a transport."""

    def writelines(self, list_of_data: Iterable[Piece], /) -> None:
        """Write the pieces in order."""
        ...

    def is_closing(self) -> bool:
        """Whether writing is in vain."""
        ...


class Outbox:
    """See the module. One for each event loop."""

    __slots__ = ("_call_soon", "_count", "_few_turns", "_waiting", "gathering")

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._waiting: list[tuple[Writable, Sequence[Piece]]] = []
        self._count = 0
        self._few_turns = 0
        self.gathering = False

    def put(self, transport: Writable, pieces: Sequence[Piece]) -> None:
        """Write `pieces` when this turn ends. To be called only while `gathering`, or order would be lost."""
        if not self._count:
            self._call_soon(self._end_turn)
        self._count += 1
        waiting = self._waiting
        if waiting and waiting[-1][0] is transport:
            waiting[-1] = (transport, (*waiting[-1][1], *pieces))
            return
        waiting.append((transport, pieces))
        if len(waiting) >= GATHERED_MAX:
            self.flush()

    def hold(self) -> bool:
        """Gather until `let_go`, for writes that are known to follow each other at once: the end of a stream and its
        last bytes. False, and nothing to let go, when writes are gathered anyway."""
        if self.gathering:
            return False
        self.gathering = True
        self._count = 1  # so that `put` asks for no call at the turn's end
        return True

    def let_go(self) -> None:
        """Write what was held, and go on writing directly."""
        self.gathering = False
        self._count = 0
        self.flush()

    def flush(self) -> None:
        """Write what waits, now: before a transport is closed, or a write that must not be held."""
        waiting = self._waiting
        if not waiting:
            return
        self._waiting = []
        for transport, pieces in waiting:
            if not transport.is_closing():
                transport.writelines(pieces)

    def tick(self, now_s: float) -> None:
        """Look again whether gathering pays."""
        del now_s
        self._few_turns = 0
        self.gathering = True

    def _end_turn(self) -> None:
        if self._count > FEW:
            self._few_turns = 0
        else:
            self._few_turns += 1
            if self._few_turns >= FEW_TURNS_MAX:
                self.gathering = False
        self._count = 0
        self.flush()
