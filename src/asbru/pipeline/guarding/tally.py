"""What rules did in a call, for its record and the metrics: (rule, place, action, kinds of findings), never a text.

Only what was looked at is told. `action` is "pass" where nothing was found, "failed_open" where a check failed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from asbru.telemetry import names

if TYPE_CHECKING:
    from asbru.telemetry import Meter

ENTRIES_MAX = 64
KINDS_MAX = 8


class Entry(msgspec.Struct):
    """What one rule did in one place."""

    rule: str
    place: str
    action: str = "pass"
    findings: int = 0
    kinds: list[str] = []


class Tally:
    """See the module."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Entry] = {}

    def scanned(self, rule: str, place: str) -> None:
        """The rule looks at the place."""
        if len(self._entries) < ENTRIES_MAX:
            self._entries.setdefault((rule, place), Entry(rule, place))

    def found(self, rule: str, place: str, action: str, kinds: Iterable[str]) -> None:
        """The rule found something, or could not look."""
        entry = self._entries.setdefault((rule, place), Entry(rule, place))
        entry.action = action
        found = list(kinds)
        entry.findings += len(found)
        for kind in found:
            if kind not in entry.kinds and len(entry.kinds) < KINDS_MAX:
                entry.kinds.append(kind)

    def count(self, meter: Meter) -> None:
        """Count all in the metrics; once, when the call is over."""
        for entry in self._entries.values():
            meter.counter(names.GUARDRAIL_VERDICTS, (entry.rule, entry.place, entry.action)).add()

    def write(self) -> str:
        """The column `guardrails`."""
        return msgspec.json.encode(list(self._entries.values())).decode() if self._entries else ""
