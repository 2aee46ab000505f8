"""Errors of the OpenAI family, read from whatever a provider answers and written as OpenAI writes them.

Shapes read: `{"error": {message, type, code, param}}`, `{"error": "text"}`, `{"message"}`, `{"detail"}`
(text or FastAPI's list), `[{"error": ...}]`, `{"errors": [...]}`, HTML, nothing at all. A number as `code`
becomes text. A provider's 401 is about the credentials Asbru holds: its words (which may show parts of a
key) stay in the `UpstreamError` and are not written to callers. A provider that breaks off after its 200 says
so in a choice, by `choices[].error` or by a finish reason (`stops.FAILED`): that is an error like any other.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects.error_words import concerns_key, status_of
from asbru.dialects.fields import NULL
from asbru.dialects.openai_chat.stops import FAILED
from asbru.dialects.openai_chat.types import NAME
from asbru.wire.sse import write_event

_MESSAGE_CHARS_MAX: Final = 2_000
_TEXT_BYTES_MAX: Final = 500
_DEPTH_MAX: Final = 8
"""How deep an error is looked for in what it is wrapped in."""
_TITLE = re.compile(rb"<title(?:\s[^<>]{0,200})?>([^<]{1,200})", re.IGNORECASE)
_ANY = msgspec.json.Decoder()
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NO_CHOICES = (NULL, Raw(b"[]"))
_FOREIGN_TYPE = Raw(b'"error"')
"""The outermost `type` of errors of Anthropic's form."""
_NO_ERROR = (NULL, Raw(b"{}"), Raw(b'""'), Raw(b"false"))


class ErrorFacts(msgspec.Struct, frozen=True):
    """What an error object tells; None where it is silent."""

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    status: int | None = None


def read_error(status: int, body: bytes) -> UpstreamError:
    """A provider's error answer; never fails, whatever the bytes."""
    facts = _facts_of_body(body)
    if facts is None:
        facts = ErrorFacts(message=_describe(status, body))
    error = UpstreamError(
        facts.message,
        kind="status",
        status=status,
        code=facts.code,
        type=facts.type,
        param=facts.param,
        body=body,
        dialect=NAME,
    )
    error.whole_key = concerns_key(facts.code, facts.type)
    return error


def _facts_of_body(body: bytes) -> ErrorFacts | None:
    try:
        value: object = _ANY.decode(body)
    except _UNREADABLE:
        return None
    if isinstance(value, list):
        items = msgspec.convert(value, list[object])
        value = items[0] if items else None
    return facts_of(value)


_ERROR = b'error"'
_RESOURCE = b'_resource"'
_HEAD_BYTES = 512
_TAIL_BYTES = 1024
_ENDS_BYTES = _HEAD_BYTES + _TAIL_BYTES


class _Answer(msgspec.Struct):
    error: Raw = NULL
    choices: Raw = NULL
    data: Raw = NULL


def error_inside(body: bytes) -> UpstreamError | None:
    """The error that came with status 200 in place of an answer, or in a choice of one. Its status is the one it
    names, else 502.

    Only a body that holds a word which failures are told by is decoded for this; in a text its quote is escaped. The
    word stands at the beginning or the end: that is where members of the answer and the ends of its choices stand, and
    between them the text, which may be long.
    """
    find = body.find
    if (
        len(body) > _ENDS_BYTES
        and find(_ERROR, 0, _HEAD_BYTES) < 0
        and find(_ERROR, -_TAIL_BYTES) < 0
        and find(_RESOURCE, 0, _HEAD_BYTES) < 0
        and find(_RESOURCE, -_TAIL_BYTES) < 0
    ):
        return None
    return _error_told(body) if find(_ERROR) >= 0 or find(_RESOURCE) >= 0 else None


def _error_told(body: bytes) -> UpstreamError | None:
    members = _read_answer(body)
    if members is None:
        return None
    if members.error in _NO_ERROR or members.choices not in _NO_CHOICES or members.data != NULL:
        return _error_in_choices(members.choices)
    facts = _facts_of_body(body)
    error = read_error((facts and _status(facts)) or 502, body)
    error.kind = "fault"
    return error


def _read_answer(body: bytes) -> _Answer | None:
    """The members of an answer; of a list (Google answers errors so) those of its first item."""
    try:
        if body.lstrip().startswith(b"["):
            return next(iter(msgspec.json.decode(body, type=list[_Answer])), None)
        return msgspec.json.decode(body, type=_Answer)
    except _UNREADABLE:
        return None


def listed_fault(data: bytes) -> StreamFault | None:
    """The error in a list that stands where a chunk is expected; None for anything else."""
    members = _read_answer(data) if data.lstrip().startswith(b"[") else None
    return read_fault(data) if members is not None and members.error not in _NO_ERROR else None


def _status(facts: ErrorFacts) -> int | None:
    """The status that the error names, by a number or by its words."""
    return facts.status or status_of(facts.code, facts.type)


class _ChoiceEnd(msgspec.Struct):
    error: Raw = NULL
    finish_reason: Raw = NULL


_CHOICE_ENDS = msgspec.json.Decoder(list[_ChoiceEnd])


def _error_in_choices(raw: Raw) -> UpstreamError | None:
    """The error that a choice tells. The body is no error of this dialect, so it is not kept for callers."""
    try:
        choices = _CHOICE_ENDS.decode(raw)
    except _UNREADABLE:
        return None
    for choice in choices:
        word = msgspec.json.decode(choice.finish_reason)
        fault = choice_fault(choice.error, word if isinstance(word, str) else None)
        if fault is not None:
            return fault_error(fault)
    return None


