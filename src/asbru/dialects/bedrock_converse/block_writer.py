"""Canonical parts, written as content blocks of the Converse API.

What the API has no block for is left out and noted: images by URL, files by id, audio of another dialect's replies.
Thinking goes back with the signature of a provider of this dialect, or of Claude where the model is one. A cache mark
becomes a `cachePoint` after its block. Not here: messages (`request_writer.py`).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any, Final, NamedTuple, TypeAlias

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
from asbru.dialects.bedrock_converse.blocks import DEFAULT_MARK, MARKED
from asbru.dialects.bedrock_converse.carrier import carry, carry_redacted
from asbru.dialects.bedrock_converse.types import (
    CLAUDE,
    DOCUMENT_FORMATS,
    IMAGE_FORMATS,
    NAME,
    decode_any,
    decode_members,
    encode,
)
from asbru.dialects.data_urls import read_source
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.in_words import in_words
from asbru.dialects.receipt import Receipt
from asbru.dialects.surrogates import mend_surrogates

Block: TypeAlias = dict[str, Any] | Raw

_ID: Final = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
"""Ids of tool calls that the API takes."""
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9\s()\[\]-]|\s(?=\s)")
"""What the name of a document must not hold."""
_NAME_CHARS_MAX: Final = 200
_BASE64_STARTS: Final = (("iVBORw0KGgo", "png"), ("/9j/", "jpeg"), ("R0lGOD", "gif"), ("UklGR", "webp"))
_DOCUMENT: Final = "document"


class Target(NamedTuple):
    """Who reads the blocks. `claude`: it accepts signatures that Claude made; `answer`: a caller reads them; `names`:
    the names of the documents that are written so far, in lower case."""

    receipt: Receipt
    claude: bool = False
    answer: bool = False
    names: frozenset[str] | set[str] = frozenset()


def write_blocks(parts: Iterable[Part], path: str, target: Target) -> list[Block]:
    """The blocks of `parts`, with their cache points; those that cannot be carried are noted."""
    blocks: list[Block] = []
    for n, part in enumerate(parts):
        where = f"{path}.parts[{n}]"
        block = write_block(part, where, target)
        if block is None:
            continue
        blocks.append(block)
        mark = part.cache if isinstance(part, MARKED) else None
        if mark is not None:
            blocks.append({"cachePoint": write_mark(mark, where, target.receipt)})
    return blocks


def write_mark(mark: CacheMark, path: str, receipt: Receipt) -> dict[str, Any]:
    """A cache point's object."""
    point: dict[str, Any] = {"type": "default" if mark.kind == DEFAULT_MARK else mark.kind}
    if mark.ttl is not None:
        point["ttl"] = mark.ttl
    return point | receipt.riding(f"{path}.cache", mark.extra)


def write_block(part: Part, path: str, target: Target) -> Block | None:
    """One block; None when there is none for this part."""
    return _WRITERS[type(part)](part, path, target)


def write_call_id(call_id: str, target: Target) -> str:
    """The id of a call. In a request it has letters and a length that the API takes: others become a digest, the same
    for a call and its result."""
    if target.answer or target.receipt.native or _ID.fullmatch(call_id):
        return call_id
    return "asbru_" + sha256(call_id.encode("utf-8", "replace")).hexdigest()[:58]


def write_arguments(part: ToolCallPart, path: str, receipt: Receipt) -> Raw:
    """Tool arguments (JSON text) as the `input` object."""
    if part.custom:
        receipt.changed(f"{path}.arguments", "free text became an object")
        return Raw(encode({"input": part.arguments}))
    data = part.arguments.encode("utf-8", "replace")
    if not data.strip():
        return Raw(b"{}")
    for form in (data, mend_surrogates(data)):
        try:
            decode_members(form)
        except DECODE_ERRORS:
            continue
        return Raw(form)
    if receipt.native and _is_json(data):
        return Raw(data)
    receipt.changed(f"{path}.arguments", "not a JSON object; kept as text in _raw")
    return Raw(encode({"_raw": part.arguments}))


def _is_json(data: bytes) -> bool:
    try:
        decode_any(data)
    except DECODE_ERRORS:
        return False
    return True


