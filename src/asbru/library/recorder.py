"""What calls have cost, for the application; their rows go on to the records, where there are some."""

from __future__ import annotations

from typing import cast

from asbru.records import COLUMNS, Recorder
from asbru.records.row import Row

COSTS_MAX = 10_000
"""Costs that wait to be asked for; those of streams that nobody read to the end are not."""

_NAMES = [column.name for column in COLUMNS]
_ID = _NAMES.index("id")
_COST = _NAMES.index("cost_nanousd")


class CostRecorder:
    """See the module. A `records.Recorder`."""

    def __init__(self, recorder: Recorder | None = None) -> None:
        self._recorder = recorder
        self._costs: dict[str, int | None] = {}

    def add(self, row: Row) -> None:
        """See `Recorder`."""
        if len(self._costs) >= COSTS_MAX:
            del self._costs[next(iter(self._costs))]
        self._costs[str(row[_ID])] = cast("int | None", row[_COST])
        if self._recorder is not None:
            self._recorder.add(row)

    def take_cost(self, call_id: str) -> int | None:
        """What a call that is over has cost, asked once; None where it is unknown."""
        return self._costs.pop(call_id, None)
