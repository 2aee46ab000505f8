"""Refusals in words: whose limit, how much of it is used, what the call needs, and when there is room again. How they
are put for a client is no business of this room.
"""

from __future__ import annotations

from datetime import UTC, datetime

from asbru.core.errors import BudgetExceeded, LimitReached, RateLimited
from asbru.core.money import NANOUSD_PER_USD
from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import Short
from asbru.governance.windows import RUN

_COUNTED = {
    "requests": "requests",
    "tokens": "tokens",
    "input_tokens": "input tokens",
    "output_tokens": "output tokens",
    "concurrency": "calls at once",
}
_UNITS = {
    "s": "second",
    "m": "minute",
    "h": "hour",
    "d": "day",
    "w": "week",
    "M": "month",
    "Q": "quarter",
    "Y": "year",
}
_AT_ONCE_RETRY_S = 1.0


def refusal(owner: str, limit: LimitEntry, short: Short, *, need: int, used: int) -> LimitReached:
    """The refusal of a call that needs so much of a limit of which so much is used, reservations included."""
    if short.runs:
        return _crowded(owner, short.runs)
    kind = BudgetExceeded if limit.metric == "cost" else RateLimited
    retry_after_s = short.resets_in_ms / 1000 if short.resets_in_ms >= 0 else None
    if limit.metric == "concurrency":
        retry_after_s = _AT_ONCE_RETRY_S
    return kind(
        f"{_name(owner)} {_state(limit, used)}; {_needs(limit, need)}{_reset(limit, short, need)}",
        owner=owner,
        metric=limit.metric,
        amount=limit.amount,
        spent=used,
        resets_at_ms=short.resets_at_ms or None,
        retry_after_s=retry_after_s,
    )


def _crowded(owner: str, runs: int) -> LimitReached:
    """The refusal of a run beside so many others that are all in use."""
    return RateLimited(
        f"{_name(owner)} has {runs} runs under way, and its limits count no more of them (governance.runs_max); wait "
        "until one has paused, or go on under the name of one",
        owner=owner,
        metric="runs",
        amount=runs,
        spent=runs,
        retry_after_s=_AT_ONCE_RETRY_S,
    )


def usd(nanousd: int) -> str:
    """An amount of money, as short as it is exact to a millionth of a dollar: `1.50 USD`."""
    text = f"{nanousd / NANOUSD_PER_USD:.6f}".rstrip("0")
    whole, _, part = text.partition(".")
    return f"{whole}.{part:0<2} USD"


def _name(owner: str) -> str:
    kind, _, name = owner.partition("/")
    return f"{kind.replace('_', ' ')} '{name}'"


def _state(limit: LimitEntry, used: int) -> str:
    window = f" per {_window(limit.window)}" if limit.window else ""
    if limit.metric == "cost":
        return f"has used {usd(used)} of its budget of {usd(limit.amount)}{window}, calls under way included"
    if limit.metric == "concurrency":
        return f"has {used} calls under way, and may have {limit.amount}"
    return f"has used {used} of its {limit.amount} {_COUNTED[limit.metric]}{window}"


def _window(window: str) -> str:
    """`1M` is a month to whoever wrote the limit; callers would take it for a million."""
    if window == RUN:
        return window
    count, unit = int(window[:-1]), _UNITS[window[-1]]
    return unit if count == 1 else f"{count} {unit}s"


def _needs(limit: LimitEntry, need: int) -> str:
    if limit.metric == "cost":
        return f"this call may cost up to {usd(need)}"
    if limit.metric in ("requests", "concurrency"):
        return "this call would be one more"
    return f"this call may need {need}"


def _reset(limit: LimitEntry, short: Short, need: int) -> str:
    if need > limit.amount:
        return ", more than the whole limit: ask for less (max_tokens), or have the limit raised"
    if limit.window == RUN:
        return "; have the limit raised, or begin a new run"
    if short.resets_at_ms:
        at = datetime.fromtimestamp(short.resets_at_ms / 1000, UTC)
        return f"; it resets at {at:%Y-%m-%d %H:%M:%S} UTC"
    return "; try again when others have ended"
