"""Clients of the Messages surface: how they take a refusal, and where they read their limits.

Claude Code, measured headless with 2.1.330 (November 2026), what it does with our answer:

    402                                  one call, our words
    403                                  one call, "Failed to authenticate." before our words
    429, 503, 529 with Retry-After       6 to 11 calls, going on, nothing shown
    429 with x-should-retry: false       one call, "Request rejected (429)" before our words
    400, 422                             6 calls at once: it leaves features out, one after the other
    404                                  two calls, words of its own

Its own contract for gateways (`claude gateway`) refuses by 429 with x-should-retry: false, too. It does not heed that
header on 400 and 503.
"""

from __future__ import annotations

from asbru.dialects.client_profiles import ClientProfile, LimitHeaders, Shown

_FINAL = Shown(429, b"x-should-retry: false\r\n")

CLIENTS = (ClientProfile(agent=b"claude-cli/", refusals={403: _FINAL, 429: _FINAL, 503: _FINAL}),)


def _fields(word: str) -> tuple[bytes, bytes, bytes]:
    start = f"anthropic-ratelimit-{word}".encode()
    return start + b"-limit", start + b"-remaining", start + b"-reset"


LIMITS = LimitHeaders(
    {
        "requests": _fields("requests"),
        "tokens": _fields("tokens"),
        "input_tokens": _fields("input-tokens"),
        "output_tokens": _fields("output-tokens"),
    }
)
"""https://docs.claude.com/en/api/rate-limits#response-headers"""
