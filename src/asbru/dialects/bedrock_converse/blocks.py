"""Content blocks of the Converse API, read into canonical parts.

A block is an object with one member, named by its kind. What the canonical form has no part for (video, guarded
content, search results, media in S3, tools that the service runs) becomes a `ForeignPart` with its raw JSON. A
`cachePoint` becomes the cache mark of the part before it. Not here: writing (`block_writer.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from asbru.core.chat import (
    AudioPart,
    CacheMark,
    DocumentPart,
    Extra,
    ForeignPart,
    ImagePart,
    MediaSource,
    Part,
    Raw,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.bedrock_converse.carrier import uncarry, uncarry_redacted
from asbru.dialects.bedrock_converse.types import (
    DOCUMENT_TYPES,
    IMAGE_TYPES,
    NAME,
    as_raw,
    decode_members,
    decode_text,
)
from asbru.dialects.fields import DECODE_ERRORS, Fields

MARKED: Final = (TextPart, ImagePart, DocumentPart, ToolCallPart, ToolResultPart)
"""The parts that a cache mark may stand on."""
DEFAULT_MARK: Final = "ephemeral"
"""What the canonical form calls the one kind of cache point there is, `default`."""
_OWN_CALL: Final = "tool_use"
"""`type` of a call of the caller's own tool, which some models spell out."""


class _Text(msgspec.Struct):
    """A text in the content of a search result."""

    text: str


class _Search(msgspec.Struct):
    """A `searchResult`: what a search of the caller's own has found."""

    title: str
    source: str
    content: list[_Text]


_decode_search: Final = msgspec.json.Decoder(_Search).decode


def read_blocks(items: Sequence[Raw], fields: Fields, name: str) -> tuple[Part, ...]:
    """The parts of the blocks in `items`, found at `name` of `fields`."""
    parts: list[Part] = []
    for n, raw in enumerate(items):
        block = fields.as_object(raw, f"{name}[{n}]")
        if not block.rest_set():
            raise fields.wrong(f"{name}[{n}]", "expected a member that names the kind of the block, got none")
        part = read_block(raw, block)
        mark = read_mark(part)
        if mark is not None and parts and is_markable(parts[-1]):
            parts[-1] = msgspec.structs.replace(parts[-1], cache=mark)
        else:
            parts.append(part)
    return tuple(parts)


def is_markable(part: Part) -> bool:
    """Whether a cache point after this part can be its mark."""
    return isinstance(part, MARKED) and part.cache is None


def read_block(raw: Raw, fields: Fields) -> Part:
    """One block: `raw`, opened as `fields`, which has a member."""
    members = fields.rest_set()
    kind = next((name for name in members if name in _READERS), next(iter(members)))
    reader = _READERS.get(kind)
    part = None if reader is None else reader(fields)
    if part is not None and not (set(members) - {kind, "type"}):
        return part
    return ForeignPart(dialect=NAME, kind=kind, raw=raw, text=_in_words(kind, raw))


def read_mark(part: Part) -> CacheMark | None:
    """The mark that a `cachePoint` block is; None for any other part."""
    if not isinstance(part, ForeignPart) or part.dialect != NAME or part.kind != "cachePoint":
        return None
    return mark_of(decode_members(part.raw)["cachePoint"])


def mark_of(raw: Raw) -> CacheMark | None:
    """The mark of a cache point's object; None for what is none."""
    try:
        members = decode_members(raw)
        kind = decode_text(members.pop("type", Raw(b'"default"')))
        ttl = members.pop("ttl", None)
        lasts = None if ttl is None else decode_text(ttl)
    except DECODE_ERRORS:
        return None
    if not kind:
        return None
    return CacheMark(kind=DEFAULT_MARK if kind == "default" else kind, ttl=lasts, extra=members)


def _in_words(kind: str, raw: Raw) -> str | None:
    """What a block says to a model that does not know its kind."""
    try:
        inner = decode_members(raw)[kind]
        if kind == "json":
            return bytes(inner).decode()
        if kind == "guardContent":
            return decode_text(decode_members(decode_members(inner)["text"])["text"])
        if kind == "searchResult":
            found = _decode_search(inner)
            return "\n".join((found.title, found.source, "", *(one.text for one in found.content)))
    except (KeyError, *DECODE_ERRORS):
        pass
    return None


