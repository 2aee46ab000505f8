"""The contents of a conversation, read into messages and written from them.

    content                            message
    systemInstruction                  system
    role `model`                       assistant
    role `user`, `function`, none      user, tool results among its parts; none with calls: assistant

The API has no place for system text later on: it becomes a user's. Results of calls stand alone in their content, as
the API wants them, so that what else their message holds follows in another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from asbru.core.chat import (
    AudioPart,
    DocumentPart,
    ForeignPart,
    ImagePart,
    Message,
    Raw,
    TextPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.fields import Fields
from asbru.dialects.gemini.calls import Calls
from asbru.dialects.gemini.part_writer import PartList, Written, note_cache, write_part
from asbru.dialects.gemini.parts import AROUND, ERROR, OUTPUT, is_object, read_parts
from asbru.dialects.gemini.types import MARK, NAME, decode_members, in_camel, listed
from asbru.dialects.in_words import in_words
from asbru.dialects.receipt import Receipt

_ROLES = {"user": "user", "model": "assistant", "function": "user"}
_SYSTEM = ("system", "developer")


def read_contents(fields: Fields) -> tuple[Message, ...]:
    """`systemInstruction` and `contents` as messages."""
    calls = Calls()
    messages: list[Message] = []
    raw = fields.peek("systemInstruction")
    if raw is not None and bytes(memoryview(raw)[:1]) == b'"':
        text = fields.text("systemInstruction") or ""
        messages.append(Message(role="system", parts=(TextPart(text=text),)))
    elif raw is not None:
        content = in_camel(fields.need_child("systemInstruction"))
        content.raw("role")
        messages.append(Message(role="system", parts=read_parts(content, calls), extra=content.rest_set()))
    contents = listed(fields, "contents")
    if not contents:
        raise fields.wrong("contents", "expected at least one content, got none")
    for at, one in enumerate(contents):
        messages.append(_read_content(in_camel(fields.as_object(one, f"contents[{at}]")), calls))
    return tuple(messages)


def _read_content(content: Fields, calls: Calls) -> Message:
    given = content.text("role") or ""
    role = _ROLES.get(given or "user")
    if role is None:
        raise content.wrong("role", f'expected user or model, got "{given[:40]}"')
    parts = read_parts(content, calls)
    if not given and any(isinstance(part, ToolCallPart) for part in parts):
        role = "assistant"  # nobody but the model calls
    extra = content.rest_set()
    return Message(role="assistant" if role == "assistant" else "user", parts=parts, extra=extra)


def write_contents(
    messages: Sequence[Message], receipt: Receipt, stand_in: str | None
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """`systemInstruction` (None: there is none) and `contents`."""
    leading = next((at for at, one in enumerate(messages) if one.role not in _SYSTEM), len(messages))
    if leading == len(messages):
        leading = min(leading, 1)  # something must be left to answer to
        if leading and len(messages) == 1:
            leading = 0
    system = _write_system(messages[:leading], receipt)
    names: dict[str, str] = {}
    contents: list[dict[str, Any]] = []
    for at, message in enumerate(messages[leading:], leading):
        path = f"messages[{at}]"
        _note_message(message, path, receipt)
        if message.role == "assistant":
            contents += _write_assistant(message, path, receipt, stand_in)
            names |= {part.id: part.name for part in message.parts if isinstance(part, ToolCallPart)}
        else:
            if message.role in _SYSTEM:
                receipt.changed(path, "later system text became a user's")
            contents += _write_turn(message, path, receipt, names)
    return system, contents


def _note_message(message: Message, path: str, receipt: Receipt) -> None:
    if message.name is not None:
        receipt.dropped(f"{path}.name", "no equivalent")
    if message.cache is not None:
        receipt.dropped(f"{path}.cache", "the Gemini API takes no cache marks")
    if not receipt.native:
        receipt.foreign(path, message.extra)


def _write_system(messages: Sequence[Message], receipt: Receipt) -> dict[str, Any] | None:
    parts: list[Written] = []
    extra: dict[str, Raw] = {}
    for at, message in enumerate(messages):
        path = f"messages[{at}]"
        _note_message(message, path, receipt)
        extra |= message.extra if receipt.native else {}
        written = PartList(path, receipt, answer=False)
        written.add_all(message.parts)
        parts += written.parts
    return {"parts": parts, **extra} if messages and (parts or receipt.native) else None


def _write_assistant(message: Message, path: str, receipt: Receipt, stand_in: str | None) -> list[dict[str, Any]]:
    written = PartList(path, receipt, answer=False, stand_in=stand_in)
    written.add_all(message.parts)
    if not written.parts and not receipt.native:
        receipt.dropped(path, "no content")
        return []
    return [{"role": "model", "parts": written.parts, **_extra(message, receipt)}]


def _write_turn(message: Message, path: str, receipt: Receipt, names: dict[str, str]) -> list[dict[str, Any]]:
    results: list[Written] = []
    rest = PartList(path, receipt, answer=False)
    for k, part in enumerate(message.parts):
        where = f"{path}.parts[{k}]"
        if isinstance(part, ToolResultPart):
            target = rest.parts if receipt.native else results
            target.append(_write_result(part, where, receipt, names=names, rest=rest))
        else:
            rest.add(part, where)
    rest.close()
    extra = _extra(message, receipt)
    contents: list[dict[str, Any]] = [{"role": "user", "parts": results}] if results else []
    if rest.parts or (not results and receipt.native):
        contents.append({"role": "user", "parts": rest.parts, **extra})
    elif not results:
        receipt.dropped(path, "no content")
    return contents


def _extra(message: Message, receipt: Receipt) -> dict[str, Raw]:
    return message.extra if receipt.native else {}


def _write_result(
    part: ToolResultPart, path: str, receipt: Receipt, *, names: dict[str, str], rest: PartList
) -> dict[str, Any]:
    """The result of a call. In a request of another dialect its media follow in a content of their own, since only
    newer models take them here."""
    note_cache(part, path, receipt)
    extra = receipt.riding(path, part.extra) if part.extra else {}
    texts: list[str] = []
    media: list[Written] = []
    for k, inner in enumerate(part.parts):
        where = f"{path}.parts[{k}]"
        if isinstance(inner, ForeignPart) and inner.dialect != NAME:
            text = in_words(inner, where, receipt)
            texts += [] if text is None else [text]
        elif isinstance(inner, TextPart) or (isinstance(inner, DocumentPart) and inner.source is None):
            texts.append(_text_of(inner, where, receipt))
        elif receipt.native:
            written = write_part(inner, where, receipt)
            media += [] if written is None else [written]
        else:
            if isinstance(inner, (ImagePart, DocumentPart, AudioPart)):
                receipt.changed(where, "follows in a content of its own")
            rest.add(inner, where)
    result: dict[str, Any] = {} if MARK in extra else {"id": part.call_id}
    if not part.call_id and MARK not in extra:
        receipt.changed(path, "it says of no call that it answers it")
        result = {}
    result["name"] = part.name or names.get(part.call_id) or part.call_id or "unknown"
    response = _response("\n".join(texts), is_error=part.is_error)
    if texts or not receipt.native:
        result["response"] = response
    if media:
        result["parts"] = media
    around = decode_members(extra[AROUND]) if AROUND in extra else {}
    left = {name: raw for name, raw in extra.items() if name not in (MARK, AROUND)}
    return {"functionResponse": result | left, **around}


def _text_of(part: TextPart | DocumentPart, path: str, receipt: Receipt) -> str:
    if isinstance(part, TextPart):
        note_cache(part, path, receipt)
        if part.citations is not None:
            receipt.dropped(f"{path}.citations", "results have none")
        if part.extra:
            receipt.riding(path, part.extra)
        return part.text
    written = write_part(part, path, receipt)
    return str(written["text"]) if isinstance(written, dict) else ""


def _response(text: str, *, is_error: bool) -> object:
    if is_error:
        return {ERROR: text}
    return Raw(text.encode("utf-8", "replace")) if is_object(text) else {OUTPUT: text}
