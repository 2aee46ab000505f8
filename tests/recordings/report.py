"""The report of a run: counts per provider and feature, failures, exclusions; as text and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.recordings.checks import Verdict

FAILURES_PRINTED_MAX = 40


def as_data(verdicts: list[Verdict], excluded: Counter[str]) -> dict[str, Any]:
    """The content of `build/recordings.json`."""
    total: Counter[tuple[str, str]] = Counter()
    passed: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        key = (verdict.row.provider, verdict.row.feature)
        total[key] += 1
        passed[key] += verdict.passed
    return {
        "rows": [
            {"provider": key[0], "feature": key[1], "passed": passed[key], "total": count}
            for key, count in sorted(total.items())
        ],
        "failures": [
            {
                "id": v.row.id,
                "provider": v.row.provider,
                "feature": v.row.feature,
                "reason": "; ".join(v.reasons),
            }
            for v in verdicts
            if not v.passed
        ],
        "excluded": [{"reason": reason, "count": count} for reason, count in sorted(excluded.items())],
    }


def write(data: dict[str, Any], path: Path) -> None:
    """The report as a JSON file; its folder is created."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


def print_table(data: dict[str, Any]) -> None:
    """The counts, the exclusions and the first failures, for people."""
    print(f"{'provider':14} {'feature':18} {'passed':>7} {'total':>6}")
    for row in data["rows"]:
        mark = "" if row["passed"] == row["total"] else "  <-"
        print(f"{row['provider']:14} {row['feature']:18} {row['passed']:7} {row['total']:6}{mark}")
    for row in data["excluded"]:
        print(f"excluded {row['count']:4}: {row['reason']}")
    for failure in data["failures"][:FAILURES_PRINTED_MAX]:
        print(f"FAILED {failure['id']} {failure['provider']} {failure['feature']}: {failure['reason'][:300]}")
    more = len(data["failures"]) - FAILURES_PRINTED_MAX
    if more > 0:
        print(f"... and {more} more failures in the JSON report")
