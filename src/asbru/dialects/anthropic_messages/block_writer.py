"""Canonical parts, written as content blocks of the Messages API.

What the API has no block for is left out and noted; thinking goes back only with the signature that this dialect's
provider gave it (another dialect's signature travels as a carrier in replies, see `blocks.CARRIER`, never in
requests). Base64 is passed on as text; only a plain-text file of another dialect is decoded. Not here: messages.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from asbru.core.chat import (
    AudioPart,
    CacheMark,
    DocumentPart,
    ForeignPart,
    ImagePart,
    MediaSource,
    Part,
    Raw,
    RedactedThinkingPart,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.anthropic_messages.tool_ids import write_short_tool_id, write_tool_id
from asbru.dialects.anthropic_messages.types import NAME, SIGNERS, decode_members, encode
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.in_words import in_words
from asbru.dialects.receipt import Receipt
from asbru.dialects.surrogates import mend_surrogates

Block: TypeAlias = dict[str, Any] | Raw

_BASE64_STARTS: Final = (
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
)


def write_blocks(parts: Iterable[Part], path: str, receipt: Receipt) -> list[Block]:
    """The blocks of `parts`; those that cannot be carried are noted."""
    blocks: list[Block] = []
    for n, part in enumerate(parts):
        block = write_block(part, f"{path}.parts[{n}]", receipt)
        if block is not None:
            blocks.append(block)
    return blocks


def write_block(part: Part, path: str, receipt: Receipt) -> Block | None:
    """One block of a request; None when there is none for this part."""
    return _WRITERS[type(part)](part, path, receipt)


def write_cache(mark: CacheMark | None, path: str, receipt: Receipt) -> dict[str, Any]:
    """The `cache_control` member, as an object to merge: empty without a mark."""
    if mark is None:
        return {}
    control: dict[str, Any] = {"type": mark.kind}
    if mark.ttl is not None:
        control["ttl"] = mark.ttl
    control.update(receipt.riding(f"{path}.cache", mark.extra))
    return {"cache_control": control}


def write_arguments(arguments: str, path: str, receipt: Receipt, *, custom: bool = False) -> Raw:
    """Tool arguments (JSON text) as the `input` object."""
    if custom:
        receipt.changed(f"{path}.arguments", "free text became an object")
        return Raw(encode({"input": arguments}))
    if not arguments.strip():
        return Raw(b"{}")
    data = arguments.encode()
    try:
        decode_members(data)
    except DECODE_ERRORS:
        mended = mend_surrogates(data)
        if mended is not data:
            return write_arguments(mended.decode(), path, receipt)
        receipt.changed(f"{path}.arguments", "not a JSON object; kept as text in _raw")
        return Raw(encode({"_raw": arguments}))
    return Raw(data)


def write_text(part: TextPart, path: str, receipt: Receipt) -> dict[str, Any]:
    """A text block, empty or not."""
    block: dict[str, Any] = {"type": "text", "text": part.text}
    if part.citations is not None:
        if part.citations_dialect == NAME:
            block["citations"] = part.citations
        else:
            receipt.dropped(f"{path}.citations", "of another dialect")
    block.update(write_cache(part.cache, path, receipt))
    block.update(receipt.riding(path, part.extra))
    return block


def write_tool_use(part: ToolCallPart, path: str, receipt: Receipt, *, answer: bool = False) -> dict[str, Any]:
    """A tool_use block, of a request or of an answer."""
    call_id = (write_tool_id if answer or receipt.native else write_short_tool_id)(part.id)
    if part.id and call_id != part.id and not receipt.native:
        receipt.changed(f"{path}.id", "letters or a length that the API does not allow")
    return {
        "type": "tool_use",
        "id": call_id,
        "name": part.name,
        "input": write_arguments(part.arguments, path, receipt, custom=part.custom),
        **write_cache(part.cache, path, receipt),
        **receipt.riding(path, part.extra),
    }


def write_foreign(part: ForeignPart, path: str, receipt: Receipt) -> Raw | None:
    """A block of this dialect as it came."""
    if part.dialect == NAME:
        return part.raw
    receipt.dropped(path, f"{part.kind} has no equivalent")
    return None


def _write_said(part: ForeignPart, path: str, receipt: Receipt) -> Block | None:
    """A block of this dialect as it came; of another one what it says in words, if it does."""
    if part.dialect == NAME:
        return part.raw
    text = in_words(part, path, receipt)
    return None if text is None else {"type": "text", "text": text}


def _write_text(part: TextPart, path: str, receipt: Receipt) -> Block | None:
    # The API refuses empty text, and for requests it did not write itself also text of white space alone.
    if not part.text or (not receipt.native and not part.text.strip()):
        receipt.dropped(path, "empty text")
        return None
    return write_text(part, path, receipt)


def _write_source(source: MediaSource, path: str, receipt: Receipt) -> dict[str, Any] | None:
    if source.url is not None and source.url.startswith("data:"):
        head, _, data = source.url.partition(",")
        media_type = head.removeprefix("data:").partition(";")[0]
        source = MediaSource(media_type=media_type or None, data=data)
    if source.data is not None:
        media_type = source.media_type or _media_type_of(source.data)
        if media_type is not None and media_type != source.media_type:
            receipt.added(f"{path}.media_type", media_type)
        typed = {} if media_type is None else {"media_type": media_type}
        return {"type": "base64", **typed, "data": source.data}
    if source.url is not None:
        return {"type": "url", "url": source.url}
    if source.file_id is not None and receipt.native:
        return {"type": "file", "file_id": source.file_id}
    receipt.dropped(path, "a file id of another provider")
    return None


def _media_type_of(data: str) -> str | None:
    for start, media_type in _BASE64_STARTS:
        if data.startswith(start):
            return media_type
    return None


def _write_image(part: ImagePart, path: str, receipt: Receipt) -> Block | None:
    source = _write_source(part.source, path, receipt)
    if source is None:
        return None
    if part.detail not in (None, "auto"):
        receipt.dropped(f"{path}.detail", "no equivalent")
    return {
        "type": "image",
        "source": source,
        **write_cache(part.cache, path, receipt),
        **receipt.riding(path, part.extra),
    }


def _write_document(part: DocumentPart, path: str, receipt: Receipt) -> Block | None:
    source = _document_source(part, path, receipt)
    if source is None:
        return None
    block: dict[str, Any] = {"type": "document", "source": source}
    if part.title is not None:
        block["title"] = part.title
    if part.context is not None:
        block["context"] = part.context
    if part.citations is not None:
        block.update(receipt.riding(path, {"citations": part.citations}))
    block.update(write_cache(part.cache, path, receipt))
    block.update(receipt.riding(path, part.extra))
    return block


def _document_source(part: DocumentPart, path: str, receipt: Receipt) -> dict[str, Any] | None:
    if part.text is not None:
        return {"type": "text", "media_type": "text/plain", "data": part.text}
    if part.parts is not None:
        return {"type": "content", "content": write_blocks(part.parts, path, receipt)}
    if part.source is None:
        receipt.dropped(path, "a document without a source")
        return None
    written = _write_source(part.source, path, receipt)
    if written is None or receipt.native or written["type"] != "base64":
        return written
    media_type = written.get("media_type")
    if not media_type:
        media_type = "application/pdf"
        receipt.added(f"{path}.media_type", media_type)
    if media_type == "application/pdf":
        return {**written, "media_type": media_type}
    text = _plain_text(written["data"]) if media_type.startswith("text/") else None
    if text is None:
        receipt.dropped(path, f"a document of type {media_type[:60]}")
        return None
    receipt.changed(path, "a text file became a text document")
    return {"type": "text", "media_type": "text/plain", "data": text}


def _plain_text(data: str) -> str | None:
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None


def _write_audio(part: AudioPart, path: str, receipt: Receipt) -> Block | None:
    if part.transcript:
        receipt.changed(path, "audio became its transcript")
        return {"type": "text", "text": part.transcript}
    receipt.dropped(path, "no audio input")
    return None


def _write_refusal(part: RefusalPart, path: str, receipt: Receipt) -> Block | None:
    receipt.changed(path, "a refusal became text")
    return _write_text(TextPart(text=part.text), path, receipt)


def _write_thinking(part: ThinkingPart, path: str, receipt: Receipt) -> Block | None:
    if part.dialect not in SIGNERS or not part.signature:
        receipt.dropped(path, "thinking without a signature of this provider")
        return None
    return {
        "type": "thinking",
        "thinking": part.text,
        "signature": part.signature,
        **receipt.riding_thought(path, part.extra),
    }


def _write_redacted(part: RedactedThinkingPart, path: str, receipt: Receipt) -> Block | None:
    if part.dialect != NAME:
        receipt.dropped(path, "thinking of another provider")
        return None
    return {"type": "redacted_thinking", "data": part.data, **receipt.riding_thought(path, part.extra)}


def _write_result(part: ToolResultPart, path: str, receipt: Receipt) -> Block | None:
    call_id = (write_tool_id if receipt.native else write_short_tool_id)(part.call_id)
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id}
    plain = bare_text(part.parts[0]) if part.plain and len(part.parts) == 1 else None
    if plain is not None:
        block["content"] = plain
    elif part.parts or not part.plain:
        block["content"] = write_blocks(part.parts, path, receipt)
    if part.is_error:
        block["is_error"] = True
    if part.name is not None:
        receipt.dropped(f"{path}.name", "no equivalent")
    block.update(write_cache(part.cache, path, receipt))
    block.update(receipt.riding(path, part.extra))
    return block


def bare_text(part: Part) -> str | None:
    """The text of a part that is text and nothing but text, and so fits the short form; else None."""
    if isinstance(part, TextPart) and part.cache is None and part.citations is None and not part.extra:
        return part.text
    return None


_WRITERS: Final[dict[type, Callable[[Any, str, Receipt], Block | None]]] = {
    TextPart: _write_text,
    ImagePart: _write_image,
    DocumentPart: _write_document,
    AudioPart: _write_audio,
    ThinkingPart: _write_thinking,
    RedactedThinkingPart: _write_redacted,
    RefusalPart: _write_refusal,
    ToolCallPart: write_tool_use,
    ToolResultPart: _write_result,
    ForeignPart: _write_said,
}