def _read_text(fields: Fields) -> Part:
    return TextPart(text=fields.need_text("text"))


def _read_bytes(source: Fields | None, media_type: str | None) -> MediaSource | None:
    """A source of bytes alone; None for any other."""
    if source is None or source.peek("bytes") is None:
        return None
    found = MediaSource(media_type=media_type, data=source.need_text("bytes"))
    return None if source.rest_set() else found


def _read_image(fields: Fields) -> Part | None:
    image = fields.need_child("image")
    media_type = IMAGE_TYPES.get(image.need_text("format"))
    source = _read_bytes(image.child("source"), media_type)
    if source is None or media_type is None:
        return None
    return ImagePart(source=source, extra=image.rest_set())


def _read_document(fields: Fields) -> Part | None:
    document = fields.need_child("document")
    name = document.text("format")
    source = document.need_child("source")
    title, context, citations = document.text("name"), document.text("context"), document.raw("citations")
    kept: Extra = {} if name is None else {"format": as_raw(name)}
    text, parts, found = None, None, None
    if source.peek("text") is not None:
        text = source.need_text("text")
    elif source.peek("content") is not None:
        parts = read_blocks(source.need_items("content"), source, "content")
    else:
        media_type = DOCUMENT_TYPES.get(name or "")
        found = _read_bytes(source, media_type)
        if found is None or media_type is None:
            return None
        kept = {}
    if source.rest_set():
        return None
    return DocumentPart(
        source=found,
        text=text,
        parts=parts,
        title=title,
        context=context,
        citations=citations,
        extra={**kept, **document.rest_set()},
    )


def _read_audio(fields: Fields) -> Part | None:
    audio = fields.need_child("audio")
    form = audio.need_text("format")
    source = _read_bytes(audio.child("source"), None)
    return None if source is None else AudioPart(data=source.data, format=form, extra=audio.rest_set())


def _read_tool_use(fields: Fields) -> Part | None:
    call = fields.need_child("toolUse")
    kind = call.text("type")
    if kind not in (None, _OWN_CALL):
        return None
    arguments = call.raw("input")
    return ToolCallPart(
        id=call.need_text("toolUseId"),
        name=call.need_text("name"),
        arguments="" if arguments is None else bytes(arguments).decode(),
        extra=call.rest_set(),
    )


def _read_tool_result(fields: Fields) -> Part | None:
    result = fields.need_child("toolResult")
    kind = result.text("type")
    if kind not in (None, "tool_result"):
        return None
    status = result.text("status")
    parts = read_blocks(result.items("content") or (), result, "content")
    extra = result.rest_set()
    if status not in (None, "error", "success"):
        extra["status"] = as_raw(status)
    call_id = result.need_text("toolUseId")
    return ToolResultPart(call_id=call_id, parts=parts, plain=False, is_error=status == "error", extra=extra)


def _read_reasoning(fields: Fields) -> Part | None:
    reasoning = fields.need_child("reasoningContent")
    if reasoning.peek("redactedContent") is not None:
        part = uncarry_redacted(reasoning.need_text("redactedContent"))
        return None if reasoning.rest_set() else part
    told = reasoning.child("reasoningText")
    if told is None or reasoning.rest_set():
        return None
    text, signature = told.text("text") or "", told.text("signature")
    return uncarry(ThinkingPart(text=text, signature=signature, dialect=NAME, extra=told.rest_set()))


def _read_cited(fields: Fields) -> Part | None:
    cited = fields.need_child("citationsContent")
    texts: list[str] = []
    for piece in cited.children("content") or ():
        texts.append(piece.need_text("text"))
        if piece.rest_set():
            return None
    citations = cited.raw("citations")
    if cited.rest_set() or citations is None:
        return None
    return TextPart(text="".join(texts), citations=citations, citations_dialect=NAME)


_READERS: Final[dict[str, Callable[[Fields], Part | None]]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "audio": _read_audio,
    "toolUse": _read_tool_use,
    "toolResult": _read_tool_result,
    "reasoningContent": _read_reasoning,
    "citationsContent": _read_cited,
}
