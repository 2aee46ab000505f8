"""Items of a stream that have been added and are not yet done: which canonical parts they are, and what was told of
them so far, so that what only the end of an item tells is told once."""

from __future__ import annotations

import msgspec

from asbru.core.chat import (
    Extra,
    ForeignPart,
    Part,
    Raw,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from asbru.core.reply import PartDelta, PartStop, StreamEvent
from asbru.dialects.fields import DECODE_ERRORS, Fields
from asbru.dialects.openai_responses.carrier import carry
from asbru.dialects.openai_responses.items import BEGINS
from asbru.dialects.openai_responses.parts import read_part
from asbru.dialects.openai_responses.types import ITEM, take_message

_items = msgspec.json.Decoder(list[Raw]).decode
_JOIN = "\n\n"


class OpenPart:
    """A part on its way. `part`: as it was announced; `empty`: as it starts."""

    __slots__ = ("_cited", "_place", "_stopped", "_told", "empty", "index", "part")

    def __init__(self, index: int, part: Part) -> None:
        self.index = index
        self.part = part
        self.empty = _emptied(part)
        self._told = False  # whether a delta extended it
        self._cited = 0
        self._place = 0  # which text of a reasoning's several
        self._stopped = False

    def extend(self, text: str | None, out: list[StreamEvent]) -> None:
        """More of its text or arguments."""
        if text and not self._stopped:
            self._told = True
            out.append(PartDelta(index=self.index, text=text))

    def think(self, place: int, text: str | None, out: list[StreamEvent]) -> None:
        """More of one of the texts of a reasoning."""
        if text and place != self._place and self._told:
            text = _JOIN + text
        self._place = place
        self.extend(text, out)

    def cite(self, citation: Raw, out: list[StreamEvent]) -> None:
        """One citation more."""
        if not self._stopped:
            self._cited += 1
            out.append(PartDelta(index=self.index, citation=citation))

    def finish(self, whole: Part, out: list[StreamEvent]) -> None:
        """It is complete: what was not told yet, and its end."""
        if self._stopped:
            return
        if not self._told and type(whole) is type(self.part):
            self.extend(_text_of(whole), out)
        if isinstance(whole, TextPart) and whole.citations is not None:
            for citation in _list(whole.citations)[self._cited :]:
                self.cite(citation, out)
        if isinstance(whole, ThinkingPart) and whole.signature:
            out.append(PartDelta(index=self.index, signature=carry(whole.signature, whole.dialect)))
        self._stopped = True
        grown = whole if isinstance(whole, ForeignPart) and isinstance(self.part, ForeignPart) else None
        out.append(PartStop(index=self.index, part=grown))

    def stop(self, out: list[StreamEvent]) -> None:
        """Its end, where nothing more is told."""
        if not self._stopped:
            self._stopped = True
            out.append(PartStop(index=self.index))


class OpenItem:
    """An item: a message with its contents by their index, or one part."""

    __slots__ = ("_marks", "is_message", "only", "parts")

    def __init__(self, marks: Extra, only: OpenPart | None) -> None:
        self._marks = marks
        self.is_message = only is None
        self.only = only
        self.parts: dict[int, OpenPart] = {}

    @classmethod
    def message(cls, item: Fields, *, after_message: bool) -> OpenItem:
        """A message. `after_message`: the item before it was one, too."""
        marks = take_message(item)
        if after_message and ITEM not in marks:
            marks = {**marks, **BEGINS}
        return cls(marks, None)

    @classmethod
    def single(cls, part: OpenPart) -> OpenItem:
        """An item that is one part."""
        return cls({}, part)

    def first(self, content: Fields, raw: Raw) -> Part:
        """A content of the message; the first one carries its marks."""
        content.raw("logprobs")
        part = read_part(content, raw)
        if isinstance(part, TextPart) and not self.parts and self._marks:
            return msgspec.structs.replace(part, extra={**part.extra, **self._marks})
        return part

    def stop(self, out: list[StreamEvent]) -> None:
        """The end of all that is open."""
        for _, part in sorted(self.parts.items()):
            part.stop(out)
        if self.only is not None:
            self.only.stop(out)


def _emptied(part: Part) -> Part:
    match part:
        case TextPart():
            return msgspec.structs.replace(part, text="", citations=None, citations_dialect=None)
        case RefusalPart():
            return RefusalPart(text="")
        case ThinkingPart():
            return msgspec.structs.replace(part, text="", signature=None)
        case ToolCallPart():
            return msgspec.structs.replace(part, arguments="")
        case _:
            return part


def _text_of(part: Part) -> str:
    match part:
        case TextPart() | RefusalPart() | ThinkingPart():
            return part.text
        case ToolCallPart():
            return part.arguments
        case _:
            return ""


def _list(raw: Raw) -> list[Raw]:
    try:
        return _items(raw)
    except DECODE_ERRORS:
        return []
