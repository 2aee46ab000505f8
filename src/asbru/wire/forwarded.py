"""The headers of a caller that may go along to a provider, and what was made of them.

A client sends the same headers with every call, so the lines made of them for a provider are kept with them: heads
that are known (`edge.server.known_heads`) hand the same object to call after call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, TypeAlias

TO_ANY_DIALECT: Final = b""

TAG_PREFIX: Final = b"x-asbru-tag-"
"""What the names of tags begin with. They go to no provider, but travel in the same way as far as the call."""

TRACE_HEADERS: Final = frozenset(
    {
        b"traceparent",
        b"tracestate",
        b"b3",
        b"x-b3-traceid",
        b"x-b3-spanid",
        b"x-b3-parentspanid",
        b"x-b3-sampled",
        b"x-b3-flags",
    }
)
"""Headers that carry a trace, in lower case (`telemetry.tracing.context`)."""
_CREDENTIAL_NAMES: Final = re.compile(
    rb"(?:key|token|secret|password|passwd|auth|authorization|credentials?|signature|sig|bearer|jwt|cookie)$"
)
_MARKS: Final = re.compile(rb"[^a-z0-9]+")


def is_credential(name: bytes) -> bool:
    """Whether a header or a parameter is called like a credential (`anthropic-api-key`, `apiKey`): one that Asbru does
    not know of must not leave either. Rather one too many, for what is not passed on can be configured."""
    return _CREDENTIAL_NAMES.search(_MARKS.sub(b"", name.lower())) is not None


ForwardedHeader: TypeAlias = tuple[bytes, bytes, bytes]
"""(the dialects' prefix it has, such as `openai-`, or TO_ANY_DIALECT; name as spelled; value)."""

Wants: TypeAlias = tuple[bytes, ...]
"""What lines made of forwarded headers depend on besides them: the dialect's name and a provider's own lines."""

MADE_MAX = 64
"""Lines kept for so many `Wants`; then it starts anew."""


class ForwardedHeaders:
    """`headers` in the order they came; `tagged`: there are tags among them, `traced`: headers that carry a trace.
    `made`: header lines by what they were made for."""

    __slots__ = ("headers", "made", "tagged", "traced")

    def __init__(
        self, headers: Sequence[ForwardedHeader] = (), *, tagged: bool = False, traced: bool = False
    ) -> None:
        self.headers = headers
        self.tagged = tagged
        self.traced = traced
        self.made: dict[Wants, bytes] = {}

    def value_of(self, name: bytes) -> bytes:
        """The value of the first header called `name` (lower case), b"" if there is none."""
        return next((value for _, spelled, value in self.headers if spelled.lower() == name), b"")

    def keep(self, wants: Wants, lines: bytes) -> bytes:
        """Keep the lines made for `wants`; returns them."""
        if len(self.made) >= MADE_MAX:
            self.made.clear()
        self.made[wants] = lines
        return lines
