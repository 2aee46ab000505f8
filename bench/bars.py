"""The bars of the project, computed from the rows: each says its limit, what was seen, and whether it passes.

No test asserts them; the benchmark prints them. `value` and `pass` are None when a side was not measured.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench import stats
from bench.plan import HELD_STREAMS
from bench.results import Row

RSS_PEAK_MB_MAX = 100.0
GOVERNED_RSS_PEAK_MB_MAX = 160.0
_GOVERNED = "asbru_governed"
_TRACED = "asbru_traced"
_OF_TRACED = "traced at 1 percent, CPU per request"
_HOLD_RATE_SHARE_MIN = 0.995
TOOL_CALL_US_MAX = 250.0
SDK_RATIO_MIN = 5.0
TRANSLATED_RATIO_MAX = 3.0
TRANSLATED_CHUNK_US_MAX = 60.0


@dataclass(frozen=True)
class RatioBar:
    """asbru's field over the other's must be at most `limit` (or, `at_least`, the other way round). `mine`: the row
    that is judged."""

    name: str
    other: str
    field: str
    limit: float
    at_least: bool = False
    mine: str = "asbru"


RATIO_BARS = (
    RatioBar("CPU per request at 5,000/s, x Envoy", "envoy", "cpu_us_per_request_5k", 1.0),
    RatioBar("CPU per request saturated, x Envoy", "envoy", "cpu_us_per_request", 1.05),
    RatioBar("CPU per request saturated, x nginx", "nginx", "cpu_us_per_request", 2.3),
    RatioBar("CPU per streamed chunk, x Envoy", "envoy", "cpu_us_per_chunk", 0.8),
    RatioBar("CPU per request, TLS upstream, x Envoy with TLS", "envoy", "cpu_us_per_request_tls", 1.2),
    RatioBar("CPU per request, LiteLLM over asbru", "litellm", "cpu_us_per_request", 100.0, at_least=True),
    RatioBar("added p99, one connection, x LiteLLM", "litellm", "added_p99_us_c1", 1 / 54),
    RatioBar("memory idle, x LiteLLM", "litellm", "rss_idle_mb", 0.32),
    RatioBar("memory peak, x LiteLLM", "litellm", "rss_peak_mb", 0.32),
    RatioBar("governed, CPU per request at 5,000/s, x Envoy", "envoy", "cpu_us_per_request_5k", 1.0, mine=_GOVERNED),
    RatioBar("governed, CPU per request saturated, x Envoy", "envoy", "cpu_us_per_request", 1.0, mine=_GOVERNED),
    RatioBar(f"{_OF_TRACED} at 5,000/s, x asbru", "asbru", "cpu_us_per_request_5k", 1.1, mine=_TRACED),
    RatioBar(f"{_OF_TRACED} saturated, x asbru", "asbru", "cpu_us_per_request", 1.1, mine=_TRACED),
)

# Not above Envoy's; a difference within the larger of the two interquartile ranges is a tie and passes.
TIE_FIELDS = (
    "added_p50_us_1k",
    "added_p99_us_1k",
    "added_p50_us_5k",
    "added_p99_us_5k",
    "ttft_added_us_1k",
    "ttft_added_us_5k",
)


def _number(row: Row | None, field: str) -> float | None:
    value = None if row is None else row.get(field)
    return float(value) if isinstance(value, float | int) else None


def bar(name: str, limit: object, value: object, passed: bool | None) -> dict[str, object]:
    """One line of the bars table."""
    return {"name": name, "limit": limit, "value": value, "pass": passed}


def _ratio_bar(rule: RatioBar, rows: Mapping[str, Row]) -> dict[str, object]:
    mine, other = _number(rows.get(rule.mine), rule.field), _number(rows.get(rule.other), rule.field)
    value = stats.ratio(other, mine) if rule.at_least else stats.ratio(mine, other)
    limit = round(rule.limit, 4)
    if value is None:
        return bar(rule.name, limit, None, None)
    passed = value >= rule.limit if rule.at_least else value <= rule.limit
    return bar(rule.name, limit, round(value, 4), passed)


def _iqr(row: Row, field: str) -> float:
    ranges = row.get("iqr_us")
    value = ranges.get(field) if isinstance(ranges, dict) else None
    return float(value) if value is not None else 0.0


def _tie_bar(field: str, rows: Mapping[str, Row]) -> dict[str, object]:
    name = f"{field} at most Envoy's (ties within the spread pass)"
    mine, other = _number(rows.get("asbru"), field), _number(rows.get("envoy"), field)
    if mine is None or other is None:
        return bar(name, other, mine, None)
    allowance = max(_iqr(rows["asbru"], field), _iqr(rows["envoy"], field))
    return bar(name, other, mine, mine <= other + allowance)


def _hold_bar(row: Row | None) -> dict[str, object]:
    name = "5,000 requests/s held with zero failures"
    hold = None if row is None else row.get("hold_5k")
    if not isinstance(hold, dict):
        return bar(name, 5000, None, None)
    passed = hold["failed"] == 0 and hold["rps"] >= 5000 * _HOLD_RATE_SHARE_MIN
    return bar(name, 5000, hold["rps"], passed)


def _memory_bar(name: str, limit: float, row: Row | None) -> dict[str, object]:
    peak = _number(row, "rss_peak_mb")
    return bar(name, limit, peak, None if peak is None else peak <= limit)


def bars(rows: Sequence[Row]) -> list[dict[str, object]]:
    """All bars, in the order of the issue's list."""
    by_name = {str(row["target"]): row for row in rows}
    asbru = by_name.get("asbru")
    result = [_ratio_bar(rule, by_name) for rule in RATIO_BARS[:5]]
    result += [_tie_bar(field, by_name) for field in TIE_FIELDS]
    result += [_ratio_bar(rule, by_name) for rule in RATIO_BARS[5:]]
    result.append(_memory_bar("rss_peak_mb of the whole tree", RSS_PEAK_MB_MAX, asbru))
    governed = "governed, rss_peak_mb of the whole tree with the control process"
    result.append(_memory_bar(governed, GOVERNED_RSS_PEAK_MB_MAX, by_name.get(_GOVERNED)))
    result.append(_hold_bar(asbru))
    held = _number(asbru, "streams_held")
    result.append(bar("streams held of 512", HELD_STREAMS, held, None if held is None else held == HELD_STREAMS))
    failed = sum(int(_number(row, "errors") or 0) for row in rows)
    result.append(bar("errors, all targets", 0, failed, failed == 0))
    return result


