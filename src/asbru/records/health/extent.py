"""How much the store of records holds, without counting its rows: from the sums that are kept with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple, cast

from asbru.records.spend import read_spend
from asbru.storage import database_bytes, open_reader


class Extent(NamedTuple):
    """`records`: how many calls were recorded on the days from the oldest record on. `oldest_ms`: null without any."""

    bytes: int
    records: int
    oldest_ms: int | None


def read_extent(url: str) -> Extent:
    """As of now; raises StorageError."""
    database = open_reader(url)
    if database is None:
        return Extent(0, 0, None)
    try:
        oldest = cast("list[tuple[int]]", database.run("SELECT started_ms FROM requests ORDER BY id LIMIT 1"))
        if not oldest:
            return Extent(database_bytes(url), 0, None)
    finally:
        database.close()
    day = datetime.fromtimestamp(oldest[0][0] / 1000, UTC).date()
    calls = sum(one.sums.calls for one in read_spend(url, since=day))
    return Extent(database_bytes(url), calls, oldest[0][0])