def _write_text(part: TextPart, path: str, target: Target) -> Block | None:
    receipt = target.receipt
    if not receipt.native and not part.text.strip():  # the API refuses blank text
        receipt.dropped(path, "empty text")
        return None
    if part.citations is not None:
        if part.citations_dialect == NAME:
            return {"citationsContent": {"content": [{"text": part.text}], "citations": part.citations}}
        receipt.dropped(f"{path}.citations", "of another dialect")
    return {"text": part.text, **receipt.riding(path, part.extra)}


def _write_image(part: ImagePart, path: str, target: Target) -> Block | None:
    receipt = target.receipt
    if part.detail not in (None, "auto"):
        receipt.dropped(f"{path}.detail", "no equivalent")
    source = _bytes_of(part.source)
    if source is None:
        receipt.dropped(path, "the API takes images as bytes only")
        return None
    media_type = source.media_type
    form = IMAGE_FORMATS.get(media_type or "") or _format_of(source.data or "")
    if form is None:
        receipt.dropped(path, f"an image of type {(media_type or 'unknown')[:60]}")
        return None
    if IMAGE_FORMATS.get(media_type or "") is None:
        receipt.added(f"{path}.format", form)
    elif media_type == "image/jpg":
        receipt.changed(f"{path}.media_type", "image/jpeg")
    image = {"format": form, "source": {"bytes": source.data}}
    return {"image": image | receipt.riding(path, part.extra)}


def _bytes_of(source: MediaSource | None) -> MediaSource | None:
    if source is not None and source.url is not None:
        source = read_source(source.url)
    return source if source is not None and source.data is not None else None


def _format_of(data: str) -> str | None:
    return next((form for start, form in _BASE64_STARTS if data.startswith(start)), None)


def _write_document(part: DocumentPart, path: str, target: Target) -> Block | None:
    receipt = target.receipt
    extra = receipt.riding(path, part.extra)
    if part.text is not None:
        written: dict[str, Any] = {"source": {"text": part.text}}
    elif part.parts is not None:
        written = {"source": {"content": write_blocks(part.parts, path, target)}}
    else:
        found = _write_file(part, path, receipt)
        if found is None:
            return None
        written = found
    form = {"format": written.pop("format")} if "format" in written else {}
    name = part.title if receipt.native else _document_name(part.title, path, target)
    document: dict[str, Any] = {**form, **({} if name is None else {"name": name}), **written}
    if part.context is not None:
        document["context"] = part.context
    if part.citations is not None:
        document["citations"] = part.citations
    return {"document": document | extra}


def _write_file(part: DocumentPart, path: str, receipt: Receipt) -> dict[str, Any] | None:
    source = _bytes_of(part.source)
    if source is None:
        receipt.dropped(path, "the API takes documents as bytes only")
        return None
    media_type = (source.media_type or "application/pdf").partition(";")[0].strip()
    form = DOCUMENT_FORMATS.get(media_type)
    if form is None and media_type.startswith("text/") and _is_text(source.data or ""):
        form = "txt"
    if form is None:
        receipt.dropped(path, f"a document of type {media_type[:60]}")
        return None
    if DOCUMENT_FORMATS.get(source.media_type or "") != form:
        receipt.changed(path, f"sent as {form}")
    return {"format": form, "source": {"bytes": source.data}}


def _is_text(data: str) -> bool:
    try:
        base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return True


def _document_name(title: str | None, path: str, target: Target) -> str:
    receipt = target.receipt
    name = _NOT_IN_NAMES.sub("-" if title and not title.isspace() else "", title or "")[:_NAME_CHARS_MAX] or _DOCUMENT
    only = _unlike_others(name, target.names)
    if title is None:
        receipt.added(f"{path}.title", f"{only}: the API requires one")
    elif only != name:
        receipt.changed(f"{path}.title", f"{only}: an earlier document has the same name")
    elif name != title:
        receipt.changed(f"{path}.title", "letters that the API does not allow")
    return only


def _unlike_others(name: str, names: frozenset[str] | set[str]) -> str:
    """A name that no earlier document of the request has: the API refuses a request with two of the same
    (https://github.com/maximhq/bifrost/issues/7003). Earlier names stay as they are, so that a conversation that grows
    keeps its beginning."""
    if isinstance(names, frozenset):  # a reply: nothing checks it
        return name
    only, number = name, 1
    while only.lower() in names:
        number += 1
        only = f"{name[: _NAME_CHARS_MAX - 5]}-{number}"
    names.add(only.lower())
    return only


