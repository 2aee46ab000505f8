"""Backoff: jittered pauses, every form of Retry-After, and how long keys rest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.routing import cooldown_limited_s, read_retry_after_s, retry_pause_s
from asbru.routing.backoff import COOLDOWN_LIMITED_S_DEFAULT, COOLDOWN_LIMITED_S_MAX

NOW_S = 1_770_000_000.0  # 2026-02-02T02:40:00Z


@given(st.integers(0, 64), st.floats(0.01, 5), st.floats(0.01, 60), st.floats(0, 1, exclude_max=True))
def test_a_pause_lies_in_its_window(attempt: int, initial_s: float, max_s: float, chance: float) -> None:
    """Full jitter: from nothing to the doubled window, never over the cap."""
    pause_s = retry_pause_s(attempt, initial_s, max_s, chance)
    assert 0.0 <= pause_s <= min(initial_s * 2**attempt, max_s)


def test_the_window_doubles_up_to_its_cap() -> None:
    """By the defaults: quarter, half, one, two, four, then five seconds."""
    windows = [retry_pause_s(attempt, 0.25, 5.0, 1.0) for attempt in range(7)]
    assert windows == [0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert retry_pause_s(3, 0.25, 5.0, 0.0) == 0.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"7", 7.0),
        (b" 7 ", 7.0),
        (b"0", 0.0),
        (b"0.5", 0.5),
        (b"1e2", 100.0),
        (b"Mon, 02 Feb 2026 02:40:30 GMT", 30.0),
        (b"Mon, 02 Feb 2026 02:39:00 GMT", None),
        (b"", None),
        (b"soon", None),
        (b"-1", None),
        (b"nan", None),
        (b"inf", None),
        (b"1e999", None),
        (b"Mon, 99 Feb 2026 02:40:30 GMT", None),
        (b"\xff\x00", None),
    ],
)
def test_retry_after_in_every_form(value: bytes, seconds: float | None) -> None:
    """Seconds or a date (RFC 9110, 10.2.3); what makes no sense is as if it were absent."""
    assert read_retry_after_s(value, NOW_S) == seconds


@given(st.binary(max_size=40) | st.text("0123456789: GMTJanFeb,+-eE._", max_size=40).map(str.encode))
def test_retry_after_never_raises(value: bytes) -> None:
    """Whatever a provider sends is a number that can be waited, or nothing."""
    seconds = read_retry_after_s(value, NOW_S)
    assert seconds is None or 0.0 <= seconds < float("inf")


def test_a_limited_key_rests_at_most_a_minute() -> None:
    """As long as the provider said, capped; a moment where it said nothing."""
    assert cooldown_limited_s(None) == COOLDOWN_LIMITED_S_DEFAULT
    assert cooldown_limited_s(7.5) == 7.5
    assert cooldown_limited_s(3600.0) == COOLDOWN_LIMITED_S_MAX == 60.0


@pytest.mark.parametrize(
    ("milliseconds", "seconds"),
    [(b"7000", 7.0), (b"250", 0.25), (b"", 3.0), (b"soon", 3.0), (b"-1", 3.0), (b"nan", 3.0), (b"inf", 3.0)],
)
def test_retry_after_ms_wins(milliseconds: bytes, seconds: float) -> None:
    """The exact header counts where it makes sense, else the other."""
    assert read_retry_after_s(b"3", NOW_S, milliseconds) == seconds
