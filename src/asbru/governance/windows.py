"""Windows of time that limits count in. Pure: the time is given, in milliseconds since 1970.

    fixed      a budget: from its first use to its length later, or with the calendar of a time zone
    sliding    a rate: whatever the last minute (hour ...) saw, counted in buckets
    run        one session or run of an agent: a count of its own, that ends RUN_DAYS after the run was last seen
    none       calls at once: what is held now

A sliding window has BUCKETS buckets. What was taken in a bucket may be used for half a bucket longer, in which the next
slice is asked for, and reach the provider a little later; so it counts until a whole window has passed since the end of
the bucket after its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

BUCKETS = 60
"""Buckets of a sliding window: two more than these count, so that 60 a minute are never less than 58 a minute."""
RUN = "run"
RUN_DAYS = 7

_DAY_MS = 86_400_000
FOREVER_MS = 1 << 52
"""An end that does not come; whole numbers of this size are exact in every store."""

_FIXED_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": _DAY_MS, "w": 7 * _DAY_MS}
_MONTHS = {"M": 1, "Q": 3, "Y": 12}
_LONGEST_DAYS = {"M": 31, "Q": 92, "Y": 366}
_YEAR_LAST = 9000
"""Windows that would end later do not end: `datetime` knows no year 10000."""


class Window(NamedTuple):
    """`start_ms` names the window or bucket; `until_ms`: until when what was taken in it may be used; `ends_ms`: from
    when on it does not count any more."""

    start_ms: int
    until_ms: int
    ends_ms: int


def length_ms(window: str) -> int:
    """How long a sliding window is; a month counts 31 days, a quarter 92, a year 366, so that none is too short."""
    count, unit = int(window[:-1]), window[-1]
    return count * (_FIXED_MS[unit] if unit in _FIXED_MS else _LONGEST_DAYS[unit] * _DAY_MS)


def fixed_window(window: str, now_ms: int, timezone: str | None = None) -> Window:
    """The window that begins now, or with `timezone` the one of its calendar that now lies in."""
    if window == RUN:
        return _fixed(now_ms, now_ms + RUN_DAYS * _DAY_MS)
    count, unit = int(window[:-1]), window[-1]
    now = datetime.fromtimestamp(now_ms / 1000, UTC if timezone is None else _zone(timezone))
    if timezone is not None:
        start = _calendar_start(now, count, unit)
        start_ms = _ms(start)
    else:
        start, start_ms = now, now_ms
    if unit in "smh":  # lengths of time, whatever the clocks on the wall do meanwhile
        return _fixed(start_ms, start_ms + count * _FIXED_MS[unit])
    return _fixed(start_ms, _later_ms(start, start_ms, count, unit))


def bucket(window: str, now_ms: int) -> Window:
    """The bucket of a sliding window that now lies in."""
    length = length_ms(window)
    width = max(1, length // BUCKETS)
    start_ms = now_ms // width * width
    return Window(start_ms, start_ms + width + overlap_ms(window), start_ms + 2 * width + length)


def overlap_ms(window: str) -> int:
    """For so long after the end of its bucket a slice of a sliding window may be used."""
    return length_ms(window) // BUCKETS // 2


def no_window() -> Window:
    """Of what has none."""
    return Window(0, FOREVER_MS, FOREVER_MS)


def _fixed(start_ms: int, ends_ms: int) -> Window:
    return Window(start_ms, ends_ms, ends_ms)


def _zone(name: str) -> tzinfo:
    from zoneinfo import ZoneInfo  # 0.3 MB in each process, for those whose budgets follow a calendar

    return ZoneInfo(name)


def _calendar_start(now: datetime, count: int, unit: str) -> datetime:
    """The beginning of the period that now lies in. Several of a unit are counted from the beginning of the next larger
    one (`6h` from midnight, `15m` from the full hour), days and weeks from Monday, 5 January 1970, months from January
    of year 0."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit in "smh":
        into_ms = _ms(now) - _ms(midnight)
        step_ms = count * _FIXED_MS[unit]
        return datetime.fromtimestamp((_ms(midnight) + into_ms // step_ms * step_ms) / 1000, now.tzinfo)
    if unit in "dw":
        days = count * (7 if unit == "w" else 1)
        since = (midnight.date() - datetime(1970, 1, 5, tzinfo=UTC).date()).days
        return midnight - timedelta(days=since % days)
    months = count * _MONTHS[unit]
    at = (midnight.year * 12 + midnight.month - 1) // months * months
    return midnight.replace(year=max(1, at // 12), month=at % 12 + 1, day=1)


def _later_ms(start: datetime, start_ms: int, count: int, unit: str) -> int:
    """When days, weeks or months are over: at the same time of day, on the last day of a month that is too short."""
    try:
        if unit in "dw":
            end = start + timedelta(days=count * (7 if unit == "w" else 1))
        else:
            at = start.year * 12 + start.month - 1 + count * _MONTHS[unit]
            end = start.replace(year=at // 12, month=at % 12 + 1, day=1)
            end = end.replace(day=min(start.day, _days_in(end)))
    except (ValueError, OverflowError):
        return FOREVER_MS
    return _ms(end) if end.year < _YEAR_LAST and _ms(end) > start_ms else FOREVER_MS


def _days_in(first: datetime) -> int:
    return ((first + timedelta(days=31)).replace(day=1) - timedelta(days=1)).day


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
