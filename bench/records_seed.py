"""Seeds a database with records, and measures the overview and the lists of sessions over them.

    python -m bench.records_seed DIR [--records 10000000] [--days 60] [--callers 200]

The records of the first day go the way of the bookkeeper: batches into the store, folded into the sums. The other days
are copies of it, of records, sums and sessions alike, which take a fraction of the time. Prints how long the seeding
took, and for each question the processor time (50th and 95th percentile), and for those of the overview the rows of
sums that its statements visit; a database that is there already is only asked.
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from asbru.records import COLUMNS
from asbru.records.retention import RecordSettings
from asbru.records.rollups import overview
from asbru.records.rollups.fold import TIERS, Folder
from asbru.records.rollups.overview import Asked, read_overview
from asbru.records.sessions import add, search
from asbru.records.store import RecordStore
from asbru.storage import DATABASE_NAME, Database, open_database, open_reader, sqlite_url

DAY_S = 86_400
DAY_MS = 1000 * DAY_S
END_MS = 20_775 * DAY_MS
"""Whole days, so that each has sums of its own."""
NOW_MS = END_MS - 11 * 3_600_000 - 17 * 60_000
"""When the questions are asked: their spans begin and end within days, hours and minutes."""
BATCH_ROWS = 1_000
CACHE_KIB = 256 * 1024
ASKED_TIMES = 20
_MODELS = (
    ("openai", "gpt-4o"),
    ("openai", "gpt-4o-mini"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-haiku-4-5"),
    ("groq", "llama-3.3-70b-versatile"),
)

AGENTS_EACH = 4
"""Every so manieth caller is an agent, whose calls are of sessions."""
SESSIONS_OF_A_DAY = 48
"""Of an agent, one after the other."""
_DAY_DIGITS = 3
"""The name of a session ends with its day, so that the copies of a day are of other sessions."""

_KEPT = ", ".join(column.name for column in COLUMNS if column.name not in ("id", "started_ms", "session"))
# An id is `req_`, 11 hex digits of its time and the rest.
_COPY_RECORDS = f"""
    INSERT INTO requests (id, started_ms, session, {_KEPT})
    SELECT 'req_' || printf('%011x', started_ms + ?) || substr(id, 16), started_ms + ?,
        CASE session WHEN '' THEN '' ELSE substr(session, 1, length(session) - {_DAY_DIGITS}) || ? END, {_KEPT}
    FROM requests WHERE started_ms < ? ORDER BY id
"""
_SESSIONS = f"SELECT {', '.join(add.NAMES)} FROM agent_sessions"
_COPY_SESSION = f"INSERT INTO agent_sessions ({', '.join(add.NAMES)}) VALUES ({', '.join('?' * len(add.NAMES))})"
_COPY_SPEND = """
    INSERT INTO spend
    SELECT day + ?, caller, team, customer, provider, model, tags, calls, failed, unpriced, input_tokens, output_tokens,
        cost_nanousd
    FROM spend WHERE day = ?
"""
# Those of one series, day by day, so that they come in the order of their table.
_COPY_SUMS = """
    WITH RECURSIVE days (day) AS (SELECT ? UNION ALL SELECT day + 1 FROM days WHERE day < ?)
    INSERT INTO rollups
    SELECT tier, series, at + day * ?, calls, failed, unpriced, input_tokens, cached_tokens, output_tokens,
        cost_nanousd, latency, first_token
    FROM days CROSS JOIN rollups WHERE tier = ? AND series = ? ORDER BY day, at
