"""A pattern over texts, by RE2: matching takes time linear in the text, whatever the pattern.

Texts are matched as UTF-8; offsets are those of characters. RE2 is loaded with the first pattern.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from asbru.guardrails.patterns.partial import PatternError, beginnings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PATTERN_CHARS_MAX = 4000
_MEMORY_MAX = 32 << 20
"""What one automaton may take, in bytes: RE2 starts afresh, more slowly, where it would need more."""


_COMPILED_MAX = 4096


class Utf8:
    """A text as it is matched."""

    __slots__ = ("_byte", "_char", "_plain", "data")

    def __init__(self, text: str) -> None:
        self.data = text.encode("utf-8", "surrogatepass")
        self._plain = text.isascii()
        self._byte = self._char = 0

    def chars(self, at: int) -> int:
        """The offset of the character that begins with byte `at`. Quick for offsets in order."""
        if self._plain:
            return at
        if at < self._byte:
            self._byte = self._char = 0
        self._char += len(self.data[self._byte : at].decode("utf-8", "surrogatepass"))
        self._byte = at
        return self._char


class Pattern:
    """A regular expression. `search` and `spans` take offsets in bytes and give them."""

    __slots__ = ("_found", "groups", "source")

    def __init__(self, source: str) -> None:
        """Raises `PatternError`."""
        if len(source) > PATTERN_CHARS_MAX:
            raise PatternError(f"expected at most {PATTERN_CHARS_MAX} characters, got {len(source)}")
        self.source = source
        self._found = compiled(source)
        self.groups: int = self._found.groups

    def spans(self, data: bytes, begin: int, end: int, group: int = 0) -> Iterator[tuple[int, int]]:
        """Each match, or what `group` took of it."""
        for match in self._found.finditer(data, begin, end):
            found = match.span(group)
            if found[0] < 0:
                found = match.span(0)
            if found[0] < found[1]:
                yield found


class Beginnings:
    """What may yet become a match of one of some patterns, at the end of a text."""

    __slots__ = ("_patterns",)

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises `PatternError`."""
        found = [beginnings_of(one) for one in patterns]
        self._patterns: Sequence[Any] = [compiled(f"(?:{one})\\z") for one in _together(found)]

    def first(self, text: str) -> int:
        """Where the first of them begins; the length of the text where there is none."""
        found = Utf8(text)
        at = min((one.search(found.data).start() for one in self._patterns), default=len(found.data))
        return found.chars(at)


_TOGETHER_CHARS_MAX = 6000


def _together(patterns: Iterable[str]) -> Iterator[str]:
    """Several in one expression each, of a size at which RE2 is quick."""
    gathered: list[str] = []
    size = 0
    for one in patterns:
        if gathered and size + len(one) > _TOGETHER_CHARS_MAX:
            yield "|".join(gathered)
            gathered, size = [], 0
        gathered.append(f"(?:{one})")
        size += len(one)
    if gathered:
        yield "|".join(gathered)


@lru_cache(_COMPILED_MAX)
def compiled(source: str) -> Any:
    """An expression over bytes, kept for those who come again. Raises `PatternError`."""
    re2: Any = import_module("re2")  # here: only gateways with a rule pay for it
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY_MAX
    try:
        return re2.compile(source.encode(), options)
    except re2.error as error:
        said: Any = error.args[0] if error.args else ""
        raise PatternError(said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)) from None
