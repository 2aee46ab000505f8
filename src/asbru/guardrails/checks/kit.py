"""What a check's folder declares: one `CHECK`, a record; its judge is loaded when a rule uses it.

`make(settings, credential)` gives the judge, and raises `ValueError` for settings that make no sense together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from asbru.guardrails.findings import Asking, Finding, Judge
from asbru.guardrails.patterns import Beginnings, Pattern, Utf8
from asbru.guardrails.views import begun_view, views_of


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check. `sentence`: what it finds; `settings`: the Struct of its settings; `spans`: whether its findings tell
    where in the text something is, so that it can be replaced, and a stream need not be held; `asks`: whether it asks
    elsewhere; `credential`: what it needs of `credentials`, "" for nothing."""

    name: str
    sentence: str
    settings: type[msgspec.Struct]
    make: Callable[[Any, str], Judge | Asking]
    spans: bool = True
    asks: bool = False
    credential: str = ""


class Shape(msgspec.Struct, frozen=True):
    """A pattern with the kind of what it finds. Its first group, where it has one, is what is found.
    `holds(text)`: whether a match is one; None: it always is. `score`: how sure that is."""

    kind: str
    pattern: str
    holds: Callable[[str], bool] | None = None
    score: float = 1.0


class ShapeJudge:
    """Finds shapes, in all readings of a text."""

    version = ""

    def __init__(self, shapes: Sequence[Shape]) -> None:
        """Raises `PatternError`."""
        self._shapes = [(shape, Pattern(shape.pattern)) for shape in shapes]
        self._beginnings = Beginnings(shape.pattern for shape in shapes)

    def judge(self, texts: Sequence[str]) -> list[Finding]:
        """See `Judge`."""
        return find_in_views(texts, self._find)

    def held(self, text: str) -> int:
        """See `Judge`."""
        return held_in_views(text, self._beginnings)

    def _find(self, text: str) -> list[Finding]:
        seen = Utf8(text)
        found: list[Finding] = []
        for shape, pattern in self._shapes:
            for begin, end in pattern.spans(seen.data, 0, len(seen.data), 1 if pattern.groups else 0):
                start, stop = seen.chars(begin), seen.chars(end)
                if shape.holds is None or shape.holds(text[start:stop]):
                    found.append(Finding(0, start, stop, shape.kind, shape.score))
        return found


def find_in_views(texts: Sequence[str], find: Callable[[str], list[Finding]]) -> list[Finding]:
    """What is found in any reading of the texts, by where it is in them; each place once."""
    findings: list[Finding] = []
    for index, text in enumerate(texts):
        seen: set[tuple[int, int, str]] = set()
        for view in views_of(text):
            for one in find(view.text):
                start, end = view.span(one.start, one.end)
                if (start, end, one.kind) not in seen:
                    seen.add((start, end, one.kind))
                    findings.append(Finding(index, start, end, one.kind, one.score))
    return findings


def held_in_views(text: str, beginnings: Beginnings) -> int:
    """Where something may begin that more text turns into a finding, as `Judge.held`."""
    view, whole = begun_view(text)
    at = beginnings.first(view.text)
    return min(whole, view.span(at, at + 1)[0]) if at < len(view.text) else whole


class WholeJudge:
    """The base of checks that judge a text as a whole: all of it is held."""

    version = ""

    def held(self, text: str) -> int:
        """See `Judge`."""
        del text
        return 0
