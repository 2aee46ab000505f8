"""Canonical parts, written as the parts of a content, with notes of what has no place there.

A thought that is only a signature of this API is put on the part that follows it. In a request of another dialect,
whose clients keep all reasoning before all calls, it waits for the next call, if there is one. Thinking of another
dialect goes to callers as a thought that carries the dialect's name (`types.carry`), and to no provider.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from asbru.core.chat import (
    AudioPart,
    DocumentPart,
    Extra,
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
)
from asbru.dialects.data_urls import read_source
from asbru.dialects.gemini.parts import AROUND, is_object
from asbru.dialects.gemini.types import MARK, NAME, carry, decode_members
from asbru.dialects.in_words import in_words
from asbru.dialects.receipt import Receipt

Written = dict[str, Any] | Raw
SIGNATURE: Final = "thoughtSignature"
_IMAGE: Final = "image/png"
_PDF: Final = "application/pdf"
_TYPES: Final = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "heif": "image/heif",
}
"""Types of media by the ends of their addresses."""


class PartList:
    """The parts that one message, or a reply, becomes. `answer`: they go to a caller, who also gets thinking that
    others have signed. `stand_in`: what the model takes in the place of a signature on the first call of a message."""

    __slots__ = ("_answer", "_path", "_receipt", "_signatures", "_stand_in", "_waits_for_call", "parts")

    def __init__(self, path: str, receipt: Receipt, *, answer: bool, stand_in: str | None = None) -> None:
        self.parts: list[Written] = []
        self._path = path
        self._receipt = receipt
        self._answer = answer
        self._stand_in = None if answer else stand_in
        self._signatures: list[str] = []
        self._waits_for_call = False

    def add_all(self, parts: Sequence[Part]) -> None:
        """All parts of a message, in order."""
        calls = [at for at, part in enumerate(parts) if isinstance(part, ToolCallPart)]
        for at, part in enumerate(parts):
            self._waits_for_call = not self._receipt.native and not self._answer and bool(calls) and at < calls[-1]
            self.add(part, f"{self._path}.parts[{at}]")
        self.close()

    def add(self, part: Part, path: str) -> None:
        """One part more."""
        match part:
            case ThinkingPart():
                self._thought(part, path)
            case RedactedThinkingPart():
                self._redacted(part, path)
            case ToolCallPart():
                self._call(part, path)
            case _:
                written = write_part(part, path, self._receipt)
                if written is not None:
                    self._put(written)

    def close(self) -> None:
        """The end of the message: a signature that is left stands alone."""
        for signature in self._signatures:
            self.parts.append({"text": "", SIGNATURE: signature})
        self._signatures.clear()

    def _put(self, written: Written, *, call: bool = False) -> None:
        if isinstance(written, dict) and self._signatures and (call or not self._waits_for_call):
            written[SIGNATURE] = self._signatures.pop(0)
        self.parts.append(written)

    def _thought(self, part: ThinkingPart, path: str) -> None:
        receipt = self._receipt
        if part.dialect == NAME:
            if part.signature is not None and not part.text and not part.extra:
                if receipt.native or self._answer:
                    self.close()
                self._signatures.append(part.signature)
                return
        elif not self._answer:
            receipt.dropped(path, "thinking of another provider")
            return
        extra = receipt.riding_thought(path, part.extra) if part.extra else {}
        written: dict[str, Any] = {"text": part.text, "thought": True}
        written |= {name: raw for name, raw in extra.items() if name != MARK}
        if part.dialect != NAME:
            written[SIGNATURE] = carry(part.signature or "", part.dialect)
        elif part.signature is not None:
            if receipt.native or self._answer:
                written[SIGNATURE] = part.signature
            else:  # clients of other dialects join it to the thought before it
                self._signatures.append(part.signature)
        self.parts.append(written)

    def _redacted(self, part: RedactedThinkingPart, path: str) -> None:
        if not self._answer:
            self._receipt.dropped(path, "thinking of another provider")
            return
        if part.extra:
            self._receipt.riding_thought(path, part.extra)
        signature = carry(part.data, part.dialect, redacted=True)
        self.parts.append({"text": "", "thought": True, SIGNATURE: signature})

    def _call(self, part: ToolCallPart, path: str) -> None:
        written = write_call(part, path, self._receipt)
        self._put(written, call=True)
        if self._stand_in is not None:
            if SIGNATURE not in written:
                written[SIGNATURE] = self._stand_in
                self._receipt.added(f"{path}.{SIGNATURE}", "the call was made by another model")
            self._stand_in = None  # only the first call of a turn is signed


def write_call(part: ToolCallPart, path: str, receipt: Receipt) -> dict[str, Any]:
    """A call of a function."""
    note_cache(part, path, receipt)
    extra = receipt.riding(path, part.extra) if part.extra else {}
    call: dict[str, Any] = {} if MARK in extra else {"id": part.id}
    call["name"] = part.name
    if part.custom:
        receipt.changed(path, "free text became the member `input`")
        call["args"] = {"input": part.arguments}
    elif is_object(part.arguments):
        call["args"] = Raw(part.arguments.encode())
    elif part.arguments.strip():
        receipt.changed(path, "arguments that are no object became the member `arguments`")
        call["args"] = {"arguments": part.arguments}
    elif not receipt.native:
        call["args"] = {}
    around = decode_members(extra[AROUND]) if AROUND in extra else {}
    return {"functionCall": call | {name: raw for name, raw in extra.items() if name not in (MARK, AROUND)}, **around}


def write_part(part: Part, path: str, receipt: Receipt) -> Written | None:
    """Text or a medium; None (noted) for what has no place here."""
    match part:
        case TextPart():
            return _write_text(part, path, receipt)
        case ImagePart():
            if part.detail not in (None, "auto"):
                receipt.dropped(f"{path}.detail", "no equivalent")
            return _write_medium(part, part.source, path, receipt)
        case DocumentPart():
            return _write_document(part, path, receipt)
        case AudioPart():
            return _write_audio(part, path, receipt)
        case RefusalPart():
            receipt.changed(path, "a refusal became text")
            return {"text": part.text}
        case ForeignPart():
            if part.dialect == NAME:
                return part.raw
            text = in_words(part, path, receipt)
            return None if text is None else {"text": text}
        case _:
            receipt.dropped(path, "the Gemini API has no such part here")
            return None


def _write_audio(part: AudioPart, path: str, receipt: Receipt) -> Written | None:
    if part.data is None:
        if not part.transcript:
            receipt.dropped(path, "audio that only its provider has")
            return None
        receipt.changed(path, "audio became its transcript")
        return {"text": part.transcript}
    for name in ("id", "transcript"):
        if getattr(part, name) is not None:
            receipt.dropped(path, f"audio with its {name}")
    if part.format is None:
        receipt.added(f"{path}.format", "wav")
    blob = {"mimeType": f"audio/{part.format or 'wav'}", "data": part.data}
    return {"inlineData": blob, **_riding(part.extra, path, receipt)}


def _write_text(part: TextPart, path: str, receipt: Receipt) -> Written | None:
    if not part.text and not receipt.native:
        receipt.dropped(path, "empty text")
        return None
    note_cache(part, path, receipt)
    if part.citations is not None:
        receipt.dropped(f"{path}.citations", "of another dialect")
    return {"text": part.text, **_riding(part.extra, path, receipt)}


def _riding(extra: Extra, path: str, receipt: Receipt) -> dict[str, Any]:
    return {name: raw for name, raw in receipt.riding(path, extra).items() if name != MARK} if extra else {}


def note_cache(part: Part, path: str, receipt: Receipt) -> None:
    """This API caches by itself, or what it was given a name for; it takes no marks."""
    if getattr(part, "cache", None) is not None:
        receipt.dropped(f"{path}.cache", "the Gemini API takes no cache marks")


def _write_medium(part: ImagePart | DocumentPart, source: MediaSource, path: str, receipt: Receipt) -> Written | None:
    usual = _IMAGE if isinstance(part, ImagePart) else _PDF
    note_cache(part, path, receipt)
    riding = _riding(part.extra, path, receipt)
    media_type = source.media_type
    if source.url is not None and source.url.startswith("data:"):
        source = read_source(source.url)
        media_type = source.media_type
        if source.data is None and not receipt.native:
            receipt.dropped(path, "a data URL that cannot be read")
            return None
    if media_type and not receipt.native and isinstance(part, ImagePart) and not media_type.startswith("image/"):
        receipt.changed(f"{path}.media_type", f"{media_type[:40]} is no type of an image")
        media_type = usual
    if source.data is not None:
        if not media_type:
            receipt.added(f"{path}.media_type", usual)
        return {"inlineData": {"mimeType": media_type or usual, "data": source.data}, **riding}
    if source.file_id is not None and not receipt.native:
        receipt.dropped(path, "a file id of another provider")
        return None
    uri = source.file_id if source.url is None else source.url
    if not media_type:
        media_type = _guess(uri or "", usual)
        receipt.added(f"{path}.media_type", media_type)
    return {"fileData": {"mimeType": media_type, "fileUri": uri}, **riding}


def _guess(uri: str, usual: str) -> str:
    """The type that the end of an address tells, if it is of the usual kind."""
    ending = uri.partition("?")[0].partition("#")[0].rpartition(".")[2].lower()
    found = _TYPES.get(ending, usual)
    return found if found.partition("/")[0] == usual.partition("/")[0] else usual


def _write_document(part: DocumentPart, path: str, receipt: Receipt) -> Written | None:
    for name in ("context", "citations"):
        if getattr(part, name) is not None:
            receipt.dropped(f"{path}.{name}", "documents of the Gemini API have no such member")
    if part.source is not None:
        if part.title is not None:
            receipt.dropped(f"{path}.title", "documents of the Gemini API have no such member")
        return _write_medium(part, part.source, path, receipt)
    texts = [part.text] if part.text is not None else []
    for at, inner in enumerate(part.parts or ()):
        if isinstance(inner, TextPart):
            texts.append(inner.text)
        else:
            receipt.dropped(f"{path}.parts[{at}]", "only text of such a document is carried")
    if part.title is not None:
        texts.insert(0, part.title)
    receipt.changed(path, "a text document is written as text")
    note_cache(part, path, receipt)
    return {"text": "\n\n".join(texts), **_riding(part.extra, path, receipt)}
