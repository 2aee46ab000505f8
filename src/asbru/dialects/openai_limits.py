"""How clients of the OpenAI family read their limits.

https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
"""

from __future__ import annotations

from asbru.dialects.client_profiles import LimitHeaders


def _fields(word: str) -> tuple[bytes, bytes, bytes]:
    end = f"-{word}".encode()
    return b"x-ratelimit-limit" + end, b"x-ratelimit-remaining" + end, b"x-ratelimit-reset" + end


LIMITS = LimitHeaders({"requests": _fields("requests"), "tokens": _fields("tokens")}, durations=True)
