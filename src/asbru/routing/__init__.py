"""Routing: which targets, in which order, with which key, and how long to wait. Decisions, no I/O.

It refuses to send anything or to know a dialect; `pipeline.attempts` acts on what it decides.
"""

from asbru.routing.backoff import (
    COOLDOWN_REFUSED_S,
    cooldown_limited_s,
    read_retry_after_s,
    retry_pause_s,
)
from asbru.routing.plan import Plan, choose_key, limited_for_s, why_unusable
from asbru.routing.targets import Key, ProviderRoute, RetryPolicy, Target

__all__ = [
    "COOLDOWN_REFUSED_S",
    "Key",
    "Plan",
    "ProviderRoute",
    "RetryPolicy",
    "Target",
    "choose_key",
    "cooldown_limited_s",
    "limited_for_s",
    "read_retry_after_s",
    "retry_pause_s",
    "why_unusable",
]
