"""Clients of the Gemini surface: how they take a refusal.

Gemini CLI, measured headless with 0.61.0 (November 2026): calls within 10 s of the first, and what it does.

    402, 403                                        1 call, our words
    429, 503 with RetryInfo                         2 calls, going on after pauses that double, nothing shown
    429, 503 with reason MODEL_CAPACITY_EXHAUSTED   3 calls, then our words
    429, 503 sent as 403                            1 call, our words

It reads the status in the body before that of the response, so both are the same.
"""

from __future__ import annotations

from asbru.dialects.client_profiles import ClientProfile, Shown

CLIENTS = (
    ClientProfile(
        agent=b"GeminiCLI",
        refusals={
            429: Shown(403, type_and_code=("permission_error", "limit_reached")),
            503: Shown(403, type_and_code=("permission_error", "busy")),
        },
    ),
)
