"""Arguments of a call that Vertex AI streams (`streamFunctionCallArguments`), as the JSON text that others stream.

Each piece names a value by its place and says one value, or the next piece of a string:

    {"jsonPath": "$.items[0].name", "stringValue": "Ap", "willContinue": true}      {"items":[{"name":"Ap
    {"jsonPath": "$.items[0].name", "stringValue": "ple"}                           ple
    {"jsonPath": "$.items[1].count", "numberValue": 2}                              "},{"count":2
    (the end of the call)                                                           }]}

Text that was given out cannot be taken back, so that values must come in the order of the text, as a model writes them.
A piece that goes back to something closed, or says a value twice, is refused: it would be lost. Not here: where a call
begins and ends (`stream.py`).

Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling; the places are JSON Path
(RFC 9535).
"""

from __future__ import annotations

import re
from typing import Final

from asbru.core.chat import Raw
from asbru.dialects.fields import Fields
from asbru.dialects.gemini.types import encode, in_camel, listed

_STEP: Final = re.compile(r"""\.([^.\[\]]+)|\[(\d{1,9})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]""")
_ESCAPED: Final = re.compile(r"\\(.)")
_VALUES: Final = ("stringValue", "numberValue", "boolValue")
_QUOTE: Final = b'"'
_DEPTH_MAX: Final = 64

Path = tuple[str | int, ...]
"""The place of a value: names of members and places in arrays."""


class _Open:
    """An object or an array that is not closed yet. `at`: its place in its parent; `count`: its members so far."""

    __slots__ = ("at", "count", "names")

    def __init__(self, at: str | int, *, array: bool) -> None:
        self.at = at
        self.count = 0
        self.names: set[str] | None = None if array else set()

    @property
    def end(self) -> str:
        """What closes it."""
        return "]" if self.names is None else "}"


class PartialArguments:
    """The text of one call's arguments so far; see the module."""

    __slots__ = ("_open", "_string")

    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._string: Path | None = None  # the string that may go on

    def take(self, call: Fields) -> str:
        """The text that the pieces in `partialArgs` add. Raises where one cannot be said."""
        return "".join(
            self._piece(in_camel(call.as_object(raw, f"partialArgs[{at}]")))
            for at, raw in enumerate(listed(call, "partialArgs"))
        )

    def end(self) -> str:
        """The text that ends them; a call without pieces has no arguments."""
        opened, self._open = self._open, []
        return self._unquote() + "".join(one.end for one in reversed(opened)) if opened else "{}"

    def _piece(self, piece: Fields) -> str:
        path = _path(piece)
        text = _text_of(piece)
        if text is None:  # a place without a value
            return ""
        is_string = text[:1] == '"'
        if is_string and path == self._string:
            return text[1:-1]
        added = self._unquote() + self._go(piece, path)
        self._string = path if is_string else None
        return added + (text[:-1] if is_string else text)

    def _unquote(self) -> str:
        """The end of the string that is open."""
        if self._string is None:
            return ""
        self._string = None
        return '"'

    def _go(self, piece: Fields, path: Path) -> str:
        """The text from the last value to the one at `path`."""
        text: list[str] = []
        if not self._open:
            self._open.append(_Open("", array=False))
            text.append("{")
        *parents, last = path
        shared = 0
        while shared < min(len(parents), len(self._open) - 1) and self._open[shared + 1].at == parents[shared]:
            shared += 1
        text += [one.end for one in reversed(self._open[shared + 1 :])]
        del self._open[shared + 1 :]
        for at in range(shared, len(parents)):
            array = isinstance(path[at + 1], int)
            text += [self._member(piece, path[at]), "[" if array else "{"]
            self._open.append(_Open(path[at], array=array))
        text.append(self._member(piece, last))
        return "".join(text)

    def _member(self, piece: Fields, at: str | int) -> str:
        """The beginning of the next member of what is open."""
        within = self._open[-1]
        comma = "," if within.count else ""
        if within.names is None:
            if at != within.count:
                raise piece.wrong("jsonPath", f"expected the item {within.count} of an array")
            name = ""
        elif isinstance(at, int) or at in within.names:
            raise piece.wrong("jsonPath", "expected a new member of an object")
        else:
            within.names.add(at)
            name = encode(at).decode() + ":"
        within.count += 1
        return comma + name


def _path(piece: Fields) -> Path:
    text = piece.need_text("jsonPath")
    found: list[str | int] = []
    end = 1
    while len(found) <= _DEPTH_MAX and (step := _STEP.match(text, end)):
        end = step.end()
        name, number, single, double = step.groups()
        found.append(int(number) if number is not None else name or _ESCAPED.sub(r"\1", single or double or ""))
    if not found or text[:1] != "$" or end != len(text) or isinstance(found[0], int):
        raise piece.wrong("jsonPath", "expected the place of an argument, such as `$.items[0].name`")
    return tuple(found)


def _text_of(piece: Fields) -> str | None:
    """The value as JSON; None where there is none."""
    for name in _VALUES:
        raw: Raw | None = piece.raw(name)
        if raw is not None:
            return bytes(raw).decode("utf-8", "replace")
    return "null" if "nullValue" in piece.rest() else None
