"""The benchmark of the overview: it asks what the page asks, and its table says what is over the bars."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

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


def test_the_table_says_what_is_too_slow() -> None:
    """A question over the bar is counted, and the rise of p99 is that of the medians."""

    def window(p99: float) -> Window:
        return Window("t", "m", 0, {"count": 10, "latency": {"p50": 1.0, "p99": p99}}, 1000, 0, 0.0)

    found = overview.Found({"a": [10.0] * 20, "b": [400.0] * 20})
    found.windows = {
        "warm": [window(9000)],
        "asked without a pause": [window(700)],
        "alone": [window(100), window(100), window(5000)],
        "asked each second": [window(110), window(110), window(90)],
    }
    told = overview.table(found)
    assert "p95 of all questions 400 ms, at most 300; 1 questions are slower" in told
    assert "p99 of calls rises by +10.0%" in told and "warm" not in told
