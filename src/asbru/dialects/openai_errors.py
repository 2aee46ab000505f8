"""Errors as the OpenAI family tells them, whichever of its wire formats they come in: read from whatever a provider
answers, and written as OpenAI writes them.

Shapes read: `{"error": {message, type, code, param}}`, `{"error": "text"}`, `{"message"}`, `{"detail"}`
(text or FastAPI's list), `[{"error": ...}]`, `{"errors": [...]}`, HTML, nothing at all. A number as `code`
becomes text. A provider's 401 is about the credentials Asbru holds: its words (which may show parts of a
key) stay in the `UpstreamError` and are not written to callers. Not here: errors inside replies and streams, which each
format has in its own places.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects.error_words import concerns_key, refused_status, status_of
from asbru.dialects.fields import NULL
from asbru.dialects.too_long import openai_code

NO_ERROR: Final = (NULL, Raw(b"{}"), Raw(b'""'), Raw(b"false"))
"""What an `error` member may hold where there is none."""
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MESSAGE_CHARS_MAX: Final = 2_000
_TEXT_BYTES_MAX: Final = 500
_DEPTH_MAX: Final = 8
"""How deep an error is looked for in what it is wrapped in."""
_TITLE = re.compile(rb"<title(?:\s[^<>]{0,200})?>([^<]{1,200})", re.IGNORECASE)
_ANY = msgspec.json.Decoder()
_FOREIGN_TYPE = Raw(b'"error"')
"""The outermost `type` of errors of Anthropic's form."""


class ErrorFacts(msgspec.Struct, frozen=True):
    """What an error object tells; None where it is silent."""

    message: str
    type: str | None = None
    code: str | None = None
    param: str | None = None
    status: int | None = None


def read_error(dialect: str, status: int, body: bytes) -> UpstreamError:
    """A provider's error answer in `dialect`; never fails, whatever the bytes."""
    facts = facts_of_body(body)
    if facts is None:
        facts = ErrorFacts(message=_describe(status, body))
    error = UpstreamError(
        facts.message,
        kind="status",
        status=refused_status(status, facts.message),
        code=facts.code,
        type=facts.type,
        param=facts.param,
        body=body,
        dialect=dialect,
    )
    error.whole_key = concerns_key(facts.code, facts.type)
    return error


def facts_of_body(body: bytes) -> ErrorFacts | None:
    """The facts of an error's body, however it is wrapped; None when it is none of the known shapes."""
    try:
        value: object = _ANY.decode(body)
    except UNREADABLE:
        return None
    if isinstance(value, list):
        items = msgspec.convert(value, list[object])
        value = items[0] if items else None
    return facts_of(value)


def status_told(facts: ErrorFacts) -> int | None:
    """The status that the error names, by a number or by its words."""
    return facts.status or status_of(facts.code, facts.type)


def fault_error(fault: StreamFault) -> UpstreamError:
    """A fault found inside an answer, as the error that ends the attempt."""
    return UpstreamError(
        fault.message, kind="fault", status=fault.status, code=fault.code or "upstream_fault", type=fault.type
    )


def read_fault(raw: Raw | bytes) -> StreamFault:
    """An error object found inside an answer or a stream."""
    facts = facts_of_body(bytes(raw)) or ErrorFacts(message="the provider reported an error without a message")
    return StreamFault(
        message=facts.message, type=facts.type or "api_error", code=facts.code, status=status_told(facts)
    )


class _Listed(msgspec.Struct):
    error: Raw = NULL


def listed_fault(data: bytes) -> StreamFault | None:
    """The error in a list that stands where an event is expected (Google answers errors so); None for anything else."""
    if not data.lstrip().startswith(b"["):
        return None
    try:
        first = next(iter(msgspec.json.decode(data, type=list[_Listed])), None)
    except UNREADABLE:
        return None
    return read_fault(data) if first is not None and first.error not in NO_ERROR else None


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


def write_error(dialect: str, error: AsbruError) -> bytes:
    """The body of an error answer. A provider's own error in `dialect` goes on as it came (not its 401);
    the request id travels in a header here, not in the body."""
    if (
        isinstance(error, UpstreamError)
        and error.kind in ("status", "fault")
        and error.dialect == dialect
        and error.status != 401
        and error.body is not None
        and _is_own(error.body)
    ):
        return error.body
    return msgspec.json.encode(error_object(error))


class _Own(msgspec.Struct):
    error: dict[str, Raw]
    type: Raw = NULL


def _is_own(body: bytes) -> bool:
    try:
        own = msgspec.json.decode(body, type=_Own)
        return "message" in own.error and own.type != _FOREIGN_TYPE
    except UNREADABLE:
        return False


def error_object(error: AsbruError) -> dict[str, object]:
    """The error object that callers are told."""
    return error_members(words_of(error), error.type, openai_code(error), error.param)


def words_of(error: AsbruError) -> str:
    """What callers are told of an error."""
    if isinstance(error, UpstreamError) and error.status == 401:
        return "the provider refused the credentials that Asbru holds for it (401)"
    return error.message.encode("utf-8", "replace").decode()


def error_members(message: str, kind: str, code: str | None, param: str | None) -> dict[str, object]:
    """The error object in OpenAI's shape; lone surrogates in a message are replaced."""
    words = message.encode("utf-8", "replace").decode()
    return {"error": {"message": words, "type": kind, "param": param, "code": code}}
