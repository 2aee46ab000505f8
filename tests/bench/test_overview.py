"""The benchmark of the overview: it asks what the page asks, and its table says what is over the bars."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from bench.window import Window

from asbru.records.rollups.overview import BY, FILTERS
from bench import overview

RANGES_TS = Path(__file__).parents[2] / "ui" / "src" / "kit" / "ranges.ts"


def test_it_asks_for_the_ranges_of_the_page() -> None:
    """All that the page offers, with the steps that it asks for."""
    source = RANGES_TS.read_text()
    assert set(re.findall(r'\["(\w+)", "Last', source)) <= overview.RANGES.keys()
    (steps,) = re.findall(r"STEPS_S = \[([\d, ]+)\]", source)
    assert tuple(map(int, steps.split(","))) == overview._STEPS_S
    assert [overview.step_s(overview.RANGES[name]) for name in ("1h", "24h", "30d", "90d")] == [
        60,
        900,
        21_600,
        86_400,
    ]


def test_it_asks_by_every_dimension() -> None:
    """Each dimension is asked for over each range, and filters are those that there are."""
    asked = [parse_qs(urlsplit(path).query) for path in overview.questions().values()]
    assert {one["by"][0] for one in asked} == set(BY)
    assert {name for one in asked for name in one} <= {"since_ms", "until_ms", "step_s", "by", *FILTERS}
    assert len(asked) == len(overview.RANGES) * len(overview.SHOWN)


def window(p99: float) -> Window:
    """One with this p99."""
    return Window("t", "m", 0, {"count": 10, "latency": {"p50": 1.0, "p99": p99}}, 1000, 0, 0.0)


def test_the_table_says_what_is_too_slow() -> None:
    """A question over the bar is counted; windows before the turns do not count for p99."""
    found = overview.Found({"a": [10.0] * 20, "b": [400.0] * 20})
    found.windows = {
        "warm": [window(9000)],
        "asked without a pause": [window(700)],
        overview.ALONE: [window(100)] * 12,
        overview.ASKED: [window(110)] * 12,
    }
    told = overview.table(found)
    assert "p95 of all questions 400 ms, at most 300; 1 questions are slower" in told
    assert "p99 of calls rises by +10.0%" in told and "at most 5%: no" in told and "warm" not in told


@pytest.mark.parametrize(
    ("rises", "verdict"),
    [
        ([0.0] * 10 + [0.9] * 2, "yes"),
        ([0.2] * 10 + [0.0] * 2, "no"),
        ([0.0] * 6 + [0.2] * 6, "these turns cannot tell"),
    ],
)
def test_the_rise_is_judged_by_its_interval(rises: list[float], verdict: str) -> None:
    """Turn by turn, so that a slow minute of the machine counts for both windows; a few odd turns decide nothing."""
    alone = [100.0 * (1 + turn) for turn in range(len(rises))]
    windows = {
        overview.ALONE: [window(one) for one in alone],
        overview.ASKED: [window(one * (1 + rise)) for one, rise in zip(alone, rises, strict=True)],
    }
    told = overview.rise_of(overview.Found({}, windows))
    assert f"at most 5%: {verdict}" in told, told


def test_neighbouring_windows_tell_the_noise() -> None:
    """Those without a page that follow each other, of two turns."""
    p99s = [100.0, 110.0, 500.0, 400.0] * 3
    windows = {name: [window(one) for one in p99s] for name in (overview.ALONE, overview.ASKED)}
    told = overview.rise_of(overview.Found({}, windows))
    assert "two neighbouring windows without a page differ by 15.0% (median), at most 20.0%" in told
    assert overview.rise_of(overview.Found({}, {name: some[:3] for name, some in windows.items()})) == [
        "p99 of calls: too few turns (3) to say how it changes"
    ]
