"""Rows, ratios and bars from windows made by hand."""

import json

from bench.window import Window

from bench import bars, plan, report, results

HISTOGRAM = {"count": 1000, "p50": 0.0, "p90": 0.0, "p99": 0.0, "p999": 0.0, "max": 0.0, "mean": 0.0}


def window(target: str, measure: str, number: int, *, cpu_us: float, p50: float, failed: int = 0) -> Window:
    """A window of 1,000 answers in one second, p99 three times its p50."""
    histogram = {**HISTOGRAM, "p50": p50, "p99": 3 * p50}
    load = {
        "count": 1000,
        "seconds": 1.0,
        "rps": 1000.0 if measure != "hold_5k" else 5000.0,
        "errors": {"status": failed} if failed else {},
        "failed": failed,
        "latency": histogram,
        "latency_intended": histogram,
        "ttft": histogram,
        "late": histogram,
    }
    return Window(target, measure, number, load, int(cpu_us * 1e6), 0, 50.0 + number)


def seen(target: str, *, cpu_us: float, p50: float, failed: int = 0) -> results.Seen:
    """A target seen in three rounds of every measure, beside a direct that took 100 us."""
    found = results.Seen(target, 64)
    for measure in plan.measures(quick=True):
        if measure.only and measure.only != target:
            continue
        for number in range(3):
            found.windows[measure.name].append(
                window(target, measure.name, number, cpu_us=cpu_us + number, p50=p50, failed=failed)
            )
            found.direct[measure.name].append(window("direct", measure.name, number, cpu_us=0, p50=100))
    found.rss_idle_mb = 40.0
    return found


def rows() -> list[results.Row]:
    """asbru at half of Envoy's cost, LiteLLM far away."""
    litellm = seen("litellm", cpu_us=10_000, p50=50_000)
    litellm.rss_idle_mb = 400.0
    every = [
        seen("asbru", cpu_us=30, p50=150),
        seen("envoy", cpu_us=60, p50=200),
        seen("nginx", cpu_us=20, p50=120),
    ]
    return [results.row(one) for one in [*every, litellm]]


def test_a_row_has_the_promised_fields_and_is_json() -> None:
    """Every row carries the fields consumers read, by exact name, and can be written."""
    for row in rows():
        assert set(results.ROW_FIELDS) <= row.keys()
        json.dumps(row)


def test_a_row_is_made_of_medians() -> None:
    """CPU is the median round, added latency target minus direct, a chunk the stream's share."""
    row = rows()[0]
    assert row["cpu_us_per_request"] == 31.0
    assert row["cpu_us_per_chunk"] == 0.6
    assert row["added_p50_us"] == 50.0
    assert row["added_p99_us"] == 150.0
    assert row["added_at"] == "5k"
    assert row["ttft_added_us"] == 50.0
    assert row["rss_peak_mb"] == 52.0
    assert row["errors"] == 0
    assert row["spread"] == 0.065
    assert row["rounds"]["cpu_us_per_request"] == [30.0, 31.0, 32.0]  # type: ignore[index]  # a row is JSON


def test_errors_are_summed_and_named() -> None:
    """Errors of all windows add up, and their kinds say in which measure they happened."""
    row = results.row(seen("nginx", cpu_us=20, p50=120, failed=2))
    measures = [measure for measure in plan.measures(quick=True) if not measure.only]
    assert row["errors"] == 2 * 3 * len(measures)
    assert row["errors_by_kind"]["saturated: status"] == 6  # type: ignore[index]  # a row is JSON


def test_a_target_that_was_not_paced_falls_back() -> None:
    """Without the paced rates the main fields hold what one connection saw, and say so."""
    slow = seen("litellm", cpu_us=10_000, p50=5_000)
    for name in ("5k", "1k", "ttft_1k", "ttft_5k"):
        slow.windows.pop(name)
    row = results.row(slow)
    assert row["added_at"] == "c1"
    assert row["ttft_added_at"] == "c1"
    assert row["added_p50_us_5k"] is None