def tool_bars(rows: Sequence[Row]) -> list[dict[str, object]]:
    """The bars of proxied calls of tools."""
    by_name = {str(row["target"]): row for row in rows}
    mine, sdk = (_number(by_name.get(name), "cpu_us_per_tool_call") for name in ("asbru", "sdk"))
    value = stats.ratio(sdk, mine)
    return [
        bar(
            "CPU us per proxied tools/call",
            TOOL_CALL_US_MAX,
            mine,
            None if mine is None else mine <= TOOL_CALL_US_MAX,
        ),
        bar(
            "CPU per proxied tools/call, official SDK over asbru",
            SDK_RATIO_MIN,
            None if value is None else round(value, 4),
            None if value is None else value >= SDK_RATIO_MIN,
        ),
    ]


def translated_bars(rows: Sequence[Row], translated: Sequence[Row]) -> list[dict[str, object]]:
    """The bars of translation, by the dearest pair of dialects. A passed call is asbru's, with sockets and kernel, and
    a translated one costs as much more than that as it does in process."""
    passed_us = _number({str(row["target"]): row for row in rows}.get("asbru"), "cpu_us_per_request")
    pairs = {f"{row['caller']} to {row['provider']}": row for row in translated if row["caller"] != row["provider"]}
    chunks = {name: _number(row, "us_per_chunk") or 0.0 for name, row in pairs.items()}
    more = {name: _number(row, "more_us") or 0.0 for name, row in pairs.items()}
    calls = {name: round(1 + us / passed_us, 2) for name, us in more.items()} if passed_us else {}
    return [
        _dearest("a translated call of 10 KB, x a passed one", calls, TRANSLATED_RATIO_MAX),
        _dearest("CPU us per translated chunk", chunks, TRANSLATED_CHUNK_US_MAX),
    ]


def _dearest(words: str, seen: Mapping[str, float], limit: float) -> dict[str, object]:
    if not seen:
        return bar(words, limit, None, None)
    name = max(seen, key=lambda pair: seen[pair])
    return bar(f"{words}, dearest pair: {name}", limit, seen[name], seen[name] <= limit)
