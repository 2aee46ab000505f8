"""Reads the head of a provider's answer: what may be passed on (an allow-list) and what is acted upon.

llhttp has checked the head before `read` gets it: a line is what CRLF ends, and a name is a token. So the lines that
may be passed on are found by an expression and passed on as they stand, and the few values that some answers need
are looked for when they are needed. Hop-by-hop headers, cookies and whatever is not listed stay behind.

An origin's answers have the same names in the same order, whatever their values. `HeadShapes` remembers such a shape
when it comes a second time, as an expression that knows where the lines to pass on are: half the cost of looking at
every name. A head of no known shape is read name by name.

A whole answer of a known shape needs no parser (`read_whole`), if its Content-Length alone says where it ends: llhttp
took these very names before, what stands in the values is checked here, and the length is that of the read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple, TypeAlias

from asbru.wire.http_heads import HOP_BY_HOP

RESPONSE_HEADERS_MAX = 256
SHAPES_MAX = 4
"""Shapes known of one origin: its whole answers, its streams, its errors."""
SHAPES_LEARNED_MAX = 64
"""An origin that goes on changing its shape is not worth the learning (half a millisecond each)."""
SHAPE_BYTES_MAX = 4096

# First letters stand in both cases, for the expression's engine passes over a branch by its first letter only then.
_ALLOWED = re.compile(
    rb"\r\n(?:[cC](?i:ontent-(?:type|encoding))|[xX]-(?i:request-id|should-retry|ratelimit-[^:]*|groq-[^:]*)"
    rb"|[rR](?i:equest-id|etry-after(?:-ms)?)|[oO](?i:penai-(?!organization:)[^:]*)"
    rb"|[aA](?i:nthropic-(?!organization-id:)[^:]*)):[^\r]*"
)
_LINE = rb"[^\r]*+\r\n"
_BLANK = b"\r\n\r\n"
_OK = b"HTTP/1.1 200 OK\r\n"
_PRINTED = bytes((0x09, *range(0x20, 0x7F), *range(0x80, 0x100)))
"""What may stand in a line of a head; llhttp takes no others."""


HeadLines: TypeAlias = tuple[bytes, bytes]
"""What is kept of a head: the header lines that may be passed on, each ending with CRLF, and the value of
Content-Encoding in lower case (b"" if absent)."""


class HeadShapes:
    """The shapes of the answers of one origin."""

    __slots__ = ("_learned", "_seen", "_shapes", "_sized")

    def __init__(self) -> None:
        self._shapes: tuple[_Shape, ...] = ()
        self._sized: tuple[_Shape, ...] = ()  # those with a `length`: an origin that sends chunks costs no look here
        self._seen: set[int] = set()
        self._learned = 0

    def read(self, head: bytes) -> HeadLines:
        """What is kept of `head`, which begins with its status line and holds the blank line; more may follow it.
        Raises ValueError for more than RESPONSE_HEADERS_MAX headers."""
        for shape in self._shapes:
            found = shape.match(head)
            if found is not None:
                return _kept(found, shape)
        end = head.find(_BLANK)
        if head.count(b"\r\n", 0, end) > RESPONSE_HEADERS_MAX:
            raise ValueError(f"over {RESPONSE_HEADERS_MAX} headers")
        if 0 < end <= SHAPE_BYTES_MAX and self._learned < SHAPES_LEARNED_MAX:
            self._learn(head[:end])
        lines = allowed_lines(head, end)
        return lines, header_value(lines, b"content-encoding").lower()

    def read_whole(self, data: bytes) -> tuple[HeadLines, bytes] | None:
        """What is kept of the head and the body, if `data` is one whole 200 answer of a known shape and nothing else:
        all that the parser would look at was looked at. None leaves it to the parser."""
        for shape in self._sized:
            found = shape.match(data)
            if found is None:
                continue
            begin = found.end()
            if (
                data.startswith(_OK)
                and data.find(shape.length % (len(data) - begin), 0, begin) > 0
                and data[:begin].translate(None, _PRINTED) == shape.breaks
            ):
                return _kept(found, shape), data[begin:]
            return None
        return None

    def _learn(self, head: bytes) -> None:
        marks = tuple(_mark(line) for line in head.split(b"\r\n")[1:])
        trace = hash(marks)
        if trace not in self._seen:
            if len(self._seen) >= SHAPES_LEARNED_MAX:
                self._seen.clear()
            self._seen.add(trace)
            return
        self._learned += 1
        self._shapes = (_shape(marks), *self._shapes[: SHAPES_MAX - 1])
        self._sized = tuple(shape for shape in self._shapes if shape.length)


class _Shape(NamedTuple):
    """`match` finds a head of this shape; its groups are the lines to pass on. `coded`: one is Content-Encoding.

    `length` is the line of Content-Length, to be filled in, if it alone says where an answer of this shape ends and the
    connection lives on; else b"". `breaks` is what is left of the head without what may be printed.
    """

    match: Callable[[bytes], re.Match[bytes] | None]
    coded: bool
    length: bytes
    breaks: bytes


def _mark(line: bytes) -> bytes:
    """What a shape knows of a header line: its name, and of Connection all of it."""
    name = line.partition(b":")[0]
    return line if name.lower() == b"connection" else name


def _shape(marks: Sequence[bytes]) -> _Shape:
    """The expression of a head with these marks. Values do not matter, and nothing in it goes back once it matched."""
    parts = [_LINE]
    for allowed, run in groupby(marks, key=is_allowed):
        lines = b"".join(re.escape(mark) + (b"\r\n" if mark.find(b":") > 0 else b":" + _LINE) for mark in run)
        parts.append(b"(%b)" % lines if allowed else lines)
    parts.append(rb"\r\n")
    names = [mark.lower() for mark in marks]
    lengths = [b"\r\n%b: %%d\r\n" % mark for mark in marks if mark.lower() == b"content-length"]
    return _Shape(
        match=re.compile(b"".join(parts)).match,
        coded=b"content-encoding" in names,
        length=lengths[0] if len(lengths) == 1 and not any(map(_frames, names)) else b"",
        breaks=b"\r\n" * (len(marks) + 2),
    )


def _frames(name: bytes) -> bool:
    """Whether a header (in lower case, Connection with its value) may change what follows from the length."""
    return name in {b"transfer-encoding", b"upgrade", b"proxy-connection"} or (
        name.startswith(b"connection:") and name != b"connection: keep-alive"
    )


def _kept(found: re.Match[bytes], shape: _Shape) -> HeadLines:
    lines = b"".join(found.groups())
    return lines, header_value(lines, b"content-encoding").lower() if shape.coded else b""


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
    at = lines.lower().find(name + b":")
    while at > 0 and lines[at - 2 : at] != b"\r\n":  # inside another header
        at = lines.lower().find(name + b":", at + 1)
    if at < 0:
        return b""
    end = lines.find(b"\r\n", at)
    return lines[at + len(name) + 1 : end if end >= 0 else len(lines)].strip()
