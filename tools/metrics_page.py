"""Writes docs/reference/metrics.md from asbru.telemetry.names; a test fails when the two differ.

python tools/metrics_page.py
"""

from __future__ import annotations

import sys
from pathlib import Path

from asbru.telemetry import names
from asbru.telemetry.metrics import OVERFLOW_SERIES_MAX, SERIES_MAX

PAGE = Path(__file__).resolve().parent.parent / "docs/reference/metrics.md"

HEAD = f"""# Metrics

<!-- Written by tools/metrics_page.py from src/asbru/telemetry/names.py: edit that. -->

`GET /metrics` answers in the Prometheus text format. Any worker may be asked: the bookkeeper adds up all of them.
Counters keep what workers counted that have ended since; when the bookkeeper is started again they start without the
workers that are gone by then. Gauges are of the workers that run; the one that is asked is up to date, the others to
within a second. When the bookkeeper does not answer within two seconds, the answer is a 503.

**Labels are bounded.** Each worker keeps at most {SERIES_MAX} kinds of call apart, and so does the sum. What comes
after is counted under `model="other", key="other"` ({OVERFLOW_SERIES_MAX} more at most, then one last series of nothing
but `other`), so totals stay right. Virtual keys are not a label: figures by caller are in the
[records](../guides/records.md).

Histograms have a bucket for each power of two microseconds, from half a millisecond to eighteen minutes.

| metric | kind | labels | unit | what it says |
|--|--|--|--|--|
"""

TAIL = f"""
Values of `bucket`: {", ".join(f"`{bucket}`" for bucket in names.TOKEN_BUCKETS)}. They never overlap: `output` leaves
out `reasoning`, except where a provider does not tell them apart.

Values of `outcome`: `ok`, `error`, `cut` (the upstream broke off), `cancelled` (the caller did), `refused` (by Asbru).

`status` of `asbru_attempts_total` is the provider's HTTP status, or, where it sent none that counts: `network`,
`protocol`, `deadline`, `cut`, `exhausted` (no credential could be had), `error` (told inside a stream), `cancelled`, or
the code of a refusal by Asbru. So is `reason` of `asbru_fallbacks_total`.

## Types of errors

{", ".join(f"`{name}`" for name in names.ERROR_TYPES)}. The list is closed. What a provider did begins with `upstream_`;
`refused` is an attempt that Asbru itself did not make.
"""


def page() -> str:
    """The page's text."""
    rows = [
        f"| `{metric.name}` | {metric.kind} | {', '.join(f'`{label}`' for label in metric.labels)} | {metric.unit} "
        f"| {metric.sentence} |\n"
        for metric in names.METRICS
    ]
    return HEAD + "".join(rows) + TAIL


def main() -> int:
    """Write the page."""
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
