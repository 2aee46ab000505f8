"""The instruction counter: reading its tools' output, and the arithmetic on two runs."""

import pytest
from bench.scenarios import SCENARIOS, bench_request

from bench import micro


def test_perf_output_is_read() -> None:
    """The count is found with its thousands marks; an unsupported event is no count."""
    assert micro.perf_count("\n     1,234,567      instructions:u      # 1.0 insn\n") == 1234567
    assert micro.perf_count("   <not supported>      instructions:u\n") is None


def test_callgrind_output_is_read() -> None:
    """The count stands in the totals line of the file, whichever of its two names it has."""
    assert micro.callgrind_count("events: Ir\nsummary: 42\n") == 42
    assert micro.callgrind_count("events: Ir\ntotals: 43\n") == 43
    assert micro.callgrind_count("nothing\n") is None


def test_start_up_cancels_out() -> None:
    """Two runs with the same start-up differ by their calls alone."""
    assert micro.per_call((1_000_000 + 500 * 30, 1_000_000 + 2_500 * 30), (500, 2_500)) == 30


def test_growth_is_flagged_above_the_limit() -> None:
    """5 % is allowed, more is flagged, and a scenario without a baseline is not judged."""
    assert micro.growth(106, 100) == pytest.approx(0.06)
    assert micro.growth(106, None) is None
    text = micro.table({"a": 106.0, "b": 104.0, "c": 9.0}, {"a": 100.0, "b": 100.0})
    assert [("GREW" in line) for line in text.splitlines()[2:]] == [True, False, False]


def test_every_scenario_runs() -> None:
    """Each scenario can be built and called, so that a count never is of an error."""
    for build in SCENARIOS.values():
        build()()


def test_the_request_is_whole() -> None:
    """The request on the wire has no place left open, and its length is right."""
    head, _, body = bench_request().partition(b"\r\n\r\n")
    assert b"{" not in head
    assert f"Content-Length: {len(body)}".encode() in head
    assert 1_600 < len(head) + len(body) < 1_800
