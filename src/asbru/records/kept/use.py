"""What the cache did for calls in a span of time, from their records: how often it served, and what that saved.

Only the calls in which it had a part are read, by an index of their own. Not here: entries (`asbru.cache`).
"""

from __future__ import annotations

from typing import cast

import msgspec

from asbru.storage import open_reader

_SUMS = (
    "SELECT cache, COUNT(*), COALESCE(SUM(cache_saved_nanousd), 0), COALESCE(SUM(cache_saved_us), 0) "
    "FROM requests WHERE started_ms >= ? AND started_ms < ? AND cache <> '' GROUP BY cache"
)


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


def read_cache_use(url: str, since_ms: int, until_ms: int) -> CacheUse:
    """The sums of a span of time; zeros where there is no database. Raises StorageError."""
    database = open_reader(url)
    if database is None:
        return CacheUse()
    try:
        rows = database.run(_SUMS, (since_ms, until_ms))
    finally:
        database.close()
    counts = {str(word): cast("int", count) for word, count, *_ in rows}
    semantic = counts.get("semantic", 0)
    agreed, differed = counts.get("shadow_agreed", 0), counts.get("shadow_differed", 0)
    hits, misses = counts.get("hit", 0) + semantic, counts.get("miss", 0) + agreed + differed
    return CacheUse(
        hits=hits,
        misses=misses,
        refreshes=counts.get("refresh", 0),
        off=counts.get("off", 0),
        semantic=semantic,
        shadow_agreed=agreed,
        shadow_differed=differed,
        hit_rate=round(hits / (hits + misses), 4) if hits + misses else None,
        saved_nanousd=sum(cast("int", saved) for _, _, saved, _ in rows),
        saved_us=sum(cast("int", saved) for *_, saved in rows),
    )
