"""Reads the head of a provider's answer, and says which headers are acted upon or passed on: an allow-list.

llhttp has checked the head before it is read here, so a line is what CRLF ends; splitting it ourselves costs a fifth
of a callback per header. Names are looked up as spelled in a bounded table, so that a name is lower-cased once per
spelling and not once per answer. Hop-by-hop headers, cookies and whatever is not listed stay behind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asbru.wire import HOP_BY_HOP

if TYPE_CHECKING:
    from asbru.upstream.exchange import Answer

ANSWER_HEADERS_MAX = 256
FORWARD = 1
TYPE = 2
ENCODING = 4
LENGTH = 8
CHUNKED = 16
RETRY = 32

_SPELLINGS_MAX = 4096
_BY_NAME = {
    b"content-type": TYPE,
    b"content-encoding": ENCODING,
    b"content-length": LENGTH,
    b"transfer-encoding": CHUNKED,
    b"retry-after": FORWARD | RETRY,
    b"retry-after-ms": FORWARD,
    b"request-id": FORWARD,
    b"x-request-id": FORWARD,
    b"x-should-retry": FORWARD,
}
_FORWARD_PREFIXES = (b"openai-", b"anthropic-", b"x-ratelimit-", b"x-groq-")
_NOT_FORWARDED = frozenset({b"openai-organization", b"anthropic-organization-id"})


def _judge(name: bytes) -> int:
    lower = name.lower()
    action = _BY_NAME.get(lower)
    if action is not None:
        return action
    return FORWARD if lower.startswith(_FORWARD_PREFIXES) and lower not in _NOT_FORWARDED else 0


class _Spellings(dict[bytes, int]):
    """A cache that fills itself and starts anew when it is full."""

    def __missing__(self, name: bytes) -> int:
        if len(self) >= _SPELLINGS_MAX:
            self.clear()
        action = self[name] = _judge(name)
        return action


answer_action = _Spellings().__getitem__
"""The actions (a bit set) for a header name as it was spelled; 0 to leave it behind."""


def read_answer_head(head: bytes, interims: int, answer: Answer, *, transparent: bool) -> bool:
    """Fill `answer` from the bytes of its head, which begin `interims` interim heads before it and may go on into the
    body. `transparent` keeps every header that is not hop-by-hop. Returns whether the answer has a length."""
    start = _skip_blank(head, 0)
    for _ in range(interims):
        start = _skip_blank(head, head.find(b"\r\n\r\n", start) + 4)
    lines = head[start : head.find(b"\r\n\r\n", start)].split(b"\r\n")
    if len(lines) > ANSWER_HEADERS_MAX:
        raise ValueError(f"over {ANSWER_HEADERS_MAX} headers")
    if transparent:
        return _read_every(lines, answer)
    has_length = False
    for line in lines:
        name, _, value = line.partition(b":")
        action = answer_action(name)
        if not action:
            continue
        if action & FORWARD:
            answer.headers.append(line + b"\r\n")
            if action & RETRY:
                answer.retry_after = value.strip()
        elif action == LENGTH or action == CHUNKED:
            has_length = True
        elif action == TYPE:
            answer.content_type = value.strip()
        else:
            answer.content_encoding = value.strip().lower()
    return has_length


def _skip_blank(head: bytes, at: int) -> int:
    """The next status line: llhttp allows line breaks before it."""
    while head.startswith((b"\r", b"\n"), at):
        at += 1
    return at


def _read_every(lines: list[bytes], answer: Answer) -> bool:
    has_length = False
    for line in lines[1:]:
        name = line.partition(b":")[0].lower()
        if name in (b"content-length", b"transfer-encoding"):
            has_length = True
        elif name not in HOP_BY_HOP:
            answer.headers.append(line + b"\r\n")
    return has_length
