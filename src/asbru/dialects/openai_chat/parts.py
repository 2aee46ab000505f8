"""Content parts of messages, both ways: text, images, files, audio, refusals; the rest is foreign and rides
along.

A data URL becomes a base64 source and back, text untouched. Where a part comes from another dialect and
chat has no words for something in it, the receipt names it.
"""

from __future__ import annotations

import msgspec

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
from asbru.core.traits import Traits
from asbru.dialects.data_urls import read_source, write_source
from asbru.dialects.fields import Fields, kind_of
from asbru.dialects.openai_chat.reasoning import read_thinking_content
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.receipt import Receipt


def read_content(message: Fields, name: str = "content") -> tuple[tuple[Part, ...], bool]:
    """The parts of a message's content and whether it was one plain string."""
    raw = message.peek(name)
    if raw is None:
        return (), False
    if raw_starts(raw, b'"'):
        return (TextPart(text=message.text(name) or ""),), True
    if not raw_starts(raw, b"["):
        raise message.wrong(name, f"expected a string or an array of parts, got {kind_of(raw)}")
    items = message.items(name) or []
    return tuple(_read_item(message, item, f"{name}[{at}]") for at, item in enumerate(items)), False


def raw_starts(raw: Raw, first: bytes) -> bool:
    """Whether a JSON value begins with `first`; tells strings, lists and objects apart."""
    return bytes(memoryview(raw)[:1]) == first


def read_arguments(function: Fields) -> str:
    """The arguments of a call, as JSON text: some providers send an object, or null."""
    raw = function.peek("arguments")
    if raw is None or not raw_starts(raw, b"{"):
        return function.text("arguments") or ""
    function.raw("arguments")
    return bytes(raw).decode()


def _read_item(message: Fields, item: Raw, name: str) -> Part:
    if raw_starts(item, b'"'):  # a bare string among parts: met in the wild
        return TextPart(text=message.as_text(item, name))
    part = message.as_object(item, name)
    kind = part.need_text("type")
    known = _read_known(part, kind)
    return known if known is not None else ForeignPart(dialect=NAME, kind=kind, raw=item)


def _read_known(part: Fields, kind: str) -> Part | None:
    match kind:
        case "text":
            text = part.need_text("text")
            return TextPart(text=text, cache=read_cache(part), extra=part.rest())
        case "image_url":
            return _read_image(part)
        case "file":
            return _read_file(part)
        case "input_audio":
            raw = part.peek("input_audio")
            if raw is not None and raw_starts(raw, b'"'):  # Mistral's own form rides along
                return None
            audio = part.need_child("input_audio")
            data, form = audio.need_text("data"), audio.text("format")
            return AudioPart(data=data, format=form, extra=_nested(part, "input_audio", audio))
        case "refusal":
            return RefusalPart(text=part.need_text("refusal"))
        case "thinking":
            return read_thinking_content(part)
        case _:
            return None


def _nested(part: Fields, name: str, inner: Fields) -> dict[str, Raw]:
    """The unknown members of a part and, under its own name, of the object inside it."""
    extra = part.rest()
    left = inner.rest()
    if left:
        extra[name] = Raw(msgspec.json.encode(left))
    return extra


def _read_image(part: Fields) -> ImagePart:
    raw = part.peek("image_url")
    if raw is not None and raw_starts(raw, b'"'):  # Mistral takes a bare URL
        source = read_source(part.need_text("image_url"))
        return ImagePart(source=source, cache=read_cache(part), extra=part.rest())
    image = part.need_child("image_url")
    source = read_source(image.need_text("url"))
    detail = image.text("detail")
    return ImagePart(source=source, detail=detail, cache=read_cache(part), extra=_nested(part, "image_url", image))


def _read_file(part: Fields) -> DocumentPart:
    file = part.need_child("file")
    data, file_id = file.text("file_data"), file.text("file_id")
    if (data is None) == (file_id is None):
        raise part.wrong("file", "expected exactly one of file_data and file_id")
    if data is None:
        source = MediaSource(file_id=file_id)
    elif data.startswith(("data:", "http://", "https://")):
        source = read_source(data)
    else:
        source = MediaSource(data=data)
    title = file.text("filename")
    return DocumentPart(source=source, title=title, cache=read_cache(part), extra=_nested(part, "file", file))


def read_cache(part: Fields) -> CacheMark | None:
    """A `cache_control` mark as OpenRouter and others accept it on parts and tools."""
    mark = part.child("cache_control")
    if mark is None:
        return None
    kind, ttl = mark.text("type"), mark.text("ttl")
    return CacheMark(kind=kind or "ephemeral", ttl=ttl, extra=mark.rest())


def write_cache(mark: CacheMark) -> dict[str, object]:
    """The `cache_control` object."""
    ttl = {} if mark.ttl is None else {"ttl": mark.ttl}
    return {"type": mark.kind, **ttl, **mark.extra}


def bare_text(part: Part) -> str | None:
    """The text of a part that is text and nothing but text; else None."""
    if isinstance(part, TextPart) and part.cache is None and part.citations is None and not part.extra:
        return part.text
    return None