"""


def rows(count: int, begin_ms: int, callers: int) -> Iterator[tuple[object, ...]]:
    """Records of a day in the order of time; of the callers a few make most calls, and each uses two models."""
    chance = random.Random(1)
    plain: dict[str, Any] = {column.name: "" if column.kind == "text" else 0 for column in COLUMNS}
    places = [column.name for column in COLUMNS]
    for number in range(count):
        at_ms = begin_ms + DAY_MS * number // count
        caller = int(callers * chance.random() ** 2)
        provider, model = _MODELS[(caller + chance.randrange(2)) % len(_MODELS)]
        failed = chance.random() < 0.02
        is_agent = caller % AGENTS_EACH == 0
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
            "session": f"{caller}-{SESSIONS_OF_A_DAY * number // count}-{0:0{_DAY_DIGITS}}" if is_agent else "",
            "agent": "claude-cli" if is_agent else "",
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
    """Write the records of all days, and their sums as far as they are kept by default."""
    begin_ms = END_MS - days * DAY_MS
    write(url, rows(count // days, begin_ms, callers))
    database = open_database(url)
    database.run(f"PRAGMA cache_size = -{CACHE_KIB}")
    sessions = database.run(_SESSIONS)
    for day in range(1, days):
        with database.transaction():
            name = f"{day:0{_DAY_DIGITS}}"
            database.run(_COPY_RECORDS, (day * DAY_MS, day * DAY_MS, name, begin_ms + DAY_MS))
            database.run_many(_COPY_SESSION, (session_of_day(one, day) for one in sessions))
            database.run(_COPY_SPEND, (day, begin_ms // DAY_MS))
    series = [one for (one,) in database.run("SELECT id FROM rollup_series ORDER BY id")]
    kept = RecordSettings()
    for tier, kept_days in zip(TIERS, (kept.minute_sums_days, kept.hour_sums_days, kept.day_sums_days), strict=True):
        first = max(1, days - kept_days)
        with database.transaction():
            for one in series if first < days else ():
                database.run(_COPY_SUMS, (first, days - 1, DAY_S, tier, one))
            if days > kept_days:
                database.run("DELETE FROM rollups WHERE tier = ? AND at < ?", (tier, begin_ms // 1000 + DAY_S))
    database.close()


def session_of_day(one: Sequence[Any], day: int) -> tuple[Any, ...]:
    """A session of the first day, so many days later."""
    values = dict(zip(add.NAMES, one, strict=True))
    name = f"{values['session'][:-_DAY_DIGITS]}{day:0{_DAY_DIGITS}}"
    values |= {"session": name, "id": add.session_id(values["caller"], values["team"], name)}
    values |= {moment: values[moment] + day * DAY_MS for moment in ("first_ms", "last_ms")}
    return tuple(values.values())


def write(url: str, several: Iterator[tuple[object, ...]]) -> None:
    """Write records as the bookkeeper does, and fold them."""
    store, folder = RecordStore(url), Folder()
    store.open()
    database = open_database(url)
    database.run(f"PRAGMA cache_size = -{CACHE_KIB}")
    while batch := list(itertools.islice(several, BATCH_ROWS)):
        store.keep(msgspec.msgpack.encode(batch))
        assert store.commit(0)
    more = True
    while more:
        with database.transaction():
            more = folder.fold(database)
    store.close()
    database.close()


def questions() -> dict[str, Asked]:
    """What the overview's pages ask."""
    day, week, month = (NOW_MS - days * DAY_MS for days in (1, 7, 30))
    return {
        "a day by minute, by model": Asked(day, NOW_MS, 60, "model"),
        "a day by 15 minutes, by caller": Asked(day, NOW_MS, 900, "caller"),
        "a day, one model, by caller": Asked(day, NOW_MS, None, "caller", {"model": "gpt-4o"}),
        "a week by hour, by team": Asked(week, NOW_MS, 3600, "team"),
        "a week, one model, by caller": Asked(week, NOW_MS, None, "caller", {"model": "gpt-4o"}),
        "a month by hour, by caller": Asked(month, NOW_MS, 3600, "caller"),
        "a month by day, by model": Asked(month, NOW_MS, DAY_S, "model"),
        "a month by hour, one caller, by model": Asked(month, NOW_MS, 3600, "model", {"caller": "key-3"}),
        "a month by hour, one model, by caller": Asked(month, NOW_MS, 3600, "caller", {"model": "gpt-4o"}),
        "a month, provider and surface, by team": Asked(
            month, NOW_MS, 3600, "team", {"provider": "openai", "surface": "openai.chat"}
        ),
        "a month, five teams, by caller": Asked(
            month, NOW_MS, None, "caller", within=("team", [f"team-{number}" for number in range(5)])
        ),
        "all days by day, by caller": Asked(END_MS - 365 * DAY_MS, NOW_MS, DAY_S, "caller"),
    }


def session_questions(url: str) -> dict[str, Callable[[], object]]:
    """What the page of sessions asks."""
    day, month = (NOW_MS - days * DAY_MS for days in (1, 30))
    caller, failed = search.Wanted({"caller": "key-4"}), search.Wanted(failed=True)

    def asked(wanted: search.Wanted, since_ms: int, sort: str = "last_ms") -> Callable[[], object]:
        return lambda: search.search(url, wanted, since_ms=since_ms, until_ms=NOW_MS, sort=sort)

    return {
        "sessions of a day": asked(search.Wanted(), day),
        "sessions of a day, by cost": asked(search.Wanted(), day, "cost_nanousd"),
        "sessions of a month": asked(search.Wanted(), month),
        "sessions of a month, by calls": asked(search.Wanted(), month, "calls"),
        "sessions of a month, one caller": asked(caller, month),
        "sessions of a month, failed": asked(failed, month),
    }


def count_rows(url: str, asked: Asked) -> int:
    """The rows of sums that the statements of an answer visit."""
    counted = 0
    database = open_reader(url)
    assert database is not None

    class Counting:
        """The database, which counts what it is asked for."""

        def run(self, statement: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
            nonlocal counted
            assert database is not None
            if "rollups AS r" in statement and "MIN(" not in statement:
                part = re.split(r" (?:GROUP BY|LIMIT) ", statement[statement.index(" FROM ") :])[0]
                ((found,),) = database.run(f"SELECT COUNT(*){part}", values)
                counted += int(str(found))
            return database.run(statement, values)

    overview.Reader(cast("Database", Counting()), asked).read()
    database.close()
    return counted


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    for name, default in (("records", 10_000_000), ("days", 60), ("callers", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    path = given.folder / DATABASE_NAME
    url = sqlite_url(path)
    if not path.exists():
        began = time.monotonic()
        seed(url, given.records, given.days, given.callers)
        print(f"{given.records} records in {time.monotonic() - began:.0f} s, {path.stat().st_size >> 20} MiB")
    for words, asked in questions().items():
        took = measure(lambda asked=asked: read_overview(url, asked))
        print(f"{words:42} {took}  {count_rows(url, asked):7} rows", flush=True)
    for words, ask in session_questions(url).items():
        print(f"{words:42} {measure(ask)}", flush=True)


def measure(ask: Callable[[], object]) -> str:
    """The processor time of a question with its answer as JSON."""
    took: list[float] = []
    for _ in range(ASKED_TIMES):
        began = time.process_time()
        msgspec.json.encode(ask())
        took.append(1000 * (time.process_time() - began))
    took.sort()
    return f"p50 {took[len(took) // 2]:6.1f} ms  p95 {took[int(len(took) * 0.95) - 1]:6.1f} ms"


if __name__ == "__main__":
    main()
