"""Reads the head of a provider's answer: what may be passed on (an allow-list) and what is acted upon.

llhttp has checked the head before it is read here: a line is what CRLF ends, and a name is a token. So the lines that
may be passed on are found by one expression and passed on as they stand, and the few values that some answers need
are looked for when they are needed. Hop-by-hop headers, cookies and whatever is not listed stay behind.
"""

from __future__ import annotations

import re

from asbru.wire import HOP_BY_HOP

ANSWER_HEADERS_MAX = 256
# First letters stand in both cases, for the expression's engine passes over a branch by its first letter only then.
_ALLOWED = re.compile(
    rb"\r\n(?:[cC](?i:ontent-(?:type|encoding))|[xX]-(?i:request-id|should-retry|ratelimit-[^:]*|groq-[^:]*)"
    rb"|[rR](?i:equest-id|etry-after(?:-ms)?)|[oO](?i:penai-(?!organization:)[^:]*)"
    rb"|[aA](?i:nthropic-(?!organization-id:)[^:]*)):[^\r]*"
)


def allowed_lines(head: bytes, end: int) -> bytes:
    """The header lines of `head` (up to the blank line at `end`) that may be passed on, each ending with CRLF."""
    found = _ALLOWED.findall(head, 0, end)
    return b"".join(found)[2:] + b"\r\n" if found else b""


def every_line(head: bytes, end: int) -> bytes:
    """All header lines but the hop-by-hop ones and those that frame the body."""
    lines = head[:end].split(b"\r\n")[1:]
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
