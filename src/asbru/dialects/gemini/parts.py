"""The parts of a content, read.

    part                                 becomes
    text                                 a text; with `thought`, thinking
    inlineData, fileData                 an image, a document or audio by its type; any other is foreign
    functionCall, functionResponse       a tool call, a tool result
    any other                            a foreign part

A signature on a part that is no thought becomes a thought without text before it: so it travels through callers of any
dialect, and finds its part again (`part_writer.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

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
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.fields import DECODE_ERRORS, NULL, Fields, Kind, kind_of
from asbru.dialects.gemini.calls import NO_ID, Calls
from asbru.dialects.gemini.streamed_calls import joined
from asbru.dialects.gemini.types import MARK, NAME, child, decode_members, encode, in_camel, listed, uncarry

OUTPUT: Final = "output"
ERROR: Final = "error"
AROUND: Final = "part"
"""The member of `extra` that holds what is unknown of the part around a call or a result."""
OWN_FILES: Final = ("https://generativelanguage.googleapis.com/", "gs://")
"""Beginnings of addresses that only Google can read."""
_WORDS: Final = {"executableCode": "code", "codeExecutionResult": "output"}
"""Foreign parts that say something in words, and the member that holds them."""
_KINDS: Final = ("executableCode", "codeExecutionResult", "toolCall", "toolResponse")
_BRACE: Final = b"{"
_OBJECT: Final = Kind(decode_members, "an object")
_any = msgspec.json.Decoder().decode


def read_parts(content: Fields, calls: Calls) -> tuple[Part, ...]:
    """The parts of a content."""
    found: list[Part] = []
    raws = {f"parts[{at}]": raw for at, raw in enumerate(listed(content, "parts")) if raw != NULL}  # null is nothing
    for part in joined(in_camel(content.as_object(raw, where)) for where, raw in raws.items()):
        found += read_part(part, raws[part.path.rpartition(".")[2]], calls)
    return tuple(_joined(found))


def read_part(part: Fields, raw: Raw, calls: Calls) -> tuple[Part, ...]:
    """One part; two where it is signed and no thought."""
    foreign = _read_foreign(part, raw)
    if foreign is not None:
        return (foreign,)
    signature = part.text("thoughtSignature") or None
    if part.boolean("thought") and "functionCall" not in part:
        return (_read_thought(part, signature),)
    read = _read_data(part, raw, calls)
    if signature is None or isinstance(read, ForeignPart):  # a foreign part holds its signature
        return (read,)
    return (ThinkingPart(text="", signature=signature, dialect=NAME), read)


def _read_foreign(part: Fields, raw: Raw) -> ForeignPart | None:
    kind = next((kind for kind in _KINDS if kind in part), None)
    if kind is None:
        return None
    words = None
    if kind in _WORDS:
        words = in_camel(part.as_object(part.peek(kind) or raw, kind)).peek_text(_WORDS[kind])
    return ForeignPart(dialect=NAME, kind=kind, raw=raw, text=words or None)


def _read_thought(part: Fields, signature: str | None) -> ThinkingPart | RedactedThinkingPart:
    text = part.text("text") or ""
    carried = None if signature is None else uncarry(signature)
    if carried is not None:
        dialect, redacted, rest = carried
        if redacted:
            return RedactedThinkingPart(data=rest, dialect=dialect)
        return ThinkingPart(text=text, signature=rest or None, dialect=dialect)
    extra: Extra = {} if text or signature is None else {MARK: Raw(b'"thought"')}
    return ThinkingPart(text=text, signature=signature, dialect=NAME, extra={**part.rest_set(), **extra})


def _joined(parts: list[Part]) -> Iterator[Part]:
    """The parts, with the pieces of a streamed thought of another dialect put together. Clients keep each piece as a
    part of its own: the first says whose it is, the last is signed (`stream_writer.py`)."""
    held: ThinkingPart | None = None
    for part in parts:
        thought = part if isinstance(part, ThinkingPart) else None
        if held is not None and thought is not None and _continues(held, thought):
            held = msgspec.structs.replace(held, text=held.text + thought.text, signature=thought.signature)
            if held.signature is None:
                continue
            yield held
            held = None
            continue
        if held is not None:
            yield held
            held = None
        if thought is not None and thought.dialect != NAME and not thought.text and thought.signature is None:
            held = thought
        else:
            yield part
    if held is not None:
        yield held


def _continues(held: ThinkingPart, part: ThinkingPart) -> bool:
    if part.dialect == NAME:
        return part.signature is None and not part.extra
    return part.dialect == held.dialect and not (part.text == "" and part.signature is None)


def _read_data(part: Fields, raw: Raw, calls: Calls) -> Part:
    call = child(part, "functionCall")
    if call is not None:
        return _read_call(call, part, calls)
    result = child(part, "functionResponse")
    if result is not None:
        return _read_result(result, part, calls)
    for name in ("inlineData", "fileData"):
        blob = child(part, name)
        if blob is not None:
            return _read_medium(blob, name, part, raw)
    return TextPart(text=part.text("text") or "", extra=part.rest_set())


def _need_name(of: Fields) -> str:
    """The name of a function; Gemini refuses one without a letter."""
    name = of.need_text("name")
    if not name:
        raise of.wrong("name", "expected the name of a function, got an empty text")
    return name


def _around(part: Fields) -> Extra:
    """What is unknown of the part around a call or a result."""
    left = part.rest_set()
    return {AROUND: Raw(encode(left))} if left else {}


def _read_call(call: Fields, part: Fields, calls: Calls) -> ToolCallPart:
    name, given = _need_name(call), call.text("id") or None
    arguments = call.raw("args")
    if arguments is not None and bytes(memoryview(arguments)[:1]) != _BRACE:
        raise call.wrong("args", f"expected an object, got {kind_of(arguments)}")
    return ToolCallPart(
        id=calls.asked(given, name),
        name=name,
        arguments="" if arguments is None else bytes(arguments).decode("utf-8", "replace"),
        extra={**call.rest_set(), **_around(part), **({} if given else NO_ID)},
    )


def _read_result(result: Fields, part: Fields, calls: Calls) -> ToolResultPart:
    name, given = _need_name(result), result.text("id") or None
    call_id = calls.answered(given, name)
    parts: list[Part] = []
    text, is_error = read_response(result)
    if text is not None:
        parts.append(TextPart(text=text))
    media = listed(result, "parts")
    for at, raw in enumerate(media):
        parts.append(_read_inner(in_camel(result.as_object(raw, f"parts[{at}]")), raw))
    return ToolResultPart(
        call_id=call_id,
        parts=tuple(parts),
        plain=not media,
        is_error=is_error,
        name=None if calls.name_of(call_id) == name else name,
        extra={**result.rest_set(), **_around(part), **({} if given else NO_ID)},
    )


def read_response(result: Fields) -> tuple[str | None, bool]:
    """What a result says, and whether it is an error. `{"output": "..."}` and `{"error": "..."}` stand for their text;
    any other object is its own JSON."""
    raw = result.raw("response")
    if raw is None:
        return None, False
    members = result.read(raw, "response", _OBJECT)
    if len(members) == 1:
        for name in (OUTPUT, ERROR):
            inner = members.get(name)
            if inner is None or bytes(memoryview(inner)[:1]) != b'"':
                continue
            text = result.as_text(inner, f"response.{name}")
            if name == ERROR or not is_object(text):
                return text, name == ERROR
    return bytes(raw).decode("utf-8", "replace"), False


def is_object(text: str) -> bool:
    """Whether a text is a JSON object and nothing else."""
    if not (text.startswith("{") and text.endswith("}")):
        return False
    try:
        return isinstance(_any(text.encode()), dict)
    except (*DECODE_ERRORS, UnicodeEncodeError):
        return False


def _read_inner(part: Fields, raw: Raw) -> Part:
    """A part of a result: a medium."""
    for name in ("inlineData", "fileData"):
        blob = child(part, name)
        if blob is not None:
            return _read_medium(blob, name, part, raw)
    return ForeignPart(dialect=NAME, kind="part", raw=raw)


def _read_medium(blob: Fields, kind: str, part: Fields, raw: Raw) -> Part:
    media_type = blob.text("mimeType")
    inline = kind == "inlineData"
    where = blob.need_text("data" if inline else "fileUri")
    family = (media_type or "").partition("/")[0].lower()
    if media_type is None or blob.rest_set():
        return ForeignPart(dialect=NAME, kind=kind, raw=raw)
    if inline:
        source = MediaSource(media_type=media_type, data=where)
    elif where.startswith(OWN_FILES):
        source = MediaSource(media_type=media_type, file_id=where)
    else:
        source = MediaSource(media_type=media_type, url=where)
    extra = part.rest_set()
    if family == "image":
        return ImagePart(source=source, extra=extra)
    if media_type == "application/pdf":
        return DocumentPart(source=source, extra=extra)
    if family == "audio" and inline:
        return AudioPart(data=where, format=media_type.partition("/")[2], extra=extra)
    return ForeignPart(dialect=NAME, kind=kind, raw=raw)
