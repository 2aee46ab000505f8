"""The bookkeeper's side of bodies: compressed and stored, at most once each; what the disk refuses is given up.

Bodies are help for people and not accounts: unlike records they are not held while the disk refuses writes.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Iterable
from functools import cache
from typing import Final, NamedTuple

import msgspec

from asbru.storage import Database, NewerSchema, RowError, StorageError, open_database
from asbru.telemetry import log

LEVEL: Final = 3
HELD_BYTES_MAX: Final = 32 * 1024 * 1024
_ADD: Final = f"INSERT INTO bodies VALUES ({', '.join('?' * 8)}) ON CONFLICT (id) DO NOTHING"  # noqa: S608 -- only marks


class Bodies(NamedTuple):
    """The bodies of a call. `*_bytes`: their whole size, of which `request` and `response` may be the beginning."""

    call_id: str
    request: bytes
    request_bytes: int
    response: bytes
    response_bytes: int


@cache
def _coder() -> tuple[Callable[[bytes], bytes], Callable[[bytes], bytes]]:
    # Loaded when the first body needs it.
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return lambda data: zstd.compress(data, LEVEL), zstd.decompress


def compress(data: bytes) -> bytes:
    """As it is stored."""
    return _coder()[0](data) if data else b""


def decompress(data: bytes) -> bytes:
    """As it was."""
    return _coder()[1](data) if data else b""


def add(database: Database, several: Iterable[Bodies]) -> None:
    """Store bodies, in the transaction that is open."""
    for one in several:
        request, response = compress(one.request), compress(one.response)
        database.run(
            _ADD,
            (
                one.call_id,
                request,
                one.request_bytes,
                one.request_bytes > len(one.request),
                response,
                one.response_bytes,
                one.response_bytes > len(one.response),
                len(request) + len(response),
            ),
        )


class BodyStore:
    """A store of the link's host. `written` and `dropped` count since the start."""

    def __init__(self, url: str) -> None:
        self.written = 0
        self.dropped = 0
        self.retry_at_s: float | None = None
        self._url = url
        self._held: deque[bytes] = deque()
        self._held_bytes = 0
        self._decode = msgspec.msgpack.Decoder(list[Bodies]).decode
        self._database: Database | None = None
        self._failing = False

    def open(self) -> None:
        """Nothing: the first bodies open the database."""

    def keep(self, batch: bytes) -> None:
        """Hold a batch (a packed list of `Bodies`) until the next commit."""
        if self._held_bytes + len(batch) > HELD_BYTES_MAX:
            self.dropped += 1
            return
        self._held.append(batch)
        self._held_bytes += len(batch)

    def commit(self, now_s: float) -> bool:
        """Write all that is held; what cannot be written is given up."""
        del now_s
        while self._held:
            batch = self._held.popleft()
            self._held_bytes -= len(batch)
            try:
                self._write(batch)
            except (RowError, msgspec.MsgspecError, ValueError) as error:
                self._give_up(error)
            except (StorageError, OSError, MemoryError, NewerSchema) as error:
                self._give_up(error)
                self.close()
        return True

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _write(self, batch: bytes) -> None:
        several = self._decode(batch)
        if self._database is None:
            self._database = open_database(self._url)
        with self._database.transaction():
            add(self._database, several)
        self.written += len(several)
        self._failing = False

    def _give_up(self, error: Exception) -> None:
        self.dropped += 1
        if not self._failing:
            self._failing = True
            log("error", "bodies cannot be written and are dropped", why=f"{type(error).__name__}: {error}")
