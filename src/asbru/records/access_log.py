"""The access log: a line for each call beside its record, made of the record. Where it is off, nothing of this runs.

It stands in front of the recorder, so that the path does not know of it.
"""

from __future__ import annotations

from typing import Protocol

from asbru.records.row import COLUMNS, Row
from asbru.telemetry import log

_SHOWN = (
    "id",
    "surface",
    "caller",
    "provider",
    "model_asked",
    "model_served",
    "key_name",
    "attempts",
    "status",
    "outcome",
    "error_code",
    "input_tokens",
    "cache_read_tokens",
    "output_tokens",
    "cost_nanousd",
    "latency_us",
    "first_token_us",
    "stream",
    "request_bytes",
    "response_bytes",
)
_NAMES = tuple(column.name for column in COLUMNS)


class Recorder(Protocol):
    """Where rows go."""

    def add(self, row: Row) -> None:
        """Take a row (`records.row`). Never waits and never raises."""
        ...


class AccessLog:
    """A recorder that writes a line first. Columns keep their names; what is empty or NULL is left out."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._shown = tuple((name, _NAMES.index(name)) for name in _SHOWN)

    def add(self, row: Row) -> None:
        """The line, then the row on its way."""
        log("info", "call", **{name: row[at] for name, at in self._shown if row[at] is not None and row[at] != ""})
        self._recorder.add(row)
