"""The server's bounds that a configuration sets, each with its unit, and what is said of whoever exceeds them.

What the gateway bounds beyond HTTP (calls in flight, answers held) is `app.snapshot.Limits`. Outside of `edge.server`,
so that a process which only reads the configuration loads no server.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from asbru.core.errors import HeadTooLarge, Overloaded, RequestTimeout, TooLarge


class ServerLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The bounds that the server itself holds; `app.snapshot.Limits` has those of all the gateway."""

    head_bytes_max: Annotated[int, Meta(ge=1024, le=1 << 20, description="Request line and headers, bytes.")] = (
        64 * 1024
    )
    header_count_max: Annotated[int, Meta(ge=8, le=10_000, description="Number of request headers.")] = 128
    body_bytes_max: Annotated[int, Meta(ge=1024, le=1 << 32, description="Request body, bytes.")] = 32 * 1024 * 1024
    bodies_bytes_max: Annotated[
        int,
        Meta(
            ge=1024,
            le=1 << 40,
            description="All request bodies together that arrive in several pieces, until their calls end, bytes; an "
            "eighth of it for requests without a known virtual key.",
        ),
    ] = 256 * 1024 * 1024
    connections_max: Annotated[int, Meta(ge=1, le=1_000_000, description="Open connections.")] = 10_000
    idle_timeout_s: Annotated[
        float, Meta(gt=0, le=86400, description="Time after which an idle connection is closed, seconds.")
    ] = 75.0
    head_timeout_s: Annotated[
        float, Meta(gt=0, le=3600, description="Time for the request head to arrive, seconds.")
    ] = 10.0
    body_timeout_s: Annotated[
        float,
        Meta(gt=0, le=3600, description="Time for the request body to arrive, seconds; extended while data arrives."),
    ] = 60.0

    def head_error(self) -> HeadTooLarge:
        """The refusal of a head that is too long."""
        return HeadTooLarge(f"the request head is larger than {self.head_bytes_max} bytes (limits.head_bytes_max)")

    def count_error(self) -> HeadTooLarge:
        """The refusal of a head with too many headers."""
        return HeadTooLarge(f"the request has more than {self.header_count_max} headers (limits.header_count_max)")

    def body_error(self) -> TooLarge:
        """The refusal of a body that is too large."""
        limit = self.body_bytes_max
        return TooLarge(
            f"the request body is larger than {limit} bytes (limits.body_bytes_max); raise the limit or send less"
        )

    def bodies_error(self) -> Overloaded:
        """The refusal of a body for which there is no room beside the others."""
        limit = self.bodies_bytes_max
        return Overloaded(f"request bodies take more than {limit} bytes (limits.bodies_bytes_max)", retry_after_s=1)

    def late_head_error(self) -> RequestTimeout:
        """The refusal of a head that does not end."""
        return RequestTimeout(
            f"the request head did not arrive within {self.head_timeout_s:g} s (limits.head_timeout_s)"
        )

    def late_body_error(self) -> RequestTimeout:
        """The refusal of a body that does not end."""
        return RequestTimeout(
            f"the request body did not arrive within {self.body_timeout_s:g} s (limits.body_timeout_s)"
        )
