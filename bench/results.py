"""From windows to the results: one row per target, ratios between them. Pure arithmetic on windows."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bench import stats
from bench.plan import STREAM_EVENTS
from bench.window import Window

RATIOS = (
    "asbru/envoy",
    "asbru_governed/envoy",
    "asbru_governed/asbru",
    "asbru_traced/asbru",
    "asbru/nginx",
    "asbru/litellm",
    "asbru/uvicorn_aiohttp",
    "asbru/portkey",
)
RATES = ("5k", "1k", "c1")
ROW_FIELDS = (
    "target",
    "cpu_us_per_request",
    "cpu_us_per_chunk",
    "added_p50_us",
    "added_p99_us",
    "ttft_added_us",
    "rps_saturated",
    "rps_at_20ms",
    "rss_idle_mb",
    "rss_peak_mb",
    "streams_held",
    "errors",
    "spread",
)
_NO_RATIO = frozenset({"target", "errors", "spread", "cpu_vanished_windows", "connections"})

Row = dict[str, object]


@dataclass
class Seen:
    """All seen of one target: its windows by measure, the direct windows of its group, its memory at rest."""

    target: str
    connections: int
    windows: dict[str, list[Window]] = field(default_factory=lambda: defaultdict(list))
    direct: dict[str, list[Window]] = field(default_factory=lambda: defaultdict(list))
    rss_idle_mb: float | None = None
    pss_idle_mb: float | None = None
    pss_end_mb: float | None = None

    def numbers(self, measure: str, of: Callable[[Window], float | None]) -> list[float]:
        """One figure of every round of a measure, rounds without it left out."""
        return [value for window in self.windows.get(measure, ()) if (value := of(window)) is not None]

    def added(self, measure: str, group: str, name: str) -> list[float]:
        """Target minus direct, round by round."""
        pick: Callable[[Window], float | None] = lambda window: window.value(group, name)  # noqa: E731 -- shorter than a function
        mine, direct = self.windows.get(measure, ()), self.direct.get(measure, ())
        return stats.differences([pick(w) for w in mine], [pick(w) for w in direct])


def _cpu(window: Window) -> float | None:
    return window.cpu_us


def _cpu_per_chunk(window: Window) -> float | None:
    return None if window.cpu_us is None else window.cpu_us / STREAM_EVENTS


def _rps(window: Window) -> float | None:
    return float(window.load["rps"])  # type: ignore[arg-type]  # the report is JSON


def _series(seen: Seen) -> dict[str, Sequence[float]]:
    """Every figure that has rounds, as the list of its rounds: medians and spreads come from one list."""
    series: dict[str, Sequence[float]] = {
        "cpu_us_per_request": seen.numbers("saturated", _cpu),
        "cpu_us_per_request_5k": seen.numbers("5k", _cpu),
        "cpu_us_per_request_1k": seen.numbers("1k", _cpu),
        "cpu_us_per_request_tls": seen.numbers("tls", _cpu),
        "cpu_us_per_request_new_heads": seen.numbers("new_heads", _cpu),
        "cpu_us_per_request_translated": seen.numbers("translated", _cpu),
        "cpu_us_per_chunk": seen.numbers("chunk", _cpu_per_chunk),
        "rps_saturated": seen.numbers("saturated", _rps),
        "rps_at_20ms": seen.numbers("at_20ms", _rps),
        "translated_rps": seen.numbers("translated", _rps),
        "token_late_added_p99_us": seen.added("chunk", "late", "p99"),
        "ttft_added_us_100_streams": seen.added("chunk", "ttft", "p50"),
    }
    for rate in RATES:
        for q in ("p50", "p99"):
            series[f"added_{q}_us_{rate}"] = seen.added(rate, "latency", q)
            series[f"{q}_us_{rate}"] = seen.numbers(rate, lambda w, q=q: w.value("latency", q))
            series[f"added_{q}_us_{rate}_intended"] = seen.added(rate, "latency_intended", q)
        series[f"ttft_added_us_{rate}"] = seen.added(f"ttft_{rate}", "ttft", "p50")
        series[f"ttft_added_p99_us_{rate}"] = seen.added(f"ttft_{rate}", "ttft", "p99")
    for size in ("image", "prompt", "embeddings", "upload"):
        series[f"{size}_cpu_ms"] = [value / 1e3 for value in seen.numbers(size, _cpu)]
        series[f"{size}_p50_ms"] = [value / 1e3 for value in seen.numbers(size, lambda w: w.value("latency", "p50"))]
    return series


def _first(row: Row, names: Sequence[str]) -> tuple[object, str | None]:
    """The first of these fields that was measured, and what its name ends in."""
    for name in names:
        if row.get(name) is not None:
            return row[name], name.rsplit("_", 1)[1]
    return None, None


def _errors(seen: Seen) -> dict[str, int]:
    by_kind: dict[str, int] = defaultdict(int)
    for measure, windows in seen.windows.items():
        for window in windows:
            for kind, count in window.errors.items():
                by_kind[f"{measure}: {kind}"] += count
    return dict(by_kind)


def _hold(seen: Seen) -> dict[str, object] | None:
    """The long hold at 5,000 a second: what was asked, what came, and what it cost."""
    windows = seen.windows.get("hold_5k")
    if not windows:
        return None
    window = windows[0]
    return {
        "rate": 5000,
        "seconds": window.load["seconds"],
        "rps": window.load["rps"],
        "failed": window.load["failed"],
        "p50_us": window.value("latency", "p50"),
        "p99_us": window.value("latency", "p99"),
        "p99_us_intended": window.value("latency_intended", "p99"),
        "cpu_us_per_request": stats.rounded(window.cpu_us, 1),
    }


def row(seen: Seen) -> Row:
    """The row of one target. Main latency fields hold 5,000/s where it can be carried, else 1,000/s, else one
    connection; `added_at` and `ttft_added_at` say which. First-token time is taken at 1,000/s first."""
    series = _series(seen)
    result: Row = dict.fromkeys(ROW_FIELDS)
    result["target"] = seen.target
    proxied = seen.target != "direct"
    for name, values in series.items():
        if proxied or not name.startswith(
            ("cpu_", "added_", "ttft_added", "token_late", "image_cpu", "prompt_cpu", "embeddings_cpu", "upload_cpu")
        ):
            result[name] = stats.rounded(
                stats.median(values), 3 if name.startswith(("image", "prompt", "embeddings", "upload")) else 1
            )
    result["added_p50_us"], result["added_at"] = _first(result, [f"added_p50_us_{rate}" for rate in RATES])
    result["added_p99_us"], _ = _first(result, [f"added_p99_us_{rate}" for rate in RATES])
    order = [f"ttft_added_us_{rate}" for rate in ("1k", "c1")]
    result["ttft_added_us"], result["ttft_added_at"] = _first(result, order)
    held = [window.count for window in seen.windows.get("held", ())]
    result["streams_held"] = min(held) if held else None
    windows = [window for several in seen.windows.values() for window in several]
    peak = max((window.rss_peak_mb for window in windows), default=0.0)
    result["rss_peak_mb"] = stats.rounded(peak, 1) if proxied and peak else None
    for name in ("rss_idle_mb", "pss_idle_mb", "pss_end_mb"):
        result[name] = stats.rounded(getattr(seen, name), 1) if proxied else None
    errors = _errors(seen)
    result["errors"], result["errors_by_kind"] = sum(errors.values()), errors
    main = series["cpu_us_per_request" if proxied else "rps_saturated"]
    result["spread"] = stats.rounded(stats.relative_range(main))
    result["spreads"] = {
        name: stats.rounded(stats.relative_range(values)) for name, values in series.items() if values
    }
    result["rounds"] = {
        name: [stats.rounded(value, 2) for value in values]
        for name, values in series.items()
        if name.startswith("cpu_us_per_") and values
    }
    result["iqr_us"] = {
        name: stats.rounded(stats.interquartile(values), 1)
        for name, values in series.items()
        if values and ("added_p" in name or name.startswith("ttft_added"))
    }
    peaks = {name: max(window.rss_peak_mb for window in several) for name, several in seen.windows.items()}
    result["rss_peak_mb_by_measure"] = {name: stats.rounded(value, 1) for name, value in peaks.items() if value}
    result["connections"] = seen.connections
    result["cpu_vanished_windows"] = sum(1 for window in windows if window.vanished)
    result["hold_5k"] = _hold(seen)
    return result


def ratios(rows: Sequence[Row]) -> dict[str, dict[str, float]]:
    """Every figure two targets both have, as a ratio. Main latency fields only when taken at one rate."""
    by_name = {str(found["target"]): found for found in rows}
    result: dict[str, dict[str, float]] = {}
    for pair in RATIOS:
        left, right = (by_name.get(name) for name in pair.split("/"))
        if left is None or right is None:
            continue
        unlike = {"added_p50_us", "added_p99_us"} if left["added_at"] != right["added_at"] else set()
        if left["ttft_added_at"] != right["ttft_added_at"]:
            unlike.add("ttft_added_us")
        result[pair] = {}
        for name, value in left.items():
            other = right.get(name)
            if name in _NO_RATIO or name in unlike or not isinstance(value, float | int):
                continue
            found = stats.ratio(value, other) if isinstance(other, float | int) else None
            if found is not None:
                result[pair][name] = round(found, 4)
    return result
