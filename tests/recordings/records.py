"""The gateway's own records after a run: one per call, with the provider's usage and its source.

Reads the SQLite file of the data directory directly. A call is found by the model it was served by, which names
the row, and the cut if there was one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.recordings.corpus import ANTHROPIC, Row
from tests.recordings.reading import data_end, differences, events, has_error, is_terminal, tokens
from tests.recordings.replay import KEY_REFUSED, KEYS_EXHAUSTED, due_status
from tests.recordings.upstream import read_order

FILE = "asbru.sqlite"
BUCKETS = (
    "input",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "audio_input",
    "output",
    "reasoning",
    "audio_output",
)
COLUMNS = ("model_served", "status", "outcome", "error_code", "usage_source", *(f"{b}_tokens" for b in BUCKETS))
ROWS_MAX = 2_000_000
REASONS_MAX = 3


def check(path: Path, rows: list[Row], cuts: int) -> dict[str, list[str]]:
    """Reasons by row id, after `cuts` cut replays; every row is blamed when there is no database."""
    if not path.is_file():
        return {row.id: ["record: no database was written"] for row in rows}
    judges = {row.id: _Judge(row) for row in rows}
    cut_records = 0
    for record in _records(path):
        order = read_order(record["model_served"] or "")
        judge = judges.get(order.row_id)
        if judge is None:
            continue
        cut_records += order.cut is not None
        try:
            judge.one(order.cut, record)
        except Exception as error:  # noqa: BLE001 -- becomes the row's reason: no row ends the run
            judge.reasons.append(f"record: {type(error).__name__}: {error}"[:300])
    found = {row_id: reasons for row_id, judge in judges.items() if (reasons := judge.end())}
    if cut_records < cuts:
        first = next((row.id for row in rows if row.stream), rows[0].id)
        found.setdefault(first, []).append(f"record: {cut_records} records of {cuts} cut calls")
    return found


def _records(path: Path) -> Iterator[dict[str, Any]]:
    """All records, only the columns that are looked at."""
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        database.row_factory = sqlite3.Row
        names = ", ".join(COLUMNS)
        for record in database.execute(f"SELECT {names} FROM requests LIMIT {ROWS_MAX}"):
            yield dict(record)
    finally:
        database.close()


def buckets_of(record: dict[str, Any]) -> SimpleNamespace:
    """The token buckets of a record, with asbru's names and the two totals."""
    values = {name: int(record[f"{name}_tokens"] or 0) for name in BUCKETS}
    inputs = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
    outputs = ("output", "reasoning", "audio_output")
    return SimpleNamespace(
        **values,
        input_total=sum(values[n] for n in inputs),
        output_total=sum(values[n] for n in outputs),
    )


class _Judge:
    """What the records of one row say against it."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.reasons: list[str] = []
        self.whole_records = 0
        found = events(row.answer) if row.stream else []
        self.faulty = any(has_error(e) for e in found)
        ends = [data_end(row.answer, e) for e in found if is_terminal(e, row.dialect)]
        self.terminal_at = min(ends, default=len(row.answer))
        told = [e.end for e in found if row.dialect == ANTHROPIC and e.name == "message_delta"]
        self.output_told_at = min(told, default=0)

    def one(self, cut: int | None, record: dict[str, Any]) -> None:
        """The record of one replay."""
        if cut is None:
            self.whole(record)
        else:
            self.cut(cut, record)

    def whole(self, record: dict[str, Any]) -> None:
        """The record of the whole replay: the recorded status, the provider's tokens, no error that was none."""
        row = self.row
        self.whole_records += 1
        refused = row.status in KEY_REFUSED
        if record["status"] != due_status(row) and not self.faulty:
            self.reasons.append(f"record: status {record['status']}, due {due_status(row)}")
        if refused and record["error_code"] != KEYS_EXHAUSTED:
            self.reasons.append(f"record: error code {record['error_code']} for a refused key")
        told = tokens(row)
        source = record["usage_source"]
        if told is not None:
            self.reasons += [f"record: usage.{wrong}" for wrong in differences(told, buckets_of(record))]
            if source != "provider":
                self.reasons.append(f"record: usage_source {source}, the provider reported usage")
        elif source == "provider":
            self.reasons.append("record: usage_source provider, but the provider reported none")
        good = due_status(row) < 400 and not self.faulty
        if good != (record["outcome"] == "ok"):
            self.reasons.append(f"record: outcome {record['outcome']} {record['error_code']}")

    def cut(self, place: int, record: dict[str, Any]) -> None:
        """The record of a cut replay says so, unless the sign of the end had come."""
        if record["outcome"] == "ok" and place < self.terminal_at:
            self.reasons.append(f"record: outcome ok of a stream cut at {place}")
        if record["usage_source"] == "provider" and place < self.output_told_at:
            self.reasons.append(
                f"record: usage_source provider of a stream cut at {place}, before it told its output"
            )

    def end(self) -> list[str]:
        """What was found, bounded."""
        if self.whole_records != 1:
            self.reasons.insert(0, f"record: {self.whole_records} records of one call")
        return self.reasons[:REASONS_MAX]
