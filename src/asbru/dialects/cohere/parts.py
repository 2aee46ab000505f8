"""Content of messages, both ways: texts, images, thinking, documents of tools; what is unknown is foreign.

What Cohere has no part for is left out and noted. Not here: tool calls and citations, which stand beside the content.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from asbru.core.chat import (
    AudioPart,
    DocumentPart,
    ForeignPart,
    ImagePart,
    Part,
    Raw,
    RefusalPart,
    TextPart,
    ThinkingPart,
)
from asbru.dialects.cohere.documents import read_document, write_document
from asbru.dialects.cohere.types import NAME, decode_members, encode
from asbru.dialects.data_urls import read_source, write_source
from asbru.dialects.fields import NULL, Fields, kind_of
from asbru.dialects.receipt import Receipt

Block: TypeAlias = dict[str, Any] | Raw

_QUOTE, _LIST = b'"', b"["


def read_content(message: Fields) -> tuple[tuple[Part, ...], bool]:
    """The parts of `content`, and whether it was one string."""
    raw = message.peek("content")
    if raw is None:
        return (), False
    start = bytes(memoryview(raw)[:1])
    if start == _QUOTE:
        return (TextPart(text=message.text("content") or ""),), True
    if start != _LIST:
        raise message.wrong("content", f"expected a string or an array of parts, got {kind_of(raw)}")
    items = message.items("content") or []
    return tuple(_read_part(message.as_object(item, f"content[{at}]"), item) for at, item in enumerate(items)), False


def _read_part(part: Fields, raw: Raw) -> Part:
    kind = part.need_text("type")
    match kind:
        case "text":
            return TextPart(text=part.need_text("text"), extra=part.rest_set())
        case "thinking":
            return ThinkingPart(text=part.need_text("thinking"), dialect=NAME, extra=part.rest_set())
        case "image_url":
            return _read_image(part)
        case "document":
            inner = part.raw("document")
            return read_document(part, NULL if inner is None else inner, "document")
        case _:
            return ForeignPart(dialect=NAME, kind=kind, raw=raw)


def _read_image(part: Fields) -> ImagePart:
    image = part.need_child("image_url")
    extra = part.rest_set()
    source, detail, left = read_source(image.need_text("url")), image.text("detail"), image.rest_set()
    if left:
        extra["image_url"] = Raw(encode(left))
    return ImagePart(source=source, detail=detail, extra=extra)


def write_parts(parts: Iterable[tuple[str, Part]], receipt: Receipt, *, thinks: bool) -> list[Block]:
    """The content of `parts`, each with its path. `thinks`: the target takes thinking back."""
    written = (write_part(part, path, receipt, thinks=thinks) for path, part in parts)
    return [block for block in written if block is not None]


def write_part(part: Part, path: str, receipt: Receipt, *, thinks: bool = False) -> Block | None:
    """One part; None (noted) where there is no place for it."""
    if getattr(part, "cache", None) is not None:
        receipt.dropped(f"{path}.cache", "Cohere takes no cache marks")
    match part:
        case TextPart():
            return {"type": "text", "text": part.text, **receipt.riding(path, part.extra)}
        case ThinkingPart():
            return write_thinking(part, path, receipt, thinks=thinks)
        case ImagePart():
            return _write_image(part, path, receipt)
        case DocumentPart():
            document = write_document(part, path, receipt)
            return None if document is None else {"type": "document", "document": document}
        case RefusalPart():
            receipt.changed(path, "a refusal became text")
            return {"type": "text", "text": part.text}
        case AudioPart() if part.transcript:
            receipt.changed(path, "audio became its transcript")
            return {"type": "text", "text": part.transcript}
        case ForeignPart():
            return _write_foreign(part, path, receipt)
        case _:
            receipt.dropped(path, "Cohere has no such part")
            return None


def write_thinking(part: ThinkingPart, path: str, receipt: Receipt, *, thinks: bool) -> Block | None:
    """Thinking goes back to who can read it: not what another provider signed, and not to a model without it."""
    if not receipt.native and (part.signature or not thinks or not part.text):
        receipt.dropped(path, "thinking that the target does not take")
        return None
    return {"type": "thinking", "thinking": part.text, **receipt.riding_thought(path, part.extra)}


def _write_foreign(part: ForeignPart, path: str, receipt: Receipt) -> Block | None:
    if part.dialect == NAME:
        return part.raw
    if part.text is not None:
        receipt.changed(path, f"{part.kind} is written as text")
        return {"type": "text", "text": part.text}
    receipt.dropped(path, f"{part.kind} is known to {part.dialect} only")
    return None


def _write_image(part: ImagePart, path: str, receipt: Receipt) -> Block | None:
    source = part.source
    url = write_source(source, "image/png")
    if url is None:
        receipt.dropped(path, "a file id of another provider")
        return None
    if source.data is not None and source.media_type is None:
        receipt.added(f"{path}.media_type", "image/png")
    image: dict[str, Any] = {"url": url}
    if part.detail is not None:
        image["detail"] = part.detail
    extra = receipt.riding(path, part.extra)
    if "image_url" in extra:
        image |= decode_members(extra["image_url"])
    return {"type": "image_url", "image_url": image, **{k: raw for k, raw in extra.items() if k != "image_url"}}


def bare_text(block: Block) -> str | None:
    """The text of what was written, where it is text and nothing else."""
    if isinstance(block, dict) and block.keys() == {"type", "text"}:
        return str(block["text"])
    return None
