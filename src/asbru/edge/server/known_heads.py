"""Heads that were read before: a client sends the same bytes again, but for the length of the body.

A request that came in one read is looked up by its head without the digits of Content-Length. If the parser accepted
those very bytes before, what it and we made of them holds again, and the request is taken as it stands: nothing is
parsed. All other requests (in pieces, pipelined, chunked, new) go to the parser; it alone decides what is HTTP, and
what it accepts is remembered here, from the second time on, so that heads that never come again (a trace id in each)
do not push out those that do.

The heads of recent callers stand in memory in clear, as their keys do (`governance.keys`), and never on disk.
"""

from __future__ import annotations

from asbru.edge.limits import ServerLimits
from asbru.edge.server.request import Head, Request

HEADS_MAX = 512
HEAD_BYTES_MAX = 4096
ONE_READ_BYTES_MAX = 64 * 1024
"""Requests longer than this go to the parser: their bodies make its cost small."""
SEEN_MAX = 4096

_LENGTH = b"\r\ncontent-length: "
_MARK = b"ength: "
_LINE_END = b"\r\n"
_BLANK = b"\r\n\r\n"


class KnownHeads:
    """The known heads of one server, whose limits they keep."""

    __slots__ = ("_bytes_max", "_data_bytes_max", "_head_bytes_max", "_heads", "_seen")

    def __init__(self, limits: ServerLimits) -> None:
        self._bytes_max = min(ONE_READ_BYTES_MAX, limits.body_bytes_max)
        self._data_bytes_max = HEAD_BYTES_MAX + self._bytes_max
        self._head_bytes_max = min(HEAD_BYTES_MAX, limits.head_bytes_max)
        self._heads: dict[bytes, Head] = {}
        self._seen: set[int] = set()

    def find(self, data: bytes) -> Request | None:
        """The request that `data` is, wholly and alone, if its head is known."""
        if len(data) > self._data_bytes_max:
            return None
        head_bytes, blank, body = data.partition(_BLANK)
        size = len(body)
        # The digits of any other number than the body's length stay, and make a head that is not known.
        key = head_bytes.replace(b"ength: %d" % size, _MARK, 1)
        head = self._heads.get(key)
        # Nothing replaced: a length without digits looks like a key.
        if head is None or key == head_bytes or not blank or size > self._bytes_max:
            return None
        return Request(head, body)

    def remember(self, data: bytes, head: Head) -> None:
        """Take note of a head that the parser has read from `data`, which held one whole request and nothing else."""
        head_bytes, _, body = data.partition(_BLANK)
        before, mark, rest = head_bytes.partition(_MARK)
        digits, line_end, after = rest.partition(_LINE_END)
        if len(head_bytes) > self._head_bytes_max or not _is_plain(head):
            return
        if digits != head.length or digits != b"%d" % len(body):
            return  # chunked, or the first thing that looks like the length is another header
        if (before + mark)[-len(_LENGTH) :].lower() != _LENGTH or _MARK in after:
            return  # the mark is there once, so that it tells where the digits were
        key = before + mark + line_end + after
        trace = hash(key)
        if trace not in self._seen:
            if len(self._seen) >= SEEN_MAX:
                self._seen.clear()
            self._seen.add(trace)
            return
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        self._heads[key] = head

    def clear(self) -> None:
        """Forget all: what is made of a head has changed."""
        self._heads.clear()
        self._seen.clear()


def _is_plain(head: Head) -> bool:
    """Whether a request with this head is served the same way each time, by its head alone."""
    return (
        head.keep_alive
        and head.length.isdigit()
        and not (head.http_1_0 or head.expect or head.upgrade or head.coding)
        and head.every_header is None
    )
