"""Clients of the Responses surface: how they take a refusal.

Measured headless in November 2026, Codex 0.171.0, calls within 10 s of the first:

    402, 403                                    6 calls, then our words
    429 with Retry-After                        6 calls, our words lost
    503 with Retry-After                        30 calls
    400                                         1 call, the raw JSON shown
    200 and `response.failed`, invalid_prompt   1 call, our words as they are
    200 and `response.failed`, overloaded       1 call, "at capacity"

So it is told in the stream, which it always asks for.
"""

from __future__ import annotations

from asbru.dialects.client_profiles import ClientProfile, Shown

_REFUSED = Shown(200, stream_code="invalid_prompt")
_BUSY = Shown(200, stream_code="server_is_overloaded")

CLIENTS = (
    ClientProfile(agent=b"codex_", refusals={402: _REFUSED, 403: _REFUSED, 404: _REFUSED, 429: _REFUSED, 503: _BUSY}),
)
