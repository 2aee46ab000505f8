"""What guardrail rules did in a span of time, from the records of calls: how often each rule acted, and when.

Only the calls that rules checked are read, by an index of their own. Not here: what a rule would do with a text.
"""

from __future__ import annotations

from collections import Counter
from typing import cast

import msgspec

from asbru.records.reading import read_rows

STEPS = 60
"""Into how many parts a span of time is cut."""

_CHECKED = (
    "SELECT guardrails, (started_ms - ?1) / ?3, COUNT(*) FROM requests "
    "WHERE started_ms >= ?1 AND started_ms < ?2 AND guardrails <> '' GROUP BY 1, 2"
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


def read_guardrail_hits(url: str, since_ms: int, until_ms: int) -> GuardrailHits:
    """What rules did; nothing where there is no database. Raises StorageError."""
    step_ms = max(1, -(-(until_ms - since_ms) // STEPS))
    starts = tuple(range(since_ms, until_ms, step_ms))
    checked: Counter[str] = Counter()
    acted: dict[str, Counter[str]] = {}
    steps: dict[str, list[int]] = {}
    for text, step, calls in _rows(url, since_ms, until_ms, step_ms):
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
    return GuardrailHits(since_ms, until_ms, starts, tuple(rules))


def _rows(url: str, since_ms: int, until_ms: int, step_ms: int) -> list[tuple[str, int, int]]:
    return [cast("tuple[str, int, int]", row) for row in read_rows(url, _CHECKED, since_ms, until_ms, step_ms)]


def _read(text: str) -> list[_Entry]:
    try:
        return msgspec.json.decode(text, type=list[_Entry])
    except msgspec.MsgspecError:  # of another version of Asbru
        return []
