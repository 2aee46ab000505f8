"""What the calls of the last minutes say about each provider and key: how many, how many failed, how long they took.

Looks at the newest ROWS_MAX records at most, so on a busy gateway at less than the whole span. A call counts for the
provider and key that served it or were tried last. Never on the path, never writes.
"""

from __future__ import annotations

from typing import NamedTuple, cast

import msgspec

from asbru.storage import open_reader

ROWS_MAX = 20_000
_RECENT = """
SELECT provider, key_name, outcome, latency_us, error_code, error_message FROM requests
WHERE id >= ? ORDER BY id DESC LIMIT ?
"""
_FAILED = ("error", "cut")


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
    """The calls that began since then; nothing when there is no database yet. Raises StorageError."""
    found = Recent({}, {})
    database = open_reader(url)
    if database is None:
        return found
    try:
        rows = database.run(_RECENT, (f"req_{max(0, since_ms):011x}", ROWS_MAX))
    finally:
        database.close()
    latencies: dict[str, list[int]] = {}
    for provider, key, outcome, latency_us, code, message in cast("list[tuple[str, str, str, int, str, str]]", rows):
        if not provider:
            continue
        places = (
            found.providers.setdefault(provider, Activity()),
            found.keys.setdefault((provider, key), Activity()),
        )
        for one in places:
            one.calls += 1
            if outcome in _FAILED:
                one.failed += 1
                one.last_error = one.last_error or LastError(code, message)
        latencies.setdefault(provider, []).append(latency_us)
    for provider, values in latencies.items():
        found.providers[provider].latency_p95_us = sorted(values)[(len(values) * 95 - 1) // 100]
    return found
