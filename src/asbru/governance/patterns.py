"""Patterns of models: exact names, globs (`gpt-4o*`), `regex:` expressions, `*`.

Callers choose the names that patterns are tried on, so no pattern may take long. A glob takes linear time. Python's
engine for expressions goes back and tries again, so one is taken only if there is little to try: characters, `.`,
classes, groups, `|`, anchors and repetitions, whose choices multiply to at most WAYS_MAX for a name of NAME_CHARS_MAX.
Two `.*` fit, three do not; `(a+)+`, back references and looking around are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from asbru.core.traits import fits_glob

REGEX: Final = "regex:"
NAME_CHARS_MAX: Final = 256
"""A longer name fits no expression."""
WAYS_MAX: Final = 100_000
EXPRESSION_CHARS_MAX: Final = 256
_DEPTH_MAX: Final = 8

_REPEATED = re.compile(r"(?:([*+?])|\{(\d{1,3})(?:(,)(\d{0,3}))?\})\??")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]")
_ESCAPE = re.compile(r"\\[dDwWsS]|\\[^0-9A-Za-z]")
_GROUP = re.compile(r"\((?!\?)|\(\?:")
_SPECIAL = frozenset("\\[](){}*+?|")


class Patterns:
    """Several patterns, of which one must fit. One with a slash is tried on "provider/model", one without on the model,
    so that a permission for one provider's model is none for a model of that whole name elsewhere. `within`: they are
    all about one provider's models."""

    __slots__ = ("_exact", "_expressions", "_globs", "_within", "everything")

    def __init__(self, patterns: Iterable[str], *, within: bool = False, ignore_case: bool = False) -> None:
        told = tuple(patterns)
        self.everything = "*" in told
        self._within = within
        plain = [one for one in told if not one.startswith(REGEX)]
        self._exact = frozenset(one for one in plain if "*" not in one)
        self._globs = tuple(one for one in plain if "*" in one)
        flags = re.IGNORECASE if ignore_case else 0
        self._expressions = tuple(
            (one, re.compile(check_pattern(one).removeprefix(REGEX), flags)) for one in told if one.startswith(REGEX)
        )

    def fit(self, provider: str, model: str) -> bool:
        """Whether one of them fits the model of a provider."""
        if self.everything:
            return True
        full = model if self._within else f"{provider}/{model}"
        if full in self._exact or ("/" not in model and model in self._exact):
            return True
        if any(fits_glob(glob, full if "/" in glob else model) for glob in self._globs):
            return True
        if len(full) > NAME_CHARS_MAX:
            return False
        return any(one.fullmatch(full if "/" in told else model) is not None for told, one in self._expressions)


class Blocked:
    """Patterns of what may not be called. Some providers do not tell upper from lower case, so neither does this; all
    are tried on "provider/model" and on the model, and a name too long to judge is blocked by any expression."""

    __slots__ = ("_by_name", "_expressions")

    def __init__(self, patterns: Iterable[str]) -> None:
        told = tuple(patterns)
        self._expressions = any(one.startswith(REGEX) for one in told)
        self._by_name = Patterns(
            (one if one.startswith(REGEX) else one.lower() for one in told), within=True, ignore_case=True
        )

    def fit(self, provider: str, model: str) -> bool:
        """Whether one of them fits the model of a provider."""
        full, model = f"{provider}/{model}".lower(), model.lower()
        if self._expressions and len(full) > NAME_CHARS_MAX:
            return True
        return self._by_name.fit(provider, full) or self._by_name.fit(provider, model)


def check_pattern(pattern: str) -> str:
    """The pattern, if it may be used; raises ValueError."""
    if not pattern.startswith(REGEX):
        return pattern
    expression = pattern.removeprefix(REGEX)
    if len(expression) > EXPRESSION_CHARS_MAX:
        raise ValueError(f"an expression has at most {EXPRESSION_CHARS_MAX} characters")
    try:
        re.compile(expression)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"not a regular expression: {error}") from None
    ways = _Ways(expression).count()
    if ways > WAYS_MAX:
        raise ValueError(
            "could take long to match; use fewer repetitions (at most two like `.*`), and none in another"
        )
    return pattern


class _Ways:
    """Counts in how many ways an expression can be tried: choices of alternatives add up, of what follows one another
    multiply, and of a repetition sum over how often."""

    def __init__(self, expression: str) -> None:
        self._text = expression
        self._at = 0

    def count(self) -> int:
        """The number, or anything above WAYS_MAX; raises ValueError for what is not taken."""
        if self._text.startswith("(?i)"):
            self._at = 4
        ways = self._alternatives(0)
        if self._at < len(self._text):
            raise ValueError(f"{self._text[self._at :][:10]!r} is not supported in an expression")
        return ways

    def _alternatives(self, depth: int) -> int:
        if depth > _DEPTH_MAX:
            raise ValueError(f"groups are nested more than {_DEPTH_MAX} deep")
        ways = self._sequence(depth)
        while self._text.startswith("|", self._at):
            self._at += 1
            ways += self._sequence(depth)
        return ways

    def _sequence(self, depth: int) -> int:
        ways = 1
        while self._at < len(self._text) and self._text[self._at] not in "|)":
            ways = min(ways * self._repeated(self._item(depth)), WAYS_MAX + 1)
        return ways

    def _item(self, depth: int) -> int:
        group = _GROUP.match(self._text, self._at)
        if group is not None:
            self._at = group.end()
            ways = self._alternatives(depth + 1)
            if not self._text.startswith(")", self._at):
                raise ValueError("a group does not end")
            self._at += 1
            return ways
        found = _CLASS.match(self._text, self._at) or _ESCAPE.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        elif self._text[self._at] in _SPECIAL:
            raise ValueError(f"{self._text[self._at :][:10]!r} is not supported in an expression")
        else:
            self._at += 1
        return 1

    def _repeated(self, ways: int) -> int:
        found = _REPEATED.match(self._text, self._at)
        if found is None:
            return ways
        self._at = found.end()
        least, most = _bounds(found)
        total = 0
        power = ways**least if ways > 1 and least <= 20 else 1 if ways == 1 else WAYS_MAX + 1
        for _ in range(least, min(most, NAME_CHARS_MAX) + 1):
            total += power
            power *= ways
            if total > WAYS_MAX:
                break
        return max(total, 1)


def _bounds(found: re.Match[str]) -> tuple[int, int]:
    sign, low, comma, high = found.groups()
    match sign:
        case "?":
            return 0, 1
        case "*":
            return 0, NAME_CHARS_MAX
        case "+":
            return 1, NAME_CHARS_MAX
        case _:
            return int(low), int(high) if high else NAME_CHARS_MAX if comma else int(low)
