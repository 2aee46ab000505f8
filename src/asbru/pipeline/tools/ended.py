"""Sessions that their callers have ended, by DELETE. All workers are told.

A session holds nothing in a worker but its open streams, and is no credential: so it is enough to remember the last
ENDED_MAX, in each worker for as long as that lives.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

ENDED_MAX: Final = 10_000


class Ended:
    """See the module. `tell` reaches all workers, this one too or not; None where there are no others."""

    def __init__(self) -> None:
        self.tell: Callable[[bytes], object] | None = None
        self._ended: dict[str, None] = {}
        self._watched: dict[str, list[Callable[[], None]]] = {}

    @property
    def count(self) -> int:
        """How many are remembered."""
        return len(self._ended)

    def __contains__(self, session: str) -> bool:
        return session in self._ended

    def end(self, session: str) -> None:
        """A caller has ended its session."""
        self._end(session)
        if self.tell is not None:
            self.tell(session.encode())

    def on_told(self, payload: bytes) -> None:
        """Another worker was asked to end one."""
        self._end(payload.decode())

    def watch(self, session: str, close: Callable[[], None]) -> Callable[[], None]:
        """Have `close` called when a session ends; returns what takes that back."""
        self._watched.setdefault(session, []).append(close)
        return partial(self._forget, session, close)

    def _end(self, session: str) -> None:
        if session in self._ended:
            return
        if len(self._ended) >= ENDED_MAX:
            del self._ended[next(iter(self._ended))]
        self._ended[session] = None
        for close in self._watched.pop(session, ()):
            close()

    def _forget(self, session: str, close: Callable[[], None]) -> None:
        watched = self._watched.get(session, [])
        if close in watched:
            watched.remove(close)
        if not watched:
            self._watched.pop(session, None)
