r"""How a text is read: as it stands, and decoded where something may hide in it.

    flat       escapes of line ends and quotes (`\n` in JSON within a text) are borders of words; offsets stay
    decoded    without characters that cannot be seen, with `%41` and `\u0041` as the characters that they stand for
    base64     long runs of base64 that hold readable text

A finding in a view that is not flat covers what stands for it in the text.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

from asbru.guardrails.patterns import Utf8, compiled

_BORDER_ESCAPE = re.compile(r'\\[nrtfb"]')
_UNSEEN = "\u00ad\u034f\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\ufeff"
_HIDDEN = re.compile(rf"[{_UNSEEN}]|%([2-7][0-9A-Fa-f])|\\u00([2-7][0-9A-Fa-f])")
_CUT_ESCAPE = re.compile(r"(?:%[2-7]?|\\(?:u0{0,2}[2-7]?)?)$")
_BASE64 = r"[A-Za-z0-9+/_-]{24,}"
_RUNS_MAX = 200
_READABLE = re.compile(r"[\t\n\r -~]+")


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
    cut = _CUT_ESCAPE.search(text)
    whole = cut.start() if cut else len(text)
    return (_hidden_in(text) and _decoded(text)) or View(flat(text)), whole


def _hidden_in(text: str) -> bool:
    """Whether something may be written otherwise than it reads."""
    return "%" in text or "\\u00" in text or (not text.isascii() and any(char in text for char in _UNSEEN))


def _decoded(text: str) -> View | None:
    said: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for match in _HIDDEN.finditer(text):
        begin, end = match.span()
        said.append(text[done:begin])
        starts.extend(range(done, begin))
        ends.extend(range(done + 1, begin + 1))
        code = match[1] or match[2]
        if code:
            said.append(chr(int(code, 16)))
            starts.append(begin)
            ends.append(end)
        done = end
    if not done:
        return None
    said.append(text[done:])
    starts.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return View(flat("".join(said)), starts, ends)


def _base64(text: str) -> Iterator[View]:
    found = Utf8(text)
    for count, match in enumerate(_runs().finditer(found.data)):
        if count == _RUNS_MAX:
            return
        run = match.group()
        if b"_" not in run and b"-" not in run and run.isalpha() and run.islower():
            continue  # a long word
        plain = _plain(run)
        if plain is not None:
            begin, end = found.chars(match.start()), found.chars(match.end())
            yield View(plain, [begin] * len(plain), [end] * len(plain))


def _plain(run: bytes) -> str | None:
    """What a run of base64 holds, if it can be read."""
    try:
        held = binascii.a2b_base64(run.translate(_URL_SAFE) + b"=" * (-len(run) % 4))
        text = held.decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if _READABLE.fullmatch(text) else None


_URL_SAFE = bytes.maketrans(b"-_", b"+/")


@cache
def _runs() -> Any:
    return compiled(_BASE64)
