"""The gateway's own records after a run: one per call, with the provider's usage and its source.

Reads the SQLite file of the data directory directly; the columns' names stand in one place.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests.recordings.corpus import Row
from tests.recordings.reading import differences, events, has_error, is_terminal, tokens

FILE = "asbru.sqlite"
TABLE = "requests"
MODEL_COLUMNS = ("model_served", "model", "model_asked")
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
ROWS_MAX = 2_000_000


def check(path: Path, rows: list[Row]) -> dict[str, list[str]]:
    """Reasons by row id; every row is blamed when the file or the table is missing."""
    if not path.is_file():
        return {row.id: ["record: no database was written"] for row in rows}
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as database:
        database.row_factory = sqlite3.Row
        columns = [c["name"] for c in database.execute(f"PRAGMA table_info({TABLE})")]
        found = database.execute(f"SELECT * FROM {TABLE} LIMIT {ROWS_MAX}")
        kept = _by_model(found, {row.id for row in rows}, columns)
    return {row.id: reasons for row in rows if (reasons := _reasons(row, kept.get(row.id, [])))}


def _by_model(found: Any, wanted: set[str], columns: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Records by the row they belong to; those of cut calls (`id~n`) are left out."""
    column = next((c for c in MODEL_COLUMNS if c in columns), None)
    kept: dict[str, list[dict[str, Any]]] = {}
    for record in found:
        name = str(record[column] if column else "").rpartition("/")[2]
        if name in wanted:
            kept.setdefault(name, []).append(dict(record))
    return kept


def buckets_of(record: dict[str, Any]) -> SimpleNamespace:
    """The token buckets of a record, with asbru's names and the two totals."""
    values = {name: _bucket(record, name) for name in BUCKETS}
    inputs = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
    outputs = ("output", "reasoning", "audio_output")
    return SimpleNamespace(
        **values,
        input_total=sum(values[n] for n in inputs),
        output_total=sum(values[n] for n in outputs),
    )


def _bucket(record: dict[str, Any], name: str) -> int:
    for column in (name, f"{name}_tokens", f"tokens_{name}"):
        if column in record:
            return int(record[column] or 0)
    raise KeyError(f"the record has no column for {name}")


def _reasons(row: Row, records: list[dict[str, Any]]) -> list[str]:
    """One record, the recorded status, the provider's tokens."""
    if len(records) != 1:
        return [f"record: {len(records)} records of one call"]
    record = records[0]
    reasons: list[str] = []
    faulty = row.stream and any(has_error(e) for e in events(row.answer))
    if record["status"] != row.status and not faulty:
        reasons.append(f"record: status {record['status']}, recorded {row.status}")
    told = tokens(row)
    source = record["usage_source"]
    if told is not None:
        reasons += [f"record: usage.{wrong}" for wrong in differences(told, buckets_of(record))]
        if source != "provider":
            reasons.append(f"record: usage_source {source}, the provider reported usage")
    elif source == "provider":
        reasons.append("record: usage_source provider, but the provider reported none")
    whole = not row.stream or any(is_terminal(e, row.dialect) for e in events(row.answer))
    if whole and row.shape != "error" and record.get("error") and row.status < 400 and not _is_error_in_200(row):
        reasons.append(f"record: error {record['error']} for a whole answer")
    return reasons


def _is_error_in_200(row: Row) -> bool:
    return not row.stream and b'"error"' in row.answer[:64] and b'"choices"' not in row.answer
