"""Content blocks of the Messages API, read into canonical parts.

A block of a type that the canonical form has no part for (server tools and their results, search results, container
uploads, compaction), or of a known type in an unknown shape, becomes a `ForeignPart` with its raw JSON, so that it
can be written back byte for byte. Not here: writing (`block_writer.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from asbru.core.chat import (
    CacheMark,
    DocumentPart,
    Extra,
    ForeignPart,
    ImagePart,
    MediaSource,
    Part,
    Raw,
    RedactedThinkingPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.core.reply import PartDelta
from asbru.dialects.anthropic_messages.tool_ids import read_tool_id
from asbru.dialects.anthropic_messages.types import NAME, decode_any, decode_members, decode_text, encode
from asbru.dialects.fields import DECODE_ERRORS, NULL, Fields, kind_of

CARRIER: Final = "asbru:"
"""A signature of another dialect travels through callers of this one as `asbru:<dialect>:<signature>`."""

CARRIER_SPELLING: Final = ";"
"""Thinking without a signature is `asbru:<dialect>:`, or `asbru:<dialect>;<member>:` where it stood in a member that
its dialect has several of."""

UNSIGNED: Final = (
    b'"signature":',
    *(b'"signature":""', b'"signature": ""'),
    *(b'"signature":"asbru:', b'"signature": "asbru:'),
)
"""What requests with thinking hold that Anthropic has not signed, as serialisers write it; first what all have."""


class _Reference(msgspec.Struct):
    """A `tool_reference`: a tool that a search of tools has found."""

    tool_name: str


class _Text(msgspec.Struct):
    """A text block."""

    text: str


class _Search(msgspec.Struct):
    """A `search_result`: what a search of the caller's own has found."""

    title: str
    source: str
    content: list[_Text]


_decode_reference: Final = msgspec.json.Decoder(_Reference).decode
_decode_search: Final = msgspec.json.Decoder(_Search).decode


def read_content(fields: Fields, name: str) -> tuple[tuple[Part, ...], bool]:
    """The parts of a `content` member that is a string or an array of blocks, and whether it was a string."""
    raw = fields.peek(name)
    came = "nothing" if raw is None else kind_of(raw)
    if came == "a string":
        return (TextPart(text=fields.need_text(name)),), True
    if came != "an array":
        raise fields.wrong(name, f"expected a string or an array of blocks, got {came}")
    blocks = enumerate(fields.need_items(name))
    return tuple(read_block(raw, fields.as_object(raw, f"{name}[{n}]")) for n, raw in blocks), False


def read_block(raw: Raw, fields: Fields) -> Part:
    """One block: `raw`, opened as `fields`."""
    kind = fields.need_text("type")
    reader = _READERS.get(kind)
    part = reader(fields) if reader else None
    if part is not None:
        return part
    return ForeignPart(dialect=NAME, kind=kind, raw=raw, text=_in_words(kind, raw))


def _in_words(kind: str, raw: Raw) -> str | None:
    """What a block says to a model that does not know its type."""
    try:
        if kind == "tool_reference":
            return f"The tool {_decode_reference(raw).tool_name} is available."
        if kind == "search_result":
            found = _decode_search(raw)
            return "\n".join((found.title, found.source, "", *(part.text for part in found.content)))
    except DECODE_ERRORS:
        pass
    return None


def join_foreign(part: ForeignPart, deltas: Sequence[PartDelta]) -> ForeignPart:
    """A foreign block with what its deltas added: JSON text makes up its `input`; of an unknown delta the strings go
    on where the block has them already, and all else is set."""
    members = decode_members(part.raw)
    text = "".join(delta.text for delta in deltas if delta.text is not None)
    if text:
        members["input"] = _json_or_text(text)
    for delta in deltas:
        if delta.foreign is None:
            continue
        for name, raw in decode_members(delta.foreign).items():
            if name != "type":
                members[name] = _longer(members.get(name, NULL), raw)
    return ForeignPart(dialect=NAME, kind=part.kind, raw=Raw(encode(members)))


def _json_or_text(text: str) -> Raw:
    raw = text.encode()
    try:
        decode_any(raw)
    except DECODE_ERRORS:
        return Raw(encode(text))
    return Raw(raw)


def _longer(before: Raw, more: Raw) -> Raw:
    if kind_of(before) == kind_of(more) == "a string":
        return Raw(encode(decode_text(before) + decode_text(more)))
    return more


def read_cache(fields: Fields) -> CacheMark | None:
    """The `cache_control` member."""
    mark = fields.child("cache_control")
    if mark is None:
        return None
    return CacheMark(kind=mark.text("type") or "ephemeral", ttl=mark.text("ttl"), extra=mark.rest())


