"""A request that is sent as it stands, without a model's head."""

from __future__ import annotations

from typing import NamedTuple

from asbru.upstream import Body


class Outgoing(NamedTuple):
    """A request as it is sent. `target`: its path and query, below the provider's base URL; `lines`: header lines of
    the caller's, each ending with CRLF. `streamed`: a good response comes piece by piece."""

    method: bytes
    target: bytes
    body: Body = b""
    lines: bytes = b""
    streamed: bool = False
