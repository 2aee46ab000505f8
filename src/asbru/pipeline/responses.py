"""A reply on its way to the caller: whole, or a stream whose first content is in hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from asbru.pipeline.streaming import Relay
    from asbru.upstream import Exchange, Pool


class OpenStream(msgspec.Struct, frozen=True):
    """A stream that has begun: what is held so far is in `relay`; `exchange` must be given back to `pool`."""

    exchange: Exchange
    pool: Pool
    relay: Relay


class Response(msgspec.Struct, frozen=True):
    """`lines` are header lines, each ending with CRLF. Either `body` or `stream`."""

    status: int
    lines: bytes
    body: bytes = b""
    stream: OpenStream | None = None