def fault_error(fault: StreamFault) -> UpstreamError:
    """A fault found inside an answer, as the error that ends the attempt."""
    return UpstreamError(
        fault.message, kind="fault", status=fault.status, code=fault.code or "upstream_fault", type=fault.type
    )


def choice_fault(error: Raw, finish: str | None) -> StreamFault | None:
    """What a choice tells of a failure, by its `error` (NULL: none) or its finish reason."""
    if error not in _NO_ERROR:
        return read_fault(error)
    if finish not in FAILED:
        return None
    return StreamFault(
        message=f"the provider broke off its reply (finish_reason '{finish}')", type="api_error", code=finish
    )


def read_fault(raw: Raw | bytes) -> StreamFault:
    """An error object found inside an answer or a stream."""
    facts = _facts_of_body(bytes(raw)) or ErrorFacts(message="the provider reported an error without a message")
    return StreamFault(message=facts.message, type=facts.type or "api_error", code=facts.code, status=_status(facts))


def facts_of(value: object, depth: int = 0) -> ErrorFacts | None:
    """The facts of a decoded error, however it is wrapped; None when it is none of the known shapes."""
    if depth > _DEPTH_MAX:
        return None
    if isinstance(value, str):
        return ErrorFacts(message=value[:_MESSAGE_CHARS_MAX]) if value else None
    if not isinstance(value, dict):
        return None
    members = msgspec.convert(value, dict[str, object])
    for name in ("error", "errors", "detail"):
        inner = members.get(name)
        if isinstance(inner, list):
            listed = msgspec.convert(inner, list[object])
            inner = listed[0] if listed else None
        facts = facts_of(inner, depth + 1)
        if facts is not None:
            return _fill(facts, members)
    message = members.get("message", members.get("msg"))
    if isinstance(message, dict):
        return facts_of(msgspec.convert(message, dict[str, object]), depth + 1)
    if not isinstance(message, str) or not message:
        return None
    return _fill(ErrorFacts(message=message[:_MESSAGE_CHARS_MAX]), members)


def _place(loc: object) -> str | None:
    """Where in the body pydantic found something wrong, as a path."""
    steps = msgspec.convert(loc, list[object]) if isinstance(loc, list) else []
    return ".".join(str(step) for step in steps if step != "body") or None


def _fill(facts: ErrorFacts, members: dict[str, object]) -> ErrorFacts:
    """`facts` with what the surrounding object adds."""
    code = members.get("code")
    number = next((n for n in (code, members.get("status_code"), members.get("status")) if _is_status(n)), None)
    return ErrorFacts(
        message=facts.message,
        type=facts.type or _word(members.get("type")),
        code=facts.code or (str(code) if isinstance(code, str | int) and code != "" else None),
        param=facts.param or _word(members.get("param")) or _place(members.get("loc")),
        status=facts.status or (number if isinstance(number, int) else None),
    )


def _is_status(value: object) -> bool:
    return isinstance(value, int) and 400 <= value <= 599


def _word(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _describe(status: int, body: bytes) -> str:
    """Words for an answer that is not JSON of a known shape."""
    if not body.strip():
        return f"the provider returned status {status} without a body"
    title = _TITLE.search(body)
    if title is not None:
        return (
            f"the provider returned status {status} with an HTML page: {title[1].decode('utf-8', 'replace').strip()}"
        )
    return f"the provider returned status {status}: {body[:_TEXT_BYTES_MAX].decode('utf-8', 'replace').strip()}"


def write_error(error: AsbruError, _request_id: str) -> bytes:
    """The body of an error answer. A provider's own error in this dialect goes on as it came (not its 401);
    the request id travels in a header here, not in the body."""
    if (
        isinstance(error, UpstreamError)
        and error.kind in ("status", "fault")
        and error.dialect == NAME
        and error.status != 401
        and error.body is not None
        and _is_own(error.body)
    ):
        return error.body
    return msgspec.json.encode(_error_object(error))


class _Own(msgspec.Struct):
    error: dict[str, Raw]
    type: Raw = NULL


def _is_own(body: bytes) -> bool:
    try:
        own = msgspec.json.decode(body, type=_Own)
        return "message" in own.error and own.type != _FOREIGN_TYPE
    except _UNREADABLE:
        return False


def _error_object(error: AsbruError) -> dict[str, object]:
    message = error.message
    if isinstance(error, UpstreamError) and error.status == 401:
        message = "the provider refused the credentials that Asbru holds for it (401)"
    return error_members(message, error.type, error.code, error.param)


def error_members(message: str, kind: str, code: str | None, param: str | None) -> dict[str, object]:
    """The error object in OpenAI's shape; lone surrogates in a message are replaced."""
    words = message.encode("utf-8", "replace").decode()
    return {"error": {"message": words, "type": kind, "param": param, "code": code}}


def write_stream_error(error: AsbruError) -> bytes:
    """The event that ends a stream with an error; no `[DONE]` follows."""
    return write_event(msgspec.json.encode(_error_object(error)))


def write_fault(fault: StreamFault) -> bytes:
    """The event for an error the provider reported inside its stream."""
    return write_event(msgspec.json.encode(error_members(fault.message, fault.type, fault.code, None)))