def read_signature(signature: str | None) -> tuple[str | None, str]:
    """A signature and the dialect whose provider made it."""
    if signature and signature.startswith(CARRIER):
        dialect, _, inner = signature.removeprefix(CARRIER).partition(":")
        return inner, dialect.partition(CARRIER_SPELLING)[0]
    return signature, NAME


def read_thought(text: str, signature: str | None, extra: Extra) -> ThinkingPart:
    """Thinking with its signature, or with what another dialect's carries in place of one."""
    found, dialect = read_signature(signature)
    if dialect == NAME or found or signature is None:
        return ThinkingPart(text=text, signature=found, dialect=dialect, extra=extra)
    word = signature.removeprefix(CARRIER).partition(":")[0].partition(CARRIER_SPELLING)[2]
    spelling = {"member": Raw(encode(word))} if word else {}
    return ThinkingPart(text=text, dialect=dialect, extra={**extra, **spelling})


def _read_text(fields: Fields) -> Part:
    citations = fields.raw("citations")
    return TextPart(
        text=fields.need_text("text"),
        cache=read_cache(fields),
        citations=citations,
        citations_dialect=None if citations is None else NAME,
        extra=fields.rest(),
    )


def _read_source(source: Fields) -> MediaSource | None:
    """A source of bytes; None for a form that `MediaSource` cannot hold."""
    kind = source.need_text("type")
    if kind == "base64":
        media_type = source.text("media_type") or None
        found = MediaSource(media_type=media_type, data=source.need_text("data"))
    elif kind == "url":
        found = MediaSource(url=source.need_text("url"))
    elif kind == "file":
        found = MediaSource(file_id=source.need_text("file_id"))
    else:
        return None
    return None if source.rest() else found


def _read_image(fields: Fields) -> Part | None:
    source = _read_source(fields.need_child("source"))
    if source is None:
        return None
    return ImagePart(source=source, cache=read_cache(fields), extra=fields.rest())


def _read_document(fields: Fields) -> Part | None:
    inner = fields.need_child("source")
    kind = inner.peek_text("type")
    source: MediaSource | None = None
    text: str | None = None
    parts: tuple[Part, ...] | None = None
    if kind == "text":
        text = _read_plain_source(inner)
    elif kind == "content":
        parts = _read_parts_source(inner)
    else:
        source = _read_source(inner)
    if source is None and text is None and parts is None:
        return None
    return DocumentPart(
        source=source,
        text=text,
        parts=parts,
        title=fields.text("title"),
        context=fields.text("context"),
        citations=fields.raw("citations"),
        cache=read_cache(fields),
        extra=fields.rest(),
    )


def _read_plain_source(source: Fields) -> str | None:
    source.text("type")
    text = source.need_text("data")
    media_type = source.text("media_type")
    return None if source.rest() or media_type not in (None, "text/plain") else text


def _read_parts_source(source: Fields) -> tuple[Part, ...] | None:
    source.text("type")
    parts, plain = read_content(source, "content")
    return None if plain or source.rest() else parts


def _read_tool_use(fields: Fields) -> Part:
    name = fields.need_text("name")
    given = fields.raw("input")
    if given is not None and kind_of(given) != "an object":
        raise fields.wrong("input", f"expected an object, got {kind_of(given)}")
    return ToolCallPart(
        id=read_tool_id(fields.need_text("id")),
        name=name,
        arguments="" if given is None else bytes(given).decode(),
        cache=read_cache(fields),
        extra=fields.rest(),
    )


def _read_tool_result(fields: Fields) -> Part:
    parts: tuple[Part, ...] = ()
    plain = True
    if fields.peek("content") is not None:
        parts, plain = read_content(fields, "content")
    return ToolResultPart(
        call_id=read_tool_id(fields.need_text("tool_use_id")),
        parts=parts,
        plain=plain,
        is_error=fields.boolean("is_error") or False,
        cache=read_cache(fields),
        extra=fields.rest(),
    )


def _read_thinking(fields: Fields) -> Part:
    signature = fields.text("signature")
    return read_thought(fields.need_text("thinking"), signature, fields.rest())


def _read_redacted(fields: Fields) -> Part:
    data, dialect = read_signature(fields.need_text("data"))
    return RedactedThinkingPart(data=data or "", dialect=dialect, extra=fields.rest())


_READERS: Final[dict[str, Callable[[Fields], Part | None]]] = {
    "text": _read_text,
    "image": _read_image,
    "document": _read_document,
    "tool_use": _read_tool_use,
    "tool_result": _read_tool_result,
    "thinking": _read_thinking,
    "redacted_thinking": _read_redacted,
}
