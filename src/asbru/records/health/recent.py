"""What the calls of the last minutes say about each provider and key: how many, how many failed, how long they took.

From the sums by minute; the last errors from the newest FAILURES_ROWS_MAX records, and only where something failed. A
call counts for the provider and key that served it or were tried last. Never on the path, never writes.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import msgspec

from asbru.records.rollups import histogram
from asbru.records.rollups.facts import BROKEN
from asbru.records.rollups.fold import KEY, MINUTE_S
from asbru.storage import Database, open_reader

FAILURES_ROWS_MAX = 2_000
_SUMS = f"""
SELECT s.provider, s.key_name, SUM(r.calls), SUM(r.failed) FROM rollup_series AS s CROSS JOIN rollups AS r
WHERE s.view = '{KEY}' AND r.tier = {MINUTE_S} AND r.series = s.id AND r.at >= ? GROUP BY 1, 2 HAVING SUM(r.calls) > 0
"""  # noqa: S608 -- our own words
_LATENCIES = f"""
SELECT s.provider, r.latency FROM rollup_series AS s CROSS JOIN rollups AS r
WHERE s.view = '{KEY}' AND r.tier = {MINUTE_S} AND r.series = s.id AND r.at >= ?
"""  # noqa: S608 -- likewise
_FAILURES = f"""
SELECT provider, key_name, error_code, error_message FROM (
    SELECT * FROM requests WHERE id >= ? ORDER BY id DESC LIMIT {FAILURES_ROWS_MAX}
) AS newest WHERE outcome IN ({", ".join(f"'{one}'" for one in BROKEN)}) ORDER BY id DESC
"""  # noqa: S608 -- likewise


class LastError(msgspec.Struct, frozen=True):
    """The newest failure."""

    code: str
    message: str


class Activity(msgspec.Struct):
    """Of a provider, or of one of its keys."""

    calls: int = 0
    failed: int = 0
    last_error: LastError | None = None
    latency_p95_us: int | None = None


class Recent(NamedTuple):
    """`providers` by name; `keys` by provider and name of the key."""

    providers: dict[str, Activity]
    keys: dict[tuple[str, str], Activity]


def read_recent(url: str, since_ms: int) -> Recent:
    """The calls of the minutes since then; nothing when there is no database yet. Raises StorageError."""
    database = open_reader(url)
    if database is None:
        return Recent({}, {})
    try:
        return _read(database, max(0, since_ms))
    finally:
        database.close()


def _read(database: Database, since_ms: int) -> Recent:
    found = Recent({}, {})
    since_s = since_ms // 1000 // MINUTE_S * MINUTE_S
    sums = cast("list[tuple[str, str, int, int]]", database.run(_SUMS, (since_s,)))
    for provider, key, calls, failed in sums:
        for one in _places(found, provider, key):
            one.calls += calls
            one.failed += failed
    latencies: dict[str, histogram.Histogram] = {}
    for provider, packed in cast("list[tuple[str, bytes]]", database.run(_LATENCIES, (since_s,))):
        histogram.read_into(latencies.setdefault(provider, {}), packed)
    for provider, counts in latencies.items():
        if provider in found.providers:
            (found.providers[provider].latency_p95_us,) = histogram.quantiles(counts, (0.95,))
    if any(one.failed for one in found.providers.values()):
        _add_last_errors(database, found, since_s)
    return found


def _add_last_errors(database: Database, found: Recent, since_s: int) -> None:
    failures = database.run(_FAILURES, (f"req_{since_s * 1000:011x}",))
    for provider, key, code, message in cast("list[tuple[str, str, str, str]]", failures):
        if (provider, key) in found.keys:
            for one in _places(found, provider, key):
                one.last_error = one.last_error or LastError(code, message)


def _places(found: Recent, provider: str, key: str) -> tuple[Activity, Activity]:
    """Where a call counts."""
    return (
        found.providers.setdefault(provider, Activity()),
        found.keys.setdefault((provider, key), Activity()),
    )
