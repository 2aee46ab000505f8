"""What a model is shown of a call that Asbru has made for it: the contents of the result, as parts of a message, or the
error in words. Of text at most so many characters: a long one would cost what no budget has, or be refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw

from asbru.core.chat import ImagePart, MediaSource, Part, TextPart, ToolCallPart, ToolResultPart
from asbru.core.errors import AsbruError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asbru.pipeline.tools.nested import NestedCall


class _Content(msgspec.Struct):
    type: str = ""
    text: str | None = None
    data: str | None = None
    mimeType: str | None = None  # noqa: N815 -- as MCP names it
    uri: str | None = None
    resource: Raw = Raw()


class _Result(msgspec.Struct):
    content: list[_Content] = []
    structuredContent: Raw = Raw()  # noqa: N815 -- as MCP names it
    isError: bool = False  # noqa: N815 -- as MCP names it


_read_result: Final = msgspec.json.Decoder(_Result).decode


async def outcome(part: ToolCallPart, begun: NestedCall | AsbruError, chars_max: int) -> ToolResultPart:
    """What the model is told of a call. `begun`: the call under way, or why it could not begin."""
    try:
        if isinstance(begun, AsbruError):
            raise begun
        result = _read_result(await begun.result)
    except AsbruError as error:
        error.let_go()
        return _told(part, (TextPart(text=error.message),), is_error=True)
    except msgspec.MsgspecError:
        return _told(part, (TextPart(text="the tool returned a result that cannot be read"),), is_error=True)
    parts = tuple(_content(one) for one in result.content)
    if not parts and result.structuredContent:
        parts = (TextPart(text=bytes(result.structuredContent).decode("utf-8", "replace")),)
    return _told(part, tuple(_cut(parts, chars_max)), is_error=result.isError)


def _cut(parts: tuple[Part, ...], left: int) -> Iterator[Part]:
    """The parts with at most so many characters of text."""
    chars = sum(len(part.text) for part in parts if isinstance(part, TextPart))
    told = chars <= left
    for part in parts:
        if told or not isinstance(part, TextPart):
            yield part
        elif left > 0:
            here, left = left, left - len(part.text)
            yield (
                part if left >= 0 else TextPart(text=f"{part.text[:here]}\n(cut: the result has {chars} characters)")
            )


def _told(part: ToolCallPart, parts: tuple[Part, ...], *, is_error: bool) -> ToolResultPart:
    plain = len(parts) == 1 and isinstance(parts[0], TextPart)
    return ToolResultPart(call_id=part.id, parts=parts, plain=plain, is_error=is_error)


def _content(one: _Content) -> Part:
    """A content of a result as a model sees it; what is no text or image is told in words."""
    if one.type == "image" and one.data is not None:
        return ImagePart(source=MediaSource(media_type=one.mimeType, data=one.data))
    if one.text is not None:
        return TextPart(text=one.text)
    if one.resource:
        return TextPart(text=bytes(one.resource).decode("utf-8", "replace"))
    return TextPart(text=one.uri or f"[{one.type or 'content'} that cannot be shown]")
