r"""What a pattern may still become: for a regular expression, another one that matches each beginning of its matches.

    sk-[a-z]{20}   ->   (?:s(?:k(?:-(?:[a-z]{0,19}))?)?)?

A stream holds back what matches it at the end of the text so far: more text may turn that into a match, and nothing
before it can belong to one. So whatever the border between two pieces of a stream, no part of a match gets out.

Long counted repetitions are taken as unbounded: more is then held than need be, and automata stay small.

Only syntax that RE2 takes. Not here: matching (`pattern.py`), and what is done with what is held (`window.py`).
"""

from __future__ import annotations

from typing import NamedTuple

_QUANTIFIERS = "*+?{"
_ZERO_WIDTH = frozenset(("\\b", "\\B", "\\A", "\\z", "^", "$"))
_DEPTH_MAX = 100
_COUNTED_MAX = 8
"""Repetitions that are counted; of more, any number is taken."""


class PatternError(ValueError):
    """A pattern that cannot be read."""


class _Item(NamedTuple):
    """One atom with its quantifier. `atom` without it, long repetitions inside taken as unbounded; `beginning`: of a
    group, what its matches may begin with; None: it matches one character, or none (`width` 0)."""

    atom: str
    least: int
    most: int | None
    beginning: str | None
    width: int = 1


def beginnings_of(pattern: str) -> str:
    """A pattern for all proper beginnings of matches of `pattern`, and for those matches that may yet grow. Raises
    `PatternError`."""
    reader = _Reader(pattern)
    found, _ = reader.read_alternatives(0)
    if reader.at < len(pattern):
        raise PatternError(f"unmatched ) at {reader.at}")
    return found


class _Reader:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.at = 0

    def read_alternatives(self, depth: int) -> tuple[str, str]:
        """Up to the end or a closing parenthesis: what it may begin with, and what it is."""
        if depth > _DEPTH_MAX:
            raise PatternError("nested too deeply")
        found = [self._sequence(depth)]
        while self._peek() == "|":
            self.at += 1
            found.append(self._sequence(depth))
        if len(found) == 1:
            return found[0]
        return f"(?:{'|'.join(one for one, _ in found)})", "|".join(one for _, one in found)

    def _sequence(self, depth: int) -> tuple[str, str]:
        items: list[_Item] = []
        while self._peek() not in ("", "|", ")"):
            items.append(self._item(depth))
        return _begun(items), "".join(map(_whole, items))

    def _peek(self) -> str:
        return self.pattern[self.at : self.at + 1]

    def _item(self, depth: int) -> _Item:
        begin = self.at
        beginning: str | None = None
        width = 1
        char = self._peek()
        atom = ""
        if char == "(":
            beginning, width, atom = self._group(depth)
        elif char == "[":
            self._class()
        elif char == "\\":
            self._escape()
        else:
            self.at += 1
        atom = atom or self.pattern[begin : self.at]
        if atom in _ZERO_WIDTH:
            width = 0
        least, most = self._quantifier()
        return _Item(atom, least, most, beginning, width)

    def _group(self, depth: int) -> tuple[str | None, int, str]:
        """A group, or flags that hold for what follows them."""
        self.at += 1
        opening = "(?:"
        if self._peek() == "?":
            end = self.at + 1
            while end < len(self.pattern) and self.pattern[end] not in ":)>":
                end += 1
            if end == len(self.pattern):
                raise PatternError("missing )")
            head = self.pattern[self.at : end + 1]
            self.at = end + 1
            if head.endswith(")"):
                return None, 0, f"({head}"
            if not head.startswith(("?P<", "?<")):
                opening = f"({head}"
        inner, whole = self.read_alternatives(depth + 1)
        if self._peek() != ")":
            raise PatternError("missing )")
        self.at += 1
        return f"{opening}{inner})", 1, f"{opening}{whole})"

    def _class(self) -> None:
        self.at += 1
        if self._peek() == "^":
            self.at += 1
        if self._peek() == "]":
            self.at += 1
        while self._peek() != "]":
            if not self._peek():
                raise PatternError("missing ]")
            named = self.pattern.find(":]", self.at) if self.pattern.startswith("[:", self.at) else -1
            if named > 0:
                self.at = named + 2
            else:
                self.at += 2 if self._peek() == "\\" else 1
        self.at += 1

    def _escape(self) -> None:
        if self.at + 1 >= len(self.pattern):
            raise PatternError("a trailing backslash")
        kind = self.pattern[self.at + 1]
        self.at += 2
        if kind == "Q":
            raise PatternError(r"\Q is not supported; escape each character")
        if kind in "pPx" and self._peek() == "{":
            end = self.pattern.find("}", self.at)
            if end < 0:
                raise PatternError("missing }")
            self.at = end + 1
        elif kind in "pP":
            self.at += 1
        elif kind == "x":
            self.at += 2

    def _quantifier(self) -> tuple[int, int | None]:
        char = self._peek()
        if not char or char not in _QUANTIFIERS:
            return 1, 1
        least, most = 0, 1 if char == "?" else None
        if char == "{":
            end = self.pattern.find("}", self.at)
            first, comma, last = self.pattern[self.at + 1 : max(end, self.at)].partition(",")
            if end < 0 or not first.isdecimal() or (last and not last.isdecimal()):
                return 1, 1  # a brace like any other character
            least = int(first)
            most = (int(last) if last else None) if comma else least
            self.at = end
        elif char == "+":
            least = 1
        self.at += 1
        if self._peek() == "?":
            self.at += 1
        return least, most


def _begun(items: list[_Item]) -> str:
    """What matches of the items, one after the other, may begin with."""
    found: str | None = None  # of the items behind; None: there are none
    for item in reversed(items):
        own = _begun_alone(item)
        if found is None:
            found = own
        elif own:
            found = f"(?:{_whole(item)}{found}|{own})"
        else:
            found = f"(?:{_whole(item)}{found})?"
    return found or ""


def _whole(item: _Item) -> str:
    """All of an item."""
    if item.width == 0 or (item.least == 1 and item.most == 1):
        return item.atom
    if item.most is None or item.most > _COUNTED_MAX:
        return f"{item.atom}{'+' if item.least else '*'}"
    return f"{item.atom}{{{item.least},{item.most}}}"


def _begun_alone(item: _Item) -> str:
    """What is less than the whole item, or is one that may go on."""
    if item.width == 0:
        return ""
    unbounded = item.most is None or item.most > _COUNTED_MAX
    fewer = f"{item.atom}*" if unbounded else f"{item.atom}{{0,{(item.most or 1) - 1}}}"
    if item.beginning is None:
        return "" if item.most == 1 else fewer
    return f"(?:{item.beginning})" if item.most == 1 else f"{fewer}(?:{item.beginning})"
