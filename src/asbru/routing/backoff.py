"""How long to pause before a retry, and how long a key cools down. Pure; the draw of chance is given."""

from __future__ import annotations

COOLDOWN_REFUSED_S = 60.0
"""How long a key that the provider refused (401, 402, 403) is passed over, in seconds."""

COOLDOWN_LIMITED_S_MAX = 60.0
"""The longest cooldown after a 429, whatever Retry-After says, in seconds."""

COOLDOWN_LIMITED_S_DEFAULT = 1.0
"""The cooldown after a 429 without Retry-After, in seconds."""


RETRY_AFTER_S_MAX = 31 * 86_400.0
"""The longest time that a provider may ask callers to wait, in seconds: limits of a month are the longest there are."""


def retry_pause_s(attempt: int, initial_s: float, max_s: float, chance: float) -> float:
    """The pause before retry number `attempt` (from 0): full jitter over a doubling window; `chance` in [0, 1)."""
    return min(initial_s * 2.0**attempt, max_s) * chance


def read_retry_after_s(value: bytes, now_unix_s: float, milliseconds: bytes = b"") -> float | None:
    """Seconds from a Retry-After header (delta or HTTP date), None if it is absent or makes no sense. Retry-After-Ms,
    whose value `milliseconds` is, is the more exact of the two and wins."""
    try:
        exact_s = float(milliseconds) / 1000
    except ValueError:
        exact_s = -1.0
    if 0.0 <= exact_s < float("inf"):
        return min(exact_s, RETRY_AFTER_S_MAX)
    text = value.decode("latin-1").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        from email.utils import parsedate_to_datetime  # a megabyte for what no provider has been seen to send

        try:
            seconds = parsedate_to_datetime(text).timestamp() - now_unix_s
        except (ValueError, TypeError, OverflowError):
            return None
    return min(seconds, RETRY_AFTER_S_MAX) if 0.0 <= seconds < float("inf") else None


def cooldown_limited_s(retry_after_s: float | None) -> float:
    """How long a key cools down after a 429."""
    if retry_after_s is None:
        return COOLDOWN_LIMITED_S_DEFAULT
    return min(retry_after_s, COOLDOWN_LIMITED_S_MAX)
