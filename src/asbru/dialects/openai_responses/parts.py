"""Content of items, both ways: text, images, files; what is unknown is foreign and rides along.

A data URL becomes a base64 source and back, text untouched. What the Responses API has no words for is named in the
receipt.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asbru.core.chat import (
    AudioPart,
    CacheMark,
    DocumentPart,
    ForeignPart,
    ImagePart,
    MediaSource,
    Part,
    Raw,
    RefusalPart,
    TextPart,
)
from asbru.dialects.data_urls import read_source, write_source
from asbru.dialects.fields import Fields, kind_of
from asbru.dialects.in_words import in_words
from asbru.dialects.openai_responses.types import ITEM, NAME
from asbru.dialects.receipt import Receipt

Written = dict[str, Any] | Raw

_TEXTS = ("input_text", "output_text", "text")
_QUOTE, _LIST = b'"', b"["


def read_content(item: Fields, name: str) -> tuple[tuple[Part, ...], bool]:
    """The parts of an item's content, and whether it was one plain string."""
    raw = item.peek(name)
    if raw is None:
        return (), False
    start = bytes(memoryview(raw)[:1])
    if start == _QUOTE:
        return (TextPart(text=item.text(name) or ""),), True
    if start != _LIST:
        raise item.wrong(name, f"expected a string or an array of parts, got {kind_of(raw)}")
    items = item.items(name) or []
    return tuple(read_part(item.as_object(one, f"{name}[{at}]"), one) for at, one in enumerate(items)), False


def read_part(part: Fields, raw: Raw) -> Part:
    """One part of a content."""
    kind = part.need_text("type")
    match kind:
        case "input_text" | "output_text" | "text":
            return _read_text(part)
        case "refusal":
            return RefusalPart(text=part.need_text("refusal"))
        case "input_image":
            return _read_image(part)
        case "input_file":
            return _read_file(part)
        case _:
            return ForeignPart(dialect=NAME, kind=kind, raw=raw)


def _read_text(part: Fields) -> TextPart:
    text = part.need_text("text")
    citations = part.raw("annotations")
    if citations is None or bytes(citations) == b"[]":
        return TextPart(text=text, extra=_without_empty(part))
    return TextPart(text=text, citations=citations, citations_dialect=NAME, extra=_without_empty(part))


def _without_empty(part: Fields) -> dict[str, Raw]:
    """The unknown members, without the list of log probabilities that is there for nothing."""
    return {name: raw for name, raw in part.rest_set().items() if not (name == "logprobs" and bytes(raw) == b"[]")}


def _read_image(part: Fields) -> ImagePart:
    url, file_id = part.text("image_url"), part.text("file_id")
    if (url is None) == (file_id is None):
        raise part.wrong("image_url", "expected exactly one of image_url and file_id")
    source = MediaSource(file_id=file_id) if url is None else read_source(url)
    return ImagePart(source=source, detail=part.text("detail"), extra=part.rest_set())


def _read_file(part: Fields) -> DocumentPart:
    data, url, file_id = part.text("file_data"), part.text("file_url"), part.text("file_id")
    if (data, url, file_id).count(None) != 2:
        raise part.wrong("file_data", "expected exactly one of file_data, file_url and file_id")
    if file_id is not None:
        source = MediaSource(file_id=file_id)
    elif url is not None:
        source = MediaSource(url=url)
    else:
        source = read_source(data or "")
        if source.data is None:  # base64 without a type
            source = MediaSource(data=data)
    return DocumentPart(source=source, title=part.text("filename"), extra=part.rest_set())


def bare_text(part: Part) -> str | None:
    """The text of a part that is text and nothing but text, and so fits the short form; else None."""
    if isinstance(part, TextPart) and part.cache is None and part.citations is None and not part.extra:
        return part.text
    return None


def write_parts(parts: Iterable[Part], path: str, receipt: Receipt) -> list[Written]:
    """The content of what a user, or a tool, says; parts that cannot be carried are noted."""
    written = (write_part(part, f"{path}.parts[{at}]", receipt) for at, part in enumerate(parts))
    return [one for one in written if one is not None]


