r"""How a text is read: as it stands, and decoded where something may hide in it.

    flat       escapes of line ends and quotes (`\n` in JSON within a text) are borders of words; offsets stay
    decoded    without characters that cannot be seen, with `%41` and `\u0041` as the characters that they stand for
    base64     long runs of base64 that hold readable text, over several lines as well

A finding in a view that is not flat covers what stands for it in the text.
"""

from __future__ import annotations

import binascii
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from asbru.guardrails.patterns import Utf8, compiled

_BORDER_ESCAPE = re.compile(r'\\[nrtfb"]')
_UNSEEN = (
    rb"\xc2\xad|\xcd\x8f|\xd8\x9c|\xe1(?:\x85[\x9f\xa0]|\x9e[\xb4\xb5]|\xa0[\x8b-\x8f])"
    rb"|\xe2(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf])|\xe3\x85\xa4|\xef(?:\xb8[\x80-\x8f]|\xbb\xbf|\xbe\xa0)"
    rb"|\xf3\xa0[\x80-\xbf][\x80-\xbf]"
)
"""What has no form of its own, in UTF-8: `Default_Ignorable_Code_Point` of Unicode 17.
https://www.unicode.org/Public/17.0.0/ucd/DerivedCoreProperties.txt"""
_HIDDEN = re.compile(
    _UNSEEN + rb"|%(?:([2-7][0-9A-Fa-f])|[eE]2%80%8[b-fB-F])"  # the commonest of them, escaped
    rb"|\\\\{0,3}u(?:00([2-7][0-9A-Fa-f])|00[aA][dD]|200[b-fB-F]|2060|[fF][eE][fF][fF])"
)
"""Alternatives begin with one byte each, by which the search is quick."""
_CUT_ESCAPE = re.compile(r"(?:%(?:[2-7]|[eE](?:2(?:%(?:8(?:0(?:%8?)?)?)?)?)?)?|\\{1,4}(?:u[0-9A-Fa-f]{0,3})?)$")
_CUT_CHARS_MAX = 16
_VARIATION = b"\xef\xb8"
"""How variation selectors begin in UTF-8: they belong to the emoji before them, if there is one."""
_ASCII_MAX = 0x7F
_BASE64 = r"[A-Za-z0-9+/_-]{24,}(?:(?:\r|\\r)?(?:\n|\\n)[A-Za-z0-9+/_-]+)*"
_RUNS_MAX = 200
_BREAK = re.compile(rb"(?:\\[rn]|[\r\n])+")
_LINE_CHARS_MIN = 24
_UNREADABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class View(NamedTuple):
    """A reading. `starts` and `ends`: for each of its characters, where what stands for it begins and ends in the
    text; None: in the same place."""

    text: str
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The place in the text of what is found in the reading."""
        if self.starts is None or self.ends is None:
            return start, end
        return self.starts[start], self.ends[end - 1]


def flat(text: str) -> str:
    """See the module."""
    return _BORDER_ESCAPE.sub("  ", text) if "\\" in text else text


def views_of(text: str) -> Iterator[View]:
    """All readings of a whole text."""
    yield View(flat(text))
    if _hidden_in(text):
        decoded = _decoded(text)
        if decoded is not None:
            yield decoded
    if len(text) >= 24:
        yield from _base64(text)


def begun_view(text: str) -> tuple[View, int]:
    """The beginning of a text that goes on, decoded, and how much of it is: an escape at its end may not be whole."""
    cut = _CUT_ESCAPE.search(text, max(len(text) - _CUT_CHARS_MAX, 0))
    whole = cut.start() if cut else len(text)
    return (_hidden_in(text) and _decoded(text)) or View(flat(text)), whole


def _hidden_in(text: str) -> bool:
    """Whether something may be written otherwise than it reads."""
    return not text.isascii() or "%" in text or "\\u" in text


class _Places(Sequence[int]):
    """Where characters of a reading are in the text, as a sequence: of each piece its first character in the reading,
    its place in the text and, of an escape, its length there."""

    __slots__ = ("_at", "_pieces", "_size")

    def __init__(self, pieces: list[tuple[int, int, int]], size: int, *, ends: bool) -> None:
        self._at = [at for at, _, _ in pieces]
        self._pieces = [(at, begin + (length or 1), length) for at, begin, length in pieces] if ends else pieces
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: Any) -> Any:
        at, place, length = self._pieces[bisect_right(self._at, index) - 1]
        return place if length else place + index - at


def _decoded(text: str) -> View | None:
    found = Utf8(text)
    data = found.data
    said: list[str] = []
    pieces: list[tuple[int, int, int]] = []  # see `_Places`
    size = done = 0
    for match in _HIDDEN.finditer(data):
        begin, end = match.span()
        if begin > done and data.startswith(_VARIATION, begin) and data[begin - 1] > _ASCII_MAX:
            continue
        if begin > done:
            piece = data[done:begin].decode("utf-8", "surrogatepass")
            pieces.append((size, found.chars(done), 0))
            said.append(piece)
            size += len(piece)
        code = match[1] or match[2]
        if code:
            pieces.append((size, found.chars(begin), end - begin))
            said.append(chr(int(code, 16)))
            size += 1
        done = end
    if not done:
        return None
    rest = data[done:].decode("utf-8", "surrogatepass")
    pieces.append((size, found.chars(done), 0))
    read = flat("".join(said) + rest)
    return View(read, _Places(pieces, len(read), ends=False), _Places(pieces, len(read), ends=True))


def _base64(text: str) -> Iterator[View]:
    found = Utf8(text)
    for count, match in enumerate(_pattern(_BASE64).finditer(found.data)):
        if count == _RUNS_MAX:
            return
        yield from _held_in(found, match.group(), match.start())


def _held_in(found: Utf8, lines: bytes, at: int) -> Iterator[View]:
    """What lines of base64, which begin at byte `at`, hold: all of them together, else each that is long enough."""
    whole = _plain(_BREAK.sub(b"", lines))
    breaks = [] if whole is not None else [one.span() for one in _BREAK.finditer(lines)]
    for start, stop in zip(
        [0, *(end for _, end in breaks)], [*(begin for begin, _ in breaks), len(lines)], strict=True
    ):
        plain = whole
        if plain is None and stop - start >= _LINE_CHARS_MIN:
            plain = _plain(lines[start:stop])
        if plain is not None:
            begin, end = found.chars(at + start), found.chars(at + stop)
            yield View(plain, [begin] * len(plain), [end] * len(plain))


def _plain(run: bytes) -> str | None:
    """What a run of base64 holds, if it can be read."""
    if b"_" not in run and b"-" not in run and run.isalpha() and run.islower():
        return None  # a long word
    try:
        text = binascii.a2b_base64(run.translate(_URL_SAFE) + b"=" * (-len(run) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return None if _UNREADABLE.search(text) else text


_URL_SAFE = bytes.maketrans(b"-_", b"+/")


@cache
def _pattern(source: str) -> Any:
    return compiled(source)
