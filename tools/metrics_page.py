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

`GET /metrics` answers in the Prometheus text format. Any worker may be asked: the bookkeeper adds up all of them, and
renders at most once a second. Counters keep what workers counted that have ended since; when the bookkeeper is started
again they start without the workers that are gone by then. Gauges are of the workers that run. All figures are at most
two seconds old. When the bookkeeper does not answer within two seconds, the answer is a 503.

**Labels are bounded.** `metrics.series_max` combinations of labels of calls are told apart ({SERIES_MAX} by default),
then {OVERFLOW_SERIES_MAX} with the value `other` in place of the virtual key and the tags, or also of the model, the
key, the team and the customer, and one last series of nothing but `other`. A model that is not known is always `other`.
See [Labels](../guides/observability.md#labels). Tags that `metrics.tags` lists are labels `tag_NAME` of the
counters that have the label `virtual_key`.

Histograms have a bucket for each power of two microseconds, in a range that fits what they measure.

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
