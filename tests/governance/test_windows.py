"""Windows: where they begin and end, in every unit, over changes of the clocks, and how long a bucket counts."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.governance.windows import FOREVER_MS, bucket, fixed_window, length_ms, overlap_ms

BERLIN = "Europe/Berlin"
HOUR_MS = 3_600_000


def ms(text: str, zone: str = "UTC") -> int:
    """A moment in words."""
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("window", "now", "start_and_end"),
    [
        ("30s", "2026-11-27T13:10:44", ("2026-11-27T13:10:30", "2026-11-27T13:11:00")),
        ("15m", "2026-11-27T13:10:44", ("2026-11-27T13:00:00", "2026-11-27T13:15:00")),
        ("6h", "2026-11-27T13:10:44", ("2026-11-27T12:00:00", "2026-11-27T18:00:00")),
        ("1d", "2026-11-27T13:10:44", ("2026-11-27T00:00:00", "2026-11-28T00:00:00")),
        ("1w", "2026-11-27T13:10:44", ("2026-11-23T00:00:00", "2026-11-30T00:00:00")),
        ("1M", "2026-12-31T23:59:59", ("2026-12-01T00:00:00", "2027-01-01T00:00:00")),
        ("1Q", "2026-11-27T13:10:44", ("2026-10-01T00:00:00", "2027-01-01T00:00:00")),
        ("1Y", "2026-11-27T13:10:44", ("2026-01-01T00:00:00", "2027-01-01T00:00:00")),
    ],
)
@pytest.mark.parametrize("zone", ["UTC", BERLIN, "Asia/Kolkata"])
def test_calendar(window: str, now: str, start_and_end: tuple[str, str], zone: str) -> None:
    """Aligned windows begin and end with the calendar of their zone."""
    found = fixed_window(window, ms(now, zone), zone)
    start, end = (ms(moment, zone) for moment in start_and_end)
    assert (found.start_ms, found.until_ms, found.ends_ms) == (start, end, end)


@pytest.mark.parametrize(
    ("now", "hours"), [("2026-03-29T12:00:00", 23), ("2026-10-25T12:00:00", 25), ("2026-11-27T12:00:00", 24)]
)
def test_days_follow_the_clocks(now: str, hours: int) -> None:
    """A day on which clocks change is a day, of 23 or 25 hours."""
    found = fixed_window("1d", ms(now, BERLIN), BERLIN)
    assert found.ends_ms - found.start_ms == hours * HOUR_MS
    assert found.start_ms == ms(now[:10] + "T00:00:00", BERLIN)


def test_hours_are_lengths_of_time() -> None:
    """The hour that comes twice is two windows, each of an hour."""
    first = fixed_window("1h", ms("2026-10-25T02:30:00", BERLIN), BERLIN)
    second = fixed_window("1h", ms("2026-10-25T02:30:00", BERLIN) + HOUR_MS, BERLIN)
    assert first.ends_ms == second.start_ms and second.ends_ms - second.start_ms == HOUR_MS


@pytest.mark.parametrize(
    ("window", "now", "end"),
    [
        ("1h", "2026-11-27T13:10:44", "2026-11-27T14:10:44"),
        ("1M", "2026-01-31T10:00:00", "2026-02-28T10:00:00"),
        ("1Y", "2028-02-29T10:00:00", "2029-02-28T10:00:00"),
    ],
)
def test_rolling(window: str, now: str, end: str) -> None:
    """Other windows begin now; a month ends on the same day of the next, or on its last."""
    found = fixed_window(window, ms(now))
    assert (found.start_ms, found.ends_ms) == (ms(now), ms(end))


def test_the_end_of_time() -> None:
    """A window too long for a calendar does not end."""
    assert fixed_window("99999Y", ms("2026-11-27T13:10:44")).ends_ms == FOREVER_MS
    assert fixed_window("99999Y", ms("2026-11-27T13:10:44"), "UTC").ends_ms == FOREVER_MS


UNITS = st.sampled_from("smhdwMQY")
TIMES = st.integers(ms("1971-01-01"), ms("2200-01-01"))


@given(
    count=st.integers(1, 400),
    unit=UNITS,
    now=TIMES,
    zone=st.sampled_from([None, "UTC", BERLIN, "America/St_Johns", "Pacific/Apia"]),
)
def test_now_lies_in_its_window(count: int, unit: str, now: int, zone: str | None) -> None:
    """Whatever the length, moment and zone: the window has begun and has not ended."""
    found = fixed_window(f"{count}{unit}", now, zone)
    assert found.start_ms <= now < found.ends_ms


@given(count=st.integers(1, 400), unit=UNITS, now=TIMES, later_ms=st.integers(0, 400 * 366 * 86_400_000))
def test_a_bucket_counts_for_a_window_after_its_last_use(count: int, unit: str, now: int, later_ms: int) -> None:
    """What is used at the last moment of a bucket still counts less than a window later, and not much longer."""
    window = f"{count}{unit}"
    found = bucket(window, now)
    length = length_ms(window)
    over_ms = found.until_ms - overlap_ms(window)
    width = over_ms - found.start_ms
    assert found.start_ms <= now < over_ms and width <= max(1, length // 60)
    assert found.until_ms + length <= found.ends_ms <= found.start_ms + length + 2 * width
    then = bucket(window, now + later_ms)
    assert (then.start_ms == found.start_ms) == (now + later_ms < over_ms)
