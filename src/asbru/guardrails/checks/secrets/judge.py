"""Finds credentials: their keywords in one pass over the text, then the shapes of those that are there, near them.

Whether a credential is valid is not asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from math import log2
from typing import TYPE_CHECKING

from asbru.guardrails.checks.kit import find_in_views, held_in_views
from asbru.guardrails.checks.secrets.shapes import GENERIC, SHAPES, SecretShape
from asbru.guardrails.findings import Finding
from asbru.guardrails.patterns import Beginnings, Pattern, PatternError, Utf8

if TYPE_CHECKING:
    from asbru.guardrails.checks.secrets import SecretSettings


def entropy(text: str) -> float:
    """Bits per character."""
    size = len(text)
    return -sum(count / size * log2(count / size) for count in Counter(text).values()) if size else 0.0


class _Keywords:
    """Which shapes may be in a text, and where: all keywords in one pass."""

    def __init__(self, shapes: Sequence[SecretShape], *, folded: bool) -> None:
        from ahocorasick_rs import BytesAhoCorasick  # here: only gateways with this check pay for it

        words: dict[bytes, list[int]] = {}
        for index, shape in enumerate(shapes):
            for word in shape.keywords:
                words.setdefault((word.lower() if folded else word).encode(), []).append(index)
        self._shapes = list(words.values())
        self._folded = folded
        self._automaton = BytesAhoCorasick(list(words)) if words else None

    def places(self, data: bytes) -> dict[int, list[int]]:
        """For each shape whose keyword is there, where, in order."""
        if self._automaton is None:
            return {}
        places: dict[int, list[int]] = {}
        for word, start, _ in self._automaton.find_matches_as_indexes(
            data.lower() if self._folded else data, overlapping=True
        ):
            for index in self._shapes[word]:
                places.setdefault(index, []).append(start)
        return places


class _Shapes:
    """Shapes with their patterns. `folded`: keywords are in lower case, as gitleaks has them."""

    def __init__(self, shapes: Sequence[SecretShape], *, folded: bool = False) -> None:
        self._shapes = [(shape, Pattern(shape.pattern)) for shape in shapes]
        self._keywords = _Keywords(shapes, folded=folded)

    def find(self, seen: Utf8) -> Iterator[tuple[str, int, int]]:
        """Kind, begin and end, in bytes, of what has the shape and the entropy."""
        data = seen.data
        for index, found_at in self._keywords.places(data).items():
            shape, pattern = self._shapes[index]
            places = found_at
            if shape.needs:
                needed = shape.needs.encode()
                places = [at for at in found_at if data.find(needed, at, at + shape.reach) >= 0]
                if not places:
                    continue
            for begin, end in _stretches(places, shape, len(data)):
                for found in pattern.spans(data, begin, end, 1 if pattern.groups else 0):
                    if not shape.entropy or entropy(data[slice(*found)].decode("utf-8", "replace")) >= shape.entropy:
                        yield shape.kind, *found


def _stretches(places: Sequence[int], shape: SecretShape, size: int) -> Iterator[tuple[int, int]]:
    """The parts of a text in which matches may be that contain a keyword in one of `places`."""
    lead, reach = shape.lead, shape.reach
    begin, end = max(0, places[0] - lead), places[0] + reach
    for place in places:
        if place - lead > end:
            yield begin, end
            begin = place - lead
        end = place + reach
    yield begin, min(end, size)


class SecretJudge:
    """See the module."""

    def __init__(self, settings: SecretSettings) -> None:
        """Raises `ValueError`."""
        own = [one for one in SHAPES if one.kind not in settings.ignored]
        folded = [GENERIC] if settings.generic else []
        self.version = ""
        if settings.gitleaks_file:
            from asbru.guardrails.checks.secrets.gitleaks import read_rules

            read, self.version = read_rules(settings.gitleaks_file, settings.ignored)
            folded += read
        self._allowed = frozenset(settings.allowed)
        try:
            self._sets = [_Shapes(own)] + ([_Shapes(folded, folded=True)] if folded else [])
            self._beginnings = Beginnings(one.pattern for one in (*own, *folded))
        except PatternError as error:
            raise ValueError(str(error)) from None

    def judge(self, texts: Sequence[str]) -> list[Finding]:
        """See `Judge`."""
        return find_in_views(texts, self._find)

    def held(self, text: str) -> int:
        """See `Judge`."""
        return held_in_views(text, self._beginnings)

    def _find(self, text: str) -> list[Finding]:
        seen = Utf8(text)
        found: list[Finding] = []
        for shapes in self._sets:
            for kind, begin, end in shapes.find(seen):
                start, stop = seen.chars(begin), seen.chars(end)
                if text[start:stop] in self._allowed:
                    continue
                found.append(Finding(0, start, stop, kind))
        return found