def test_ratios_compare_like_with_like() -> None:
    """Ratios exist where both were measured, and main latency fields only when taken at the same rate."""
    found = rows()
    envoy = results.ratios(found)["asbru/envoy"]
    assert envoy["cpu_us_per_request"] == round(31 / 61, 4)
    assert envoy["added_p50_us"] == 0.5
    assert "errors" not in envoy
    found[3]["added_at"] = "c1"
    assert "added_p50_us" not in results.ratios(found)["asbru/litellm"]


def test_bars_pass_and_fail() -> None:
    """Each bar is computed from the rows, in both directions."""
    by_name = {str(bar["name"]): bar for bar in bars.bars(rows())}
    assert by_name["CPU per request saturated, x Envoy"]["pass"] is True
    assert by_name["CPU per request, LiteLLM over asbru"]["pass"] is True
    assert by_name["memory idle, x LiteLLM"]["value"] == 0.1
    assert by_name["memory peak, x LiteLLM"]["pass"] is False
    assert by_name["5,000 requests/s held with zero failures"]["pass"] is True
    assert by_name["errors, all targets"]["pass"] is True


def test_a_tie_within_the_spread_passes() -> None:
    """A figure above Envoy's passes within the larger interquartile range, and fails beyond it."""
    found = rows()
    found[0]["added_p99_us_5k"], found[1]["added_p99_us_5k"] = 320.0, 300.0
    found[1]["iqr_us"] = {"added_p99_us_5k": 25.0}
    name = "added_p99_us_5k at most Envoy's (ties within the spread pass)"
    assert {str(bar["name"]): bar for bar in bars.bars(found)}[name]["pass"] is True
    found[0]["added_p99_us_5k"] = 330.0
    assert {str(bar["name"]): bar for bar in bars.bars(found)}[name]["pass"] is False


def test_bars_without_a_side_are_open() -> None:
    """A bar whose other side is absent is neither passed nor failed."""
    found = bars.bars(rows()[:1])
    assert all(bar["pass"] is None for bar in found if "Envoy" in str(bar["name"]))


def test_the_report_fills_the_readme() -> None:
    """The report holds every target, and replaces what stands between the markers and nothing else."""
    found = rows()
    meta = {"mode": "quick", "date": "2026-11-02", "cores": 2, "cpu": "x", "kernel": "6", "python": "3.11"}
    meta |= {
        "commit": "abc",
        "seconds": 200.0,
        "versions": {"asbru": "0.1.0"},
        "absent": {"portkey": "no npm"},
    }
    document = {"meta": meta, "rows": found, "ratios": results.ratios(found), "bars": bars.bars(found)}
    text = report.markdown(document)
    assert "Absent: portkey: no npm" in text
    assert "| asbru " in text
    filled = report.fill(f"top\n{report.BEGIN}\nold\n{report.END}\nend\n", text)
    assert filled.startswith("top\n") and filled.endswith("\nend\n") and "old" not in filled


def test_calls_of_tools_have_bars_and_a_table() -> None:
    """The gateway against its limit and against the SDK; a side that is missing leaves a bar open."""
    called: list[results.Row] = [
        {"target": "asbru", "cpu_us_per_tool_call": 200.0},
        {"target": "sdk", "cpu_us_per_tool_call": 900.0},
    ]
    assert [(bar["value"], bar["pass"]) for bar in bars.tool_bars(called)] == [(200.0, True), (4.5, False)]
    assert [(bar["value"], bar["pass"]) for bar in bars.tool_bars(called[:1])] == [(200.0, True), (None, None)]
    found = rows()
    meta = {"mode": "quick", "date": "2026-11-02", "cores": 2, "cpu": "x", "kernel": "6", "python": "3.11"}
    meta |= {"commit": "abc", "seconds": 200.0, "versions": {}, "absent": {}}
    document = {"meta": meta, "rows": found, "tool_calls": called, "ratios": {}, "bars": []}
    assert "| sdk " in report.markdown(document)
