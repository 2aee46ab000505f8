"""What the cache did for calls in a span of time, from their records: how often it served, and what that saved.

Only the calls in which it had a part are read, by an index of their own. Not here: entries (`asbru.cache`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import msgspec

from asbru.storage import open_reader

STEPS = 60
"""Into how many parts a span of time is cut."""

_SUMS = (
    "SELECT cache, (started_ms - ?1) / ?3, COUNT(*), COALESCE(SUM(cache_saved_nanousd), 0), "
    "COALESCE(SUM(cache_saved_us), 0) "
    "FROM requests WHERE started_ms >= ?1 AND started_ms < ?2 AND cache <> '' GROUP BY 1, 2"
)
_MISSES = ("miss", "shadow_agreed", "shadow_differed")


class CacheUse(msgspec.Struct, frozen=True):
    """`hits`: calls that the cache served, `semantic` of them asked in other words; `misses`, `refreshes`: calls that
    were sent; `off`: those that kept out. `hit_rate`: hits among hits and misses, null without any. `saved_us`: how
    much longer providers took. `shadow_agreed`, `shadow_differed`: misses that shadow mode would have served, by
    whether the provider's reply was about the same."""

    hits: int = 0
    misses: int = 0
    refreshes: int = 0
    off: int = 0
    semantic: int = 0
    shadow_agreed: int = 0
    shadow_differed: int = 0
    hit_rate: float | None = None
    saved_nanousd: int = 0
    saved_us: int = 0


class CacheStep(msgspec.Struct, frozen=True):
    """The same for a part of the span, which begins at `started_ms`."""

    started_ms: int
    hits: int
    misses: int
    saved_nanousd: int


class _Row(NamedTuple):
    cache: str
    step: int
    calls: int
    saved_nanousd: int
    saved_us: int


def read_cache_use(url: str, since_ms: int, until_ms: int) -> tuple[CacheUse, tuple[CacheStep, ...]]:
    """The sums of a span of time, and of its parts; zeros where there is no database. Raises StorageError."""
    step_ms = max(1, -(-(until_ms - since_ms) // STEPS))
    begins = range(since_ms, until_ms, step_ms)
    database = open_reader(url)
    if database is None:
        return CacheUse(), tuple(CacheStep(begin, 0, 0, 0) for begin in begins)
    try:
        rows = [_Row(*cast("Any", row)) for row in database.run(_SUMS, (since_ms, until_ms, step_ms))]
    finally:
        database.close()
    by_step: dict[int, list[_Row]] = {}
    for row in rows:
        by_step.setdefault(row.step, []).append(row)
    steps = [_step(begin, by_step.get(at, [])) for at, begin in enumerate(begins)]
    return _use(rows), tuple(steps)


def _step(started_ms: int, rows: Sequence[_Row]) -> CacheStep:
    use = _use(rows)
    return CacheStep(started_ms, use.hits, use.misses, use.saved_nanousd)


def _use(rows: Sequence[_Row]) -> CacheUse:
    counts: Counter[str] = Counter()
    for row in rows:
        counts[row.cache] += row.calls
    hits, misses = counts["hit"] + counts["semantic"], sum(counts[word] for word in _MISSES)
    return CacheUse(
        hits=hits,
        misses=misses,
        refreshes=counts["refresh"],
        off=counts["off"],
        semantic=counts["semantic"],
        shadow_agreed=counts["shadow_agreed"],
        shadow_differed=counts["shadow_differed"],
        hit_rate=round(hits / (hits + misses), 4) if hits + misses else None,
        saved_nanousd=sum(row.saved_nanousd for row in rows),
        saved_us=sum(row.saved_us for row in rows),
    )