class PartWriter:
    """Writes content parts of one request. `own`: it was read from this dialect, so what is unknown rides
    along; `marks`: the upstream understands cache marks; `reasoning_back`, `reasoning_stand_in`: see `Traits`."""

    __slots__ = ("marks", "own", "reasoning_back", "reasoning_stand_in", "receipt")

    def __init__(self, receipt: Receipt, traits: Traits) -> None:
        self.own = receipt.native
        self.marks = traits.cache_marks or self.own
        self.reasoning_back = traits.reasoning_back
        self.reasoning_stand_in = traits.reasoning_stand_in
        self.receipt = receipt

    def write(self, part: Part, path: str) -> dict[str, object] | Raw | None:
        """The wire form of a part that is content; None (noted) when chat has none."""
        written: dict[str, object] | None = None
        match part:
            case TextPart():
                written = {"type": "text", "text": part.text}
                if bare_text(part) is not None:
                    return written
                self._note_citations(part, path)
            case ImagePart():
                written = self._image(part, path)
            case DocumentPart():
                written = self._document(part, path)
            case AudioPart() if part.data is not None:
                audio = {"data": part.data} | ({} if part.format is None else {"format": part.format})
                written = {
                    "type": "input_audio",
                    "input_audio": self._merge(part.extra, "input_audio", audio),
                }
            case RefusalPart():
                return {"type": "refusal", "refusal": part.text}
            case ForeignPart():
                return self._foreign(part, path)
            case _:
                self.receipt.dropped(path, "chat has no such content part")
        if written is None:
            return None
        return written | self.ride_along(part, path)

    def _foreign(self, part: ForeignPart, path: str) -> dict[str, object] | Raw | None:
        """A part as it came, or what another dialect's says in words."""
        if part.dialect == NAME:
            return part.raw
        if part.text is not None:
            self.receipt.changed(path, f"{part.kind} is written as text")
            return {"type": "text", "text": part.text}
        self.receipt.dropped(path, f"{part.kind} is known to {part.dialect} only")
        return None

    def _note_citations(self, part: TextPart, path: str) -> None:
        if part.citations is not None:
            self.receipt.dropped(f"{path}.citations", "chat has no citations in a request")

    def ride_along(self, part: Part, path: str) -> dict[str, object]:
        """The cache mark and the unknown members of a part, or a note for each that stays behind."""
        members: dict[str, object] = {}
        cache = getattr(part, "cache", None)
        if isinstance(cache, CacheMark):
            members |= self.cache(cache, path)
        extra: dict[str, Raw] = getattr(part, "extra", {})
        if self.own:
            nested = _INNER.get(type(part), "")
            members |= {name: raw for name, raw in extra.items() if name != nested}
        else:
            self.receipt.foreign(path, extra)
        return members

    def cache(self, mark: CacheMark, path: str) -> dict[str, object]:
        """`cache_control`, where the upstream reads it."""
        if self.marks:
            return {"cache_control": write_cache(mark)}
        self.receipt.dropped(f"{path}.cache", "the upstream takes no cache marks")
        return {}

    def _merge(self, extra: dict[str, Raw], name: str, inner: dict[str, str]) -> dict[str, object]:
        """The inner object of a part with the unknown members it came with."""
        if not self.own or name not in extra:
            return dict(inner)
        return {**msgspec.json.decode(extra[name], type=dict[str, Raw]), **inner}

    def _url(self, source: MediaSource, media_type: str, path: str) -> str | None:
        """The URL of a source; that data of no type is taken for `media_type` is noted."""
        if source.data is not None and source.media_type is None:
            self.receipt.added(f"{path}.media_type", media_type)
        return write_source(source, media_type)

    def _image(self, part: ImagePart, path: str) -> dict[str, object] | None:
        url = self._url(part.source, "image/png", path)
        if url is None:
            self.receipt.dropped(path, "chat takes images by URL or data, not by file id")
            return None
        image = {"url": url} | ({} if part.detail is None else {"detail": part.detail})
        return {"type": "image_url", "image_url": self._merge(part.extra, "image_url", image)}

    def _document(self, part: DocumentPart, path: str) -> dict[str, object] | None:
        for name in ("context", "citations"):
            if getattr(part, name) is not None:
                self.receipt.dropped(f"{path}.{name}", "chat files have no such member")
        if part.source is None:
            return self._text_document(part, path)
        source = part.source
        if source.file_id is not None:
            file = {"file_id": source.file_id}
            if not self.own:
                self.receipt.dropped(path, "a file id of another provider")
                return None
        elif source.url is not None and not self.own:
            self.receipt.dropped(path, "chat takes no documents by URL")
            return None
        elif source.data is not None and source.media_type is None and self.own:
            file = {"file_data": source.data}
        else:
            file = {"file_data": self._url(source, "application/pdf", path) or ""}
        if part.title is not None:
            file["filename"] = part.title
        elif not self.own:
            file["filename"] = "document.pdf"
        return {"type": "file", "file": self._merge(part.extra, "file", file)}

    def _text_document(self, part: DocumentPart, path: str) -> dict[str, object]:
        """A document that is text, or made of parts: chat's files are binary, so it becomes a text part."""
        texts = [part.text] if part.text is not None else []
        for at, inner in enumerate(part.parts or ()):
            if isinstance(inner, TextPart):
                texts.append(inner.text)
            else:
                self.receipt.dropped(f"{path}.parts[{at}]", "only text of such a document is carried")
        if part.title is not None:
            texts.insert(0, part.title)
        self.receipt.changed(path, "a text document is written as text")
        return {"type": "text", "text": "\n\n".join(texts)}


_INNER: dict[type, str] = {ImagePart: "image_url", DocumentPart: "file", AudioPart: "input_audio"}
