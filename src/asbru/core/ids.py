"""Call ids: sortable, unique across processes, and cheap. Pure: time and the prefix are given.

`req_` + 11 hex digits of milliseconds + 8 hex digits drawn once per process + a counter. A process draws its prefix
after the fork, or two workers would count alike.
"""

from __future__ import annotations

from itertools import count


class IdSource:
    """Makes ids for one process. `prefix` is 8 random hex digits."""

    __slots__ = ("_counter", "_prefix")

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix.encode()
        self._counter = count(1)

    def next(self, now_ms: int) -> bytes:
        """The next id, in ASCII, for a call that begins at `now_ms` (Unix milliseconds)."""
        return b"req_%011x%b%x" % (now_ms, self._prefix, next(self._counter))
