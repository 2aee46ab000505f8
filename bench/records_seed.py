"""Seeds a database with records and measures the overview over them.

    python -m bench.records_seed DIR [--records 10000000] [--days 30] [--callers 200]

The records go the way of the bookkeeper: batches into the store, folded into the sums. Prints how long the seeding took
and the 50th and 95th percentile of each question; a database that is there already is only asked.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from asbru.records import COLUMNS
from asbru.records.rollups.fold import Folder
from asbru.records.rollups.overview import Asked, read_overview
from asbru.records.store import RecordStore
from asbru.storage import DATABASE_NAME, open_database, sqlite_url

END_MS = 1_795_000_000_000
DAY_MS = 86_400_000
BATCH_ROWS = 1_000
ASKED_TIMES = 20
_MODELS = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("groq", "llama-3.3-70b-versatile"),
)


def rows(count: int, days: int, callers: int) -> Iterator[tuple[object, ...]]:
    """Records in the order of time; of the callers a few make most calls, and each uses two models."""
    chance = random.Random(1)
    plain: dict[str, Any] = {column.name: "" if column.kind == "text" else 0 for column in COLUMNS}
    places = [column.name for column in COLUMNS]
    begin_ms = END_MS - days * DAY_MS
    for number in range(count):
        at_ms = begin_ms + days * DAY_MS * number // count
        caller = int(callers * chance.random() ** 2)
        provider, model = _MODELS[(caller + chance.randrange(2)) % len(_MODELS)]
        failed = chance.random() < 0.02
        values = plain | {
            "id": f"req_{at_ms:011x}00000000{number:x}",
            "started_ms": at_ms,
            "surface": "anthropic.messages" if provider == "anthropic" else "openai.chat",
            "caller": f"key-{caller}",
            "team": f"team-{caller % 20}",
            "customer": f"customer-{caller % 5}",
            "provider": provider,
            "model_asked": f"{provider}/{model}",
            "model_served": model,
            "attempts": 1,
            "status": 500 if failed else 200,
            "outcome": "error" if failed else "ok",
            "error_code": "upstream_error" if failed else "",
            "input_tokens": 1000,
            "output_tokens": 200,
            "usage_source": "provider",
            "cost_nanousd": chance.randrange(10**6),
            "latency_us": int(chance.lognormvariate(14, 0.7)),
            "first_token_us": int(chance.lognormvariate(13, 0.5)),
        }
        yield tuple(values[name] for name in places)


def seed(url: str, count: int, days: int, callers: int) -> None:
    """Write the records and fold them."""
    store, folder = RecordStore(url), Folder()
    store.open()
    database = open_database(url)
    several = rows(count, days, callers)
    while batch := [one for _, one in zip(range(BATCH_ROWS), several, strict=False)]:
        store.keep(msgspec.msgpack.encode(batch))
        assert store.commit(0)
        with database.transaction():
            folder.fold(database)
    store.close()
    database.close()


def questions(days: int) -> dict[str, Asked]:
    """What the overview's pages ask."""
    day, month = END_MS - DAY_MS, END_MS - days * DAY_MS
    return {
        "a day by minute": Asked(day, END_MS, 60, "model"),
        "a day by 15 minutes, by caller": Asked(day, END_MS, 900, "caller"),
        "a week by hour, by team": Asked(END_MS - 7 * DAY_MS, END_MS, 3600, "team"),
        "all days by hour, by caller": Asked(month, END_MS, 3600, "caller"),
        "all days by day, by model": Asked(month, END_MS, 86_400, "model"),
        "all days by hour, one caller, by model": Asked(month, END_MS, 3600, "model", {"caller": "key-3"}),
        "all days by hour, one model, by caller": Asked(month, END_MS, 3600, "caller", {"model": "gpt-4o"}),
        "all days, provider and surface": Asked(
            month, END_MS, 3600, "team", {"provider": "openai", "surface": "openai.chat"}
        ),
    }


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name, default in (("records", 10_000_000), ("days", 30), ("callers", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    path = given.folder / DATABASE_NAME
    url = sqlite_url(path)
    if not path.exists():
        began = time.monotonic()
        seed(url, given.records, given.days, given.callers)
        print(f"{given.records} records in {time.monotonic() - began:.0f} s, {path.stat().st_size >> 20} MiB")
    for words, asked in questions(given.days).items():
        took: list[float] = []
        for _ in range(ASKED_TIMES):
            began = time.perf_counter()
            msgspec.json.encode(read_overview(url, asked))
            took.append(1000 * (time.perf_counter() - began))
        took.sort()
        print(f"{words:45} p50 {took[len(took) // 2]:6.1f} ms  p95 {took[int(len(took) * 0.95) - 1]:6.1f} ms")


if __name__ == "__main__":
    main()
