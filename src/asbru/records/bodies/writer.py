"""The worker's side of bodies: packed one by one for the link, within a bound. What does not fit is shed, counted.

The first to find the backlog full loses its bodies and not its record: records have a way of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

TABLE: Final = "bodies"
"""The table, by its name in the database and on the link."""
BACKLOG_BYTES_MAX: Final = 16 * 1024 * 1024

if TYPE_CHECKING:
    from asbru.link.link import Link


class BodyWriter:
    """See the module."""

    def __init__(self, link: Link, *, backlog_bytes_max: int = BACKLOG_BYTES_MAX) -> None:
        self.shed = 0
        self._batches = link.batches(TABLE, backlog_bytes_max=backlog_bytes_max)
        self._encode = msgspec.msgpack.Encoder().encode

    def add(  # noqa: PLR0917 -- the columns, in their order
        self, call_id: str, request: bytes, request_bytes: int, response: bytes, response_bytes: int
    ) -> None:
        """Take the bodies of a call; see `store.Bodies`. Never waits."""
        packed = self._encode([(call_id, request, request_bytes, response, response_bytes)])
        if self._batches.add(packed, 1):
            self._batches.flush()
        else:
            self.shed += 1
