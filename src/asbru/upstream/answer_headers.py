"""Which headers of a provider's answer are acted upon or passed on: an allow-list.

Names are looked up as spelled in a bounded table, so that a name is lower-cased once per spelling and not once per
answer. Hop-by-hop headers, cookies and whatever is not listed stay behind.
"""

from __future__ import annotations

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
