"""Documents, both ways: those that a chat is grounded in, and those that a tool returns.

    "TEXT"    {"data": {"text": TEXT, "title": TITLE}, "id": ID}    {"data": {ANY: ANY}}    {"data": "TEXT"}

Data with other members is read as lines of text, for those who know documents as texts, and goes back as it came. Not
here: where documents stand in a conversation (`messages.py`).
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from asbru.core.chat import DocumentPart, Extra, MediaSource, Raw, TextPart
from asbru.dialects.cohere.types import decode_members
from asbru.dialects.fields import DECODE_ERRORS, TEXT, Fields
from asbru.dialects.receipt import Receipt

_DATA: Final = "data"
_TEXT: Final = frozenset(("text", "title"))
_QUOTE: Final = b'"'


def read_document(holder: Fields, raw: Raw, name: str) -> DocumentPart:
    """The document `raw`, found at `name`."""
    if _is_text(raw):
        return DocumentPart(text=holder.as_text(raw, name))
    document = holder.as_object(raw, name)
    data = document.raw(_DATA)
    extra = document.rest_set()
    if data is None:
        raise document.wrong(_DATA, "expected what the document holds, got nothing")
    if _is_text(data):
        return DocumentPart(text=document.as_text(data, _DATA), extra=extra)
    held = document.as_object(data, _DATA)
    text, title = held.peek_text("text"), held.peek_text("title")
    if text is not None and not held.rest().keys() - _TEXT and (title is not None or "title" not in held):
        return DocumentPart(text=text, title=title, extra=extra)
    return DocumentPart(text=_lines(data), extra={**extra, _DATA: data})


def _is_text(raw: Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == _QUOTE


def _lines(data: Raw) -> str:
    """What data of any members says, one a line."""
    lines: list[str] = []
    for name, raw in decode_members(data).items():
        try:
            value = TEXT.decode(raw)
        except DECODE_ERRORS:
            value = bytes(raw).decode("utf-8", "replace")
        lines.append(f"{name}: {value}")
    return "\n".join(lines)


def write_document(part: DocumentPart, path: str, receipt: Receipt) -> dict[str, Any] | None:
    """The document; None (noted) where it holds no text."""
    for name in ("context", "citations", "cache"):
        if getattr(part, name) is not None:
            receipt.dropped(f"{path}.{name}", "documents have no such member")
    text = _text_of(part, path, receipt)
    if text is None:
        return None
    extra: Extra = receipt.riding(path, part.extra)
    data: dict[str, str] = {"text": text}
    if part.title is not None:
        data["title"] = part.title
    return {_DATA: data, **extra}


def _text_of(part: DocumentPart, path: str, receipt: Receipt) -> str | None:
    if part.text is not None:
        return part.text
    if part.parts is not None:
        texts: list[str] = []
        for at, inner in enumerate(part.parts):
            if isinstance(inner, TextPart):
                texts.append(inner.text)
            else:
                receipt.dropped(f"{path}.parts[{at}]", "only text of a document is carried")
        receipt.changed(path, "the parts of a document became one text")
        return "\n\n".join(texts)
    text = None if part.source is None else _plain_text(part.source)
    if text is None:
        receipt.dropped(path, "only documents of text are carried")
    else:
        receipt.changed(path, "a text file became a text document")
    return text


def _plain_text(source: MediaSource) -> str | None:
    if source.data is None or not (source.media_type or "").startswith("text/"):
        return None
    try:
        return base64.b64decode(source.data, validate=True).decode()
    except (binascii.Error, UnicodeError, ValueError):
        return None
