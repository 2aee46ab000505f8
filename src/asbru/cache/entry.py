"""What is kept of a reply: what the provider sent, in its dialect, in the pieces in which it came.

Everything else is read from that: the same bytes for a caller of the same dialect, the canonical form for others. Of
the provider's header lines only the type of the body is kept: ids, limits and times are about the first call.
"""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

OVERHEAD_BYTES: Final = 512
"""What an entry takes in memory besides its texts, about."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A reply. `model`: as the provider was asked for it; `stream`: whether `pieces` are of a stream; `cost_nanousd`,
    `took_ms`: what asking cost (None: unknown), and how long it took."""

    key: str
    provider: str
    model: str
    dialect: str
    stream: bool
    content_type: bytes
    pieces: tuple[bytes, ...]
    made_ms: int
    expires_ms: int
    cost_nanousd: int | None = None
    took_ms: int = 0
    tags: tuple[str, ...] = ()

    @property
    def size_bytes(self) -> int:
        """What it takes in memory, about."""
        return sum(map(len, self.pieces)) + len(self.key) + OVERHEAD_BYTES + 64 * len(self.pieces)

    @property
    def body(self) -> bytes:
        """The pieces in one."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)


class Named(Protocol):
    """What can be cleared."""

    @property
    def key(self) -> str: ...

    @property
    def tags(self) -> tuple[str, ...]: ...


class Clearing(msgspec.Struct, frozen=True, array_like=True):
    """Which entries go: of a `key`, with a `tag`, with keys that begin with `prefix`; nothing set: all."""

    key: str = ""
    tag: str = ""
    prefix: str = ""

    def takes(self, entry: Named) -> bool:
        """Whether the entry goes, or what belongs to it."""
        return (
            (not self.key or entry.key == self.key)
            and (not self.tag or self.tag in entry.tags)
            and entry.key.startswith(self.prefix)
        )


def write_entry(entry: Entry) -> bytes:
    """As msgpack."""
    return msgspec.msgpack.encode(entry)


def read_entry(data: bytes) -> Entry:
    """From msgpack; raises `msgspec.MsgspecError`."""
    return msgspec.msgpack.decode(data, type=Entry)