def _write_audio(part: AudioPart, path: str, target: Target) -> Block | None:
    receipt = target.receipt
    if part.data is not None and part.format is not None and part.id is None:
        if part.transcript:
            receipt.dropped(f"{path}.transcript", "no equivalent")
        audio = {"format": part.format, "source": {"bytes": part.data}}
        return {"audio": audio | receipt.riding(path, part.extra)}
    if part.transcript:
        receipt.changed(path, "audio became its transcript")
        return {"text": part.transcript}
    receipt.dropped(path, "audio that the API does not know")
    return None


def _write_refusal(part: RefusalPart, path: str, target: Target) -> Block | None:
    target.receipt.changed(path, "a refusal became text")
    return _write_text(TextPart(text=part.text), path, target)


def _write_thinking(part: ThinkingPart, path: str, target: Target) -> Block | None:
    receipt = target.receipt
    text: dict[str, Any] = {"text": part.text}
    if target.answer:
        signature = carry(part.signature or "", part.dialect)
    elif part.dialect == NAME or (target.claude and part.dialect == CLAUDE and part.signature):
        signature = part.signature or ""
    else:
        receipt.dropped(path, "thinking without a signature of this provider")
        return None
    if signature:
        text["signature"] = signature
    return {"reasoningContent": {"reasoningText": text | receipt.riding_thought(path, part.extra)}}


def _write_redacted(part: RedactedThinkingPart, path: str, target: Target) -> Block | None:
    if target.answer:
        data = carry_redacted(part)
    elif part.dialect == NAME or (target.claude and part.dialect == CLAUDE):
        data = part.data
    else:
        target.receipt.dropped(path, "thinking of another provider")
        return None
    target.receipt.riding_thought(path, part.extra)
    return {"reasoningContent": {"redactedContent": data}}


def _write_tool_use(part: ToolCallPart, path: str, target: Target) -> Block:
    receipt = target.receipt
    call_id = write_call_id(part.id, target)
    if call_id != part.id and part.id:
        receipt.changed(f"{path}.id", "letters or a length that the API does not allow")
    call: dict[str, Any] = {"toolUseId": call_id, "name": part.name, "input": write_arguments(part, path, receipt)}
    return {"toolUse": call | receipt.riding(path, part.extra)}


def _write_result(part: ToolResultPart, path: str, target: Target) -> Block:
    receipt = target.receipt
    if part.name is not None:
        receipt.dropped(f"{path}.name", "no equivalent")
    content: list[Block] = []
    for n, inner in enumerate(part.parts):
        where = f"{path}.parts[{n}]"
        block = write_block(inner, where, target)
        if isinstance(block, dict) and not _fits_result(block):
            receipt.dropped(where, "not in a result of a tool")
            block = None
        if getattr(inner, "cache", None) is not None:
            receipt.dropped(f"{where}.cache", "not in a result of a tool")
        if block is not None:
            content.append(block)
    result: dict[str, Any] = {"toolUseId": write_call_id(part.call_id, target), "content": content}
    if part.is_error:
        result["status"] = "error"
    return {"toolResult": result | receipt.riding(path, part.extra)}


def _fits_result(block: dict[str, Any]) -> bool:
    return next(iter(block)) in ("text", "image", "document")


def write_foreign(part: ForeignPart, path: str, target: Target) -> Block | None:
    """A block of this dialect as it came; of another one what it says in words, if it does."""
    if part.dialect == NAME:
        return part.raw
    text = in_words(part, path, target.receipt)
    return None if text is None else {"text": text}


_WRITERS: Final[dict[type, Callable[[Any, str, Target], Block | None]]] = {
    TextPart: _write_text,
    ImagePart: _write_image,
    DocumentPart: _write_document,
    AudioPart: _write_audio,
    ThinkingPart: _write_thinking,
    RedactedThinkingPart: _write_redacted,
    RefusalPart: _write_refusal,
    ToolCallPart: _write_tool_use,
    ToolResultPart: _write_result,
    ForeignPart: write_foreign,
}
