"""The server's bounds, each with its unit. The values come from the configuration's `limits`."""

from __future__ import annotations

import msgspec

from asbru.core.errors import HeadTooLarge, RequestTimeout, TooLarge

BODY_RATE_BYTES_PER_S = 16 * 1024
"""A body may take its timeout plus one second for each so many bytes received: slow links pass, drips do not."""

BODY_PIECES_BYTES_MAX = 256 * 1024
"""A body above this is gathered into one buffer while it comes; smaller ones are joined when they are whole."""

PIPELINED_BYTES_MAX = 256 * 1024
"""Unserved pipelined requests of one connection, in bytes; above this it is not read."""

UPGRADES_PIPELINED_MAX = 8
"""Requests read in one piece that may each offer an upgrade (h2c) with more behind it: each costs a parser."""

LINGER_S = 2.0
"""How long a refused sender may go on sending before the connection is closed, so that it can read the refusal."""


class ServerLimits(msgspec.Struct, frozen=True):
    """Bounds of the server; see `docs/reference/configuration.md`."""

    head_bytes_max: int = 64 * 1024
    header_count_max: int = 128
    body_bytes_max: int = 32 * 1024 * 1024
    connections_max: int = 10_000
    idle_timeout_s: float = 75.0
    head_timeout_s: float = 10.0
    body_timeout_s: float = 60.0

    def head_error(self) -> HeadTooLarge:
        """The refusal of a head that is too long."""
        return HeadTooLarge(f"the request's head is over {self.head_bytes_max} bytes (limits.head_bytes_max)")

    def count_error(self) -> HeadTooLarge:
        """The refusal of a head with too many headers."""
        return HeadTooLarge(f"the request has over {self.header_count_max} headers (limits.header_count_max)")

    def body_error(self) -> TooLarge:
        """The refusal of a body that is too large."""
        limit = self.body_bytes_max
        return TooLarge(f"the request's body is over {limit} bytes (limits.body_bytes_max); raise it or send less")

    def late_head_error(self) -> RequestTimeout:
        """The refusal of a head that does not end."""
        return RequestTimeout(f"the request's head took over {self.head_timeout_s:g} s (limits.head_timeout_s)")

    def late_body_error(self) -> RequestTimeout:
        """The refusal of a body that does not end."""
        return RequestTimeout(f"the request's body took over {self.body_timeout_s:g} s (limits.body_timeout_s)")
