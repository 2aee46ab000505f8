"""Reads the head of a provider's response: what may be passed on (an allow-list) and what is acted upon.

llhttp has checked the head before `read` gets it: a line is what CRLF ends, and a name is a token. So the lines that
may be passed on are found by an expression and passed on as they stand, and the few values that some responses need
are looked for when they are needed. Hop-by-hop headers, cookies and whatever is not listed stay behind.

An origin's responses have the same names in the same order, whatever their values. `HeadShapes` remembers such a shape
when it comes a second time, as an expression that knows where the lines to pass on are: half the cost of looking at
every name. A head of no known shape is read name by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from asbru.wire.http_heads import HOP_BY_HOP

RESPONSE_HEADERS_MAX = 256
SHAPES_MAX = 4
"""Shapes known of one origin: its whole responses, its streams, its errors."""
SHAPES_LEARNED_MAX = 64
"""An origin that goes on changing its shape is not worth the learning (half a millisecond each)."""
SHAPE_BYTES_MAX = 4096

# First letters stand in both cases, for the expression's engine passes over a branch by its first letter only then.
_ALLOWED = re.compile(
    rb"\r\n(?:[cC](?i:ontent-(?:type|encoding))|[xX]-(?i:request-id|should-retry|ratelimit-[^:]*|groq-[^:]*"
    rb"|amzn-(?:requestid|errortype|bedrock-[^:]*))"
    rb"|[rR](?i:equest-id|etry-after(?:-ms)?)|[oO](?i:penai-(?!organization:)[^:]*)"
    rb"|[aA](?i:nthropic-(?!organization-id:)[^:]*)):[^\r]*"
)
_LINE = rb"[^\r]*+\r\n"
_BLANK = b"\r\n\r\n"


HeadLines: TypeAlias = tuple[bytes, bytes]
"""What is kept of a head: the header lines that may be passed on, each ending with CRLF, and the value of
Content-Encoding in lower case (b"" if absent)."""


class HeadShapes:
    """The shapes of the responses of one origin."""

    __slots__ = ("_learned", "_seen", "_shapes")

    def __init__(self) -> None:
        self._shapes: tuple[_Shape, ...] = ()
        self._seen: set[int] = set()
        self._learned = 0

    def read(self, head: bytes) -> HeadLines:
        """What is kept of `head`, which begins with its status line and holds the blank line; more may follow it.
        Raises ValueError for more than RESPONSE_HEADERS_MAX headers."""
        for shape in self._shapes:
            found = shape.match(head)
            if found is not None:
                lines = b"".join(found.groups())
                return lines, header_value(lines, b"content-encoding").lower() if shape.coded else b""
        end = head.find(_BLANK)
        if head.count(b"\r\n", 0, end) > RESPONSE_HEADERS_MAX:
            raise ValueError(f"over {RESPONSE_HEADERS_MAX} headers")
        if 0 < end <= SHAPE_BYTES_MAX and self._learned < SHAPES_LEARNED_MAX:
            self._learn(head[:end])
        lines = allowed_lines(head, end)
        return lines, header_value(lines, b"content-encoding").lower()

    def _learn(self, head: bytes) -> None:
        names = tuple(line.partition(b":")[0] for line in head.split(b"\r\n")[1:])
        trace = hash(names)
        if trace not in self._seen:
            if len(self._seen) >= SHAPES_LEARNED_MAX:
                self._seen.clear()
            self._seen.add(trace)
            return
        self._learned += 1
        self._shapes = (_shape(names), *self._shapes[: SHAPES_MAX - 1])


class _Shape(NamedTuple):
    """`match` finds a head of this shape; its groups are the lines to pass on. `coded`: one is Content-Encoding."""

    match: Callable[[bytes], re.Match[bytes] | None]
    coded: bool


def _shape(names: Sequence[bytes]) -> _Shape:
    """The expression of a head with these names. Values do not matter, and nothing in it goes back once it matched."""
    parts = [_LINE]
    for allowed, run in groupby(names, key=is_allowed):
        lines = b"".join(re.escape(name) + b":" + _LINE for name in run)
        parts.append(b"(%b)" % lines if allowed else lines)
    parts.append(rb"\r\n")
    return _Shape(
        match=re.compile(b"".join(parts)).match,
        coded=any(name.lower() == b"content-encoding" for name in names),
    )


def is_allowed(name: bytes) -> bool:
    """Whether the header called `name` may be passed on."""
    return _ALLOWED.match(b"\r\n%b:" % name) is not None


def allowed_lines(head: bytes, end: int) -> bytes:
    """The header lines of `head` (up to the blank line at `end`) that may be passed on, each ending with CRLF."""
    found = _ALLOWED.findall(head, 0, end)
    return b"".join(found)[2:] + b"\r\n" if found else b""


def every_line(head: bytes) -> bytes:
    """All header lines of `head`, up to its blank line, but the hop-by-hop ones and those that frame the body."""
    lines = head.partition(_BLANK)[0].split(b"\r\n")[1:]
    kept = (line for line in lines if line.partition(b":")[0].lower() not in _FRAMING)
    return b"".join(line + b"\r\n" for line in kept)


_FRAMING = HOP_BY_HOP | {b"content-length"}


def header_value(lines: bytes, name: bytes) -> bytes:
    """The value of the first header called `name` (lower case) in CRLF-ended lines, b"" if there is none."""
    lower = lines.lower()
    at = 0
    if not lower.startswith(name + b":"):
        at = lower.find(b"\r\n%b:" % name) + 2
        if at < 2:
            return b""
    end = lines.find(b"\r\n", at)
    return lines[at + len(name) + 1 : end if end >= 0 else len(lines)].strip()
