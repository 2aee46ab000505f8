"""Tables from a result document, for people: printed after a run, put into the README between its markers.

`python -m bench.report FILE` prints; with `--readme` it also rewrites the table of `bench/README.md`.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.rig import ROOT

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
README = ROOT / "bench" / "README.md"

# (heading, fields): each becomes a table with one line per target.
TABLES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Cost",
        (
            "cpu_us_per_request",
            "cpu_us_per_request_5k",
            "cpu_us_per_request_1k",
            "cpu_us_per_request_tls",
            "cpu_us_per_request_new_heads",
            "cpu_us_per_chunk",
            "rps_saturated",
            "rps_at_20ms",
            "spread",
            "errors",
        ),
    ),
    (
        "Added latency, us (target minus direct)",
        (
            "added_p50_us_c1",
            "added_p99_us_c1",
            "added_p50_us_1k",
            "added_p99_us_1k",
            "added_p50_us_5k",
            "added_p99_us_5k",
        ),
    ),
    (
        "First token and streams",
        (
            "ttft_added_us_c1",
            "ttft_added_p99_us_c1",
            "ttft_added_us_1k",
            "ttft_added_p99_us_1k",
            "ttft_added_us_5k",
            "token_late_added_p99_us",
            "streams_held",
        ),
    ),
    (
        "Memory, translation, large bodies",
        (
            "rss_idle_mb",
            "rss_peak_mb",
            "pss_idle_mb",
            "translated_rps",
            "cpu_us_per_request_translated",
            "image_cpu_ms",
            "image_p50_ms",
            "prompt_cpu_ms",
            "prompt_p50_ms",
            "embeddings_cpu_ms",
            "embeddings_p50_ms",
            "upload_cpu_ms",
            "upload_p50_ms",
        ),
    ),
)


def cell(value: object) -> str:
    """One figure as text: a dash for what was not measured, no more digits than it deserves."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def table(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table with columns padded, so that it also reads well on a terminal."""
    widths = [max(len(line[i]) for line in [heads, *lines]) for i in range(len(heads))]
    rows = [heads, ["-" * width for width in widths], *lines]
    return "\n".join(
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |" for row in rows
    )


def translated_table(rows: Sequence[dict[str, object]]) -> str:
    """Callers down, providers across: what a call costs more than one that passes through, and each chunk."""
    names = list(dict.fromkeys(str(row["caller"]) for row in rows))
    cells = {(row["caller"], row["provider"]): row for row in rows}

    def cost(caller: str, provider: str) -> str:
        row = cells[caller, provider]
        if caller == provider:
            return f"({row['cpu_us']} us)"
        return f"+{row['more_us']} us, {row['us_per_chunk']} us"

    return table(["caller, provider", *names], [[one, *(cost(one, other) for other in names)] for one in names])


def _ratio_table(ratios: dict[str, dict[str, float]]) -> str:
    names = (
        "cpu_us_per_request",
        "cpu_us_per_request_5k",
        "cpu_us_per_chunk",
        "added_p50_us_1k",
        "added_p99_us_1k",
    )
    names += ("added_p99_us_c1", "rss_idle_mb", "rss_peak_mb")
    lines = [[pair, *(cell(found.get(name)) for name in names)] for pair, found in ratios.items()]
    return table(["ratio", *names], lines)


def _hold_line(rows: list[dict[str, object]]) -> list[str]:
    holds = [row["hold_5k"] for row in rows if isinstance(row.get("hold_5k"), dict)]
    return [
        f"Held: {hold['rps']:,.0f}/s for {hold['seconds']:.0f} s, {hold['failed']} failed, "
        f"{hold['cpu_us_per_request']} us CPU per request, "
        f"p50 {hold['p50_us']:.0f} us, p99 {hold['p99_us']:.0f} us."
        for hold in holds
        if isinstance(hold, dict)
    ]


def markdown(document: dict) -> str:
    """The whole report: where and when, the tables, ratios, bars, and who is absent."""
    meta, rows = document["meta"], document["rows"]
    parts = [
        f"{meta['mode']} run of {meta['date'][:10]} on {meta['cores']} cores ({meta['cpu']}), "
        f"kernel {meta['kernel']}, Python {meta['python']}, "
        f"commit {meta['commit']}; {meta['seconds']:.0f} s.",
        "Versions: " + ", ".join(f"{name} {version}" for name, version in meta["versions"].items()) + ".",
    ]
    for heading, fields in TABLES:
        lines = [[str(row["target"]), *(cell(row.get(field)) for field in fields)] for row in rows]
        parts.append(f"**{heading}**\n\n" + table(["target", *fields], lines))
    if document.get("tool_calls"):
        fields = ("cpu_us_per_tool_call", "tool_calls_per_second", "spread", "failed")
        lines = [[str(row["target"]), *(cell(row.get(field)) for field in fields)] for row in document["tool_calls"]]
        parts.append("**Proxied `tools/call`**\n\n" + table(["target", *fields], lines))
    if document.get("translated"):
        parts.append("**Translated calls and chunks**\n\n" + translated_table(document["translated"]))
    if document["ratios"]:
        parts.append("**Ratios**\n\n" + _ratio_table(document["ratios"]))
    parts += _hold_line(rows)
    lines = [
        [str(bar["name"]), cell(bar["limit"]), cell(bar["value"]), cell(bar["pass"])] for bar in document["bars"]
    ]
    parts.append("**Bars**\n\n" + table(["bar", "limit", "seen", "pass"], lines))
    parts += [f"Absent: {name}: {reason}" for name, reason in meta["absent"].items()]
    return "\n\n".join(parts)


def fill(text: str, report: str) -> str:
    """The README with what stands between the markers replaced; ValueError when a marker is missing."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{report}\n\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Prints a result file, and fills the README when asked."""
    files = [argument for argument in arguments if not argument.startswith("--")]
    if len(files) != 1:
        print("usage: python -m bench.report [--readme] bench/results/full.json")
        return 2
    report = markdown(json.loads(Path(files[0]).read_text()))
    print(report)
    if "--readme" in arguments:
        README.write_text(fill(README.read_text(), report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
