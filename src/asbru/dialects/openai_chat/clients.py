"""Clients of the chat surface: how they take a refusal.

Measured headless in November 2026: calls within 10 s of the first, and what they do with our answer.

                                        opencode 1.18.33        qwen-code 0.24.4
    402, 403                            2 (one for a title)     1
    429 with Retry-After                7, then our words       5, going on, nothing shown
    429 with x-should-retry: false                              5, going on
    503 with Retry-After                9, then our words       10, going on
    429 sent as 403                     4, then our words       1
    503 sent as 403                     7, then our words       1

Both stop on 402 and 403, and show our words as they are. But opencode also looks for words such as `rate_limit`,
`overloaded` and `429` in the body and in the message, whatever the status, and then asks again up to five times; so it
gets another type and code. An amount in our message may still look like a status to it ("500.00 USD"): it heeds
retry-after-ms, so that a minute passes before it asks again.
"""

from __future__ import annotations

from asbru.dialects.client_profiles import ClientProfile, Shown

_A_MINUTE = b"retry-after-ms: 60000\r\n"

CLIENTS = (
    ClientProfile(
        agent=b"opencode/",
        refusals={
            402: Shown(402, _A_MINUTE),
            403: Shown(403, _A_MINUTE),
            429: Shown(403, _A_MINUTE, ("permission_error", "limit_reached")),
            503: Shown(403, _A_MINUTE, ("permission_error", "busy")),
        },
    ),
    ClientProfile(agent=b"QwenCode/", refusals={429: Shown(403), 503: Shown(403)}),
)
