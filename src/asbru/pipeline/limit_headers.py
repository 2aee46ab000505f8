"""Response headers that tell a caller how far its limits are used: on the surface's own names, and the budget.

    x-ratelimit-limit-requests, anthropic-ratelimit-tokens-remaining ...   the fullest limit of each sort
    x-asbru-budget-limit, -remaining (US dollars), -owner, -reset          the fullest budget

Only callers with limits get them. The provider's own, which are about Asbru's key and would contradict, are then left
out. What is told is as new as what the worker knows, and at most FRESH_S older; with a refusal it is the limit that
refused, as it stood then.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from asbru.core.errors import LimitReached
from asbru.core.money import NANOUSD_PER_USD
from asbru.dialects import Dialect
from asbru.governance.standing import Standing, Standings
from asbru.pipeline.call import Call

FRESH_S: Final = 0.5
"""How long lines are used again: under load a caller's limits are looked at twice a second, not for each call."""
KEPT_MAX: Final = 4096
_MARK = b"-ratelimit-"
_PROVIDERS_OWN = re.compile(rb"(?:(?:x|anthropic)-ratelimit-[^\r]*+\r\n)+")


class LimitHeaderLines:
    """Makes the lines, and keeps them for a moment. `unix_time` in seconds."""

    def __init__(self, standings: Standings, unix_time: Callable[[], float]) -> None:
        self._standings = standings
        self._unix_time = unix_time
        self._kept: dict[tuple[str, str], tuple[float, bytes]] = {}

    def put(self, call: Call, lines: bytes) -> bytes:
        """`lines`, each ending with CRLF, with the limits of the caller in place of the provider's."""
        if call.caller is None:
            return lines
        now_s = self._unix_time()
        at = (call.caller.name, call.dialect.name)
        made_s, own = self._kept.get(at, (0.0, b""))
        if isinstance(call.error, LimitReached):
            standings = self._standings.standing(call.caller.name)
            own = write_lines(standings, call.dialect, now_s, refused_by=_standing_of(call.error))
        elif not made_s <= now_s < made_s + FRESH_S:
            own = write_lines(self._standings.standing(call.caller.name), call.dialect, now_s)
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[at] = (now_s, own)
        return _without_providers_own(lines) + own if own else lines


def write_lines(
    standings: Iterable[Standing], dialect: Dialect, now_s: float, *, refused_by: Standing | None = None
) -> bytes:
    """The header lines for some limits, b"" for none that the surface has names for. `refused_by`: told in place of the
    fullest of its sort."""
    fullest: dict[str, Standing] = {}
    for one in standings:
        known = fullest.get(one.metric)
        if known is None or one.percent > known.percent:
            fullest[one.metric] = one
    if refused_by is not None:
        fullest[refused_by.metric] = refused_by
    lines = b""
    headers = dialect.surface.limits
    for metric, (limit, remaining, reset) in headers.fields.items():
        one = fullest.get(metric)
        if one is not None:
            lines += b"%b: %d\r\n%b: %d\r\n" % (limit, one.amount, remaining, _remaining(one))
            if one.resets_at_ms is not None:
                lines += b"%b: %b\r\n" % (reset, _reset(one.resets_at_ms, now_s, in_seconds=headers.durations))
    budget = fullest.get("cost")
    if budget is not None:
        lines += b"x-asbru-budget-limit: %b\r\nx-asbru-budget-remaining: %b\r\nx-asbru-budget-owner: %b\r\n" % (
            _usd(budget.amount),
            _usd(_remaining(budget)),
            budget.owner.encode("ascii", "replace"),
        )
        if budget.resets_at_ms is not None:
            lines += b"x-asbru-budget-reset: %b\r\n" % _reset(budget.resets_at_ms, now_s, in_seconds=False)
    return lines


def _standing_of(error: LimitReached) -> Standing:
    return Standing(
        error.owner, "", error.metric, "", amount=error.amount, spent=error.spent, resets_at_ms=error.resets_at_ms
    )


def _without_providers_own(lines: bytes) -> bytes:
    """`lines` without the limits of a provider, which stand together: an expression that looks for them costs three
    times as much as finding where they begin."""
    lower = lines.lower()
    at = lower.find(_MARK)
    left = b""
    begun = 0
    while at >= 0:
        begin = lower.rfind(b"\n", 0, at) + 1
        found = _PROVIDERS_OWN.match(lower, begin)
        if found is None:  # in another header's value
            at = lower.find(_MARK, at + 1)
            continue
        left += lines[begun:begin]
        begun = found.end()
        at = lower.find(_MARK, begun)
    return left + lines[begun:] if begun else lines


def _remaining(one: Standing) -> int:
    return max(one.amount - one.spent, 0)


def _reset(at_ms: int, now_s: float, *, in_seconds: bool) -> bytes:
    if in_seconds:
        return b"%ds" % max(round(at_ms / 1000 - now_s), 0)
    return f"{datetime.fromtimestamp(at_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}".encode()


def _usd(nanousd: int) -> bytes:
    whole, part = divmod(nanousd, NANOUSD_PER_USD)
    return f"{whole}.{part // 1000:06d}".encode()