def write_part(part: Part, path: str, receipt: Receipt) -> Written | None:
    """One part of what goes in; None (noted) where there is no place for it."""
    match part:
        case TextPart():
            if not part.text and not receipt.native:
                receipt.dropped(path, "empty text")
                return None
            if part.citations is not None:
                receipt.dropped(f"{path}.citations", "input text has none")
            return {"type": "input_text", "text": part.text, **_riding(part, path, receipt)}
        case ImagePart():
            return _write_image(part, path, receipt)
        case DocumentPart():
            return _write_document(part, path, receipt)
        case RefusalPart():
            receipt.changed(path, "a refusal became text")
            return {"type": "input_text", "text": part.text}
        case AudioPart() if part.transcript:
            receipt.changed(path, "audio became its transcript")
            return {"type": "input_text", "text": part.transcript}
        case ForeignPart() if part.dialect != NAME:
            text = in_words(part, path, receipt)
            return None if text is None else {"type": "input_text", "text": text}
        case ForeignPart():
            return part.raw
        case _:
            receipt.dropped(path, "the Responses API has no such input")
            return None


def write_foreign(part: ForeignPart, path: str, receipt: Receipt) -> Raw | None:
    """A part or an item of this dialect as it came; of another one, nothing."""
    if part.dialect == NAME:
        return part.raw
    receipt.dropped(path, f"{part.kind} has no equivalent")
    return None


def note_cache(mark: CacheMark | None, path: str, receipt: Receipt) -> None:
    """The Responses API caches by itself and takes no marks."""
    if mark is not None:
        receipt.dropped(f"{path}.cache", "the Responses API takes no cache marks")


def _riding(part: TextPart | ImagePart | DocumentPart, path: str, receipt: Receipt) -> dict[str, Raw]:
    """What rides along with a part."""
    note_cache(part.cache, path, receipt)
    extra = receipt.riding(path, part.extra) if part.extra else {}
    return {name: raw for name, raw in extra.items() if name != ITEM}


def _write_image(part: ImagePart, path: str, receipt: Receipt) -> Written | None:
    source = part.source
    written: dict[str, Any] = {"type": "input_image"}
    if source.file_id is not None:
        if not receipt.native:
            receipt.dropped(path, "a file id of another provider")
            return None
        written["file_id"] = source.file_id
    else:
        if source.data is not None and source.media_type is None:
            receipt.added(f"{path}.media_type", "image/png")
        written["image_url"] = write_source(source, "image/png")
    if part.detail is not None:
        written["detail"] = part.detail
    elif not receipt.native:
        written["detail"] = "auto"
    return written | _riding(part, path, receipt)


def _write_document(part: DocumentPart, path: str, receipt: Receipt) -> Written | None:
    for name in ("context", "citations"):
        if getattr(part, name) is not None:
            receipt.dropped(f"{path}.{name}", "files of the Responses API have no such member")
    source = part.source
    if source is None:
        return _write_text_document(part, path, receipt)
    written: dict[str, Any] = {"type": "input_file"}
    if source.file_id is not None:
        if not receipt.native:
            receipt.dropped(path, "a file id of another provider")
            return None
        written["file_id"] = source.file_id
    elif source.url is not None:
        written["file_url"] = source.url
    else:
        _write_file_data(written, source, path, receipt)
    if part.title is not None:
        written["filename"] = part.title
    elif not receipt.native and source.data is not None:
        written["filename"] = "document.pdf"
    return written | _riding(part, path, receipt)


def _write_file_data(written: dict[str, Any], source: MediaSource, path: str, receipt: Receipt) -> None:
    if source.media_type is None and receipt.native:
        written["file_data"] = source.data
        return
    if source.media_type is None:
        receipt.added(f"{path}.media_type", "application/pdf")
    written["file_data"] = write_source(source, "application/pdf")


def _write_text_document(part: DocumentPart, path: str, receipt: Receipt) -> Written:
    """A document that is text, or made of parts: files are binary, so it becomes text."""
    texts = [part.text] if part.text is not None else []
    for at, inner in enumerate(part.parts or ()):
        if isinstance(inner, TextPart):
            texts.append(inner.text)
        else:
            receipt.dropped(f"{path}.parts[{at}]", "only text of such a document is carried")
    if part.title is not None:
        texts.insert(0, part.title)
    receipt.changed(path, "a text document is written as text")
    return {"type": "input_text", "text": "\n\n".join(texts), **_riding(part, path, receipt)}
