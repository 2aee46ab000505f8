"""What guardrail rules did in a span of time, from the records of calls: how often each rule acted, and when.

Only the calls that rules checked are read, by an index of their own. Not here: what a rule would do with a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import cast

import msgspec

from asbru.records.reading import read_rows
from asbru.records.wanted import Wanted
from asbru.storage import Value

STEPS = 60
"""Into how many parts a span of time is cut."""

_CHECKED = (
    "SELECT guardrails, (started_ms - ?) / ?, COUNT(*) FROM requests "
    "WHERE started_ms >= ? AND started_ms < ? AND guardrails <> ''"
)


class _Entry(msgspec.Struct, frozen=True):
    rule: str
    action: str = "pass"


class RuleHits(msgspec.Struct, frozen=True):
    """A rule: calls that it `checked`, those in which it acted, by action (`redact`, `block`, `failed_closed` ...), and
    these for each part of the span."""

    rule: str
    checked: int
    acted: dict[str, int]
    steps: tuple[int, ...]


class GuardrailHits(msgspec.Struct, frozen=True):
    """`starts_ms`: where the parts of the span begin; `rules`: the one that acted most first."""

    since_ms: int
    until_ms: int
    starts_ms: tuple[int, ...]
    rules: tuple[RuleHits, ...]


def read_guardrail_hits(
    url: str, since_ms: int, until_ms: int, within: tuple[str, Collection[str]] | None = None
) -> GuardrailHits:
    """What rules did; nothing where there is no database. `within`: a column and the values of it whose calls are
    counted, None for all calls. Raises StorageError."""
    starts = range(since_ms, until_ms, max(1, -(-(until_ms - since_ms) // STEPS)))
    checked: Counter[str] = Counter()
    acted: dict[str, Counter[str]] = {}
    steps: dict[str, list[int]] = {}
    for text, step, calls in _rows(url, starts, until_ms, within):
        actions = {entry.rule: entry.action for entry in sorted(_read(text), key=lambda one: one.action != "pass")}
        for rule, action in actions.items():  # a rule that acted in one place of several has acted in the call
            checked[rule] += calls
            if action != "pass":
                acted.setdefault(rule, Counter())[action] += calls
                steps.setdefault(rule, [0] * len(starts))[step] += calls
    none = [0] * len(starts)
    rules = [
        RuleHits(rule, count, dict(acted.get(rule, {})), tuple(steps.get(rule, none)))
        for rule, count in checked.items()
    ]
    rules.sort(key=lambda one: (-sum(one.steps), one.rule))
    return GuardrailHits(since_ms, until_ms, tuple(starts), tuple(rules))


def _rows(
    url: str, starts: range, until_ms: int, within: tuple[str, Collection[str]] | None
) -> list[tuple[str, int, int]]:
    statement, values = _CHECKED, list[Value]((starts.start, starts.step, starts.start, until_ms))
    for condition, bound in Wanted(within=within).conditions():
        statement += f" AND {condition}"
        values += bound
    return [cast("tuple[str, int, int]", row) for row in read_rows(url, f"{statement} GROUP BY 1, 2", *values)]


def _read(text: str) -> list[_Entry]:
    try:
        return msgspec.json.decode(text, type=list[_Entry])
    except msgspec.MsgspecError:  # of another version of Asbru
        return []
