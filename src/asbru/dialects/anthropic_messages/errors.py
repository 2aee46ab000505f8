"""Errors of the Messages API: a provider's error answer read, and our own tree written.

`{"type": "error", "error": {"type", "message"}, "request_id"}` is the form; other shapes (OpenAI's, plain text, a
proxy's HTML page, nothing) are read as far as they go. Written types are the API's own, chosen by the error's type
where it is one of them, else by status. An answer of this dialect's provider is passed on as it came.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects.anthropic_messages.types import (
    NAME,
    STATUS_OF_TYPE,
    TYPE_OF_STATUS,
    ErrorHolder,
    ErrorWire,
    decode_error,
    encode,
)
from asbru.dialects.error_words import concerns_key, status_of
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.too_long import claude_words
from asbru.wire.sse import write_event

ERROR_TEXT_MAX: Final = 500
"""How many characters of a body that is not JSON go into the message."""

_INSIDE_BYTES_MAX: Final = 512
_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_VAGUE: Final = ("api_error", "invalid_request_error")


def read_error(status: int, body: bytes) -> UpstreamError:
    """The provider's error answer, with its own status, type, code and message, and the body kept."""
    try:
        holder = (_first(body) or ErrorHolder()) if body.lstrip().startswith(b"[") else decode_error(body)
    except DECODE_ERRORS:
        return _made(status, body, ErrorWire(message=_plain(body)))
    return _made(status, body, _inside(holder))


def _inside(holder: ErrorHolder) -> ErrorWire:
    if isinstance(holder.error, ErrorWire):
        return holder.error
    return ErrorWire(message=holder.error or holder.message or holder.detail)


def _made(status: int, body: bytes, error: ErrorWire) -> UpstreamError:
    kind = error.type or TYPE_OF_STATUS.get(status, "api_error")
    code = kind if error.code is None else str(error.code)
    made = UpstreamError(
        error.message or f"the provider returned status {status} without a message",
        kind="status",
        status=status,
        code=code,
        type=kind,
        param=error.param,
        body=body,
        dialect=NAME,
    )
    made.whole_key = concerns_key(code, kind)
    return made


class _Answer(ErrorHolder):
    """An answer as far as it can be an error."""

    content: Raw = NULL


def _first(body: bytes) -> _Answer | None:
    """The first of a list, which is how Google answers errors."""
    return next(iter(msgspec.json.decode(body, type=list[_Answer])), None)


def error_inside(body: bytes) -> UpstreamError | None:
    """The error that came with status 200 in place of an answer, with the status of its type, else 502."""
    if body.find(b'"error"', 0, _INSIDE_BYTES_MAX) < 0:
        return None
    try:
        holder = _first(body) if body.lstrip().startswith(b"[") else msgspec.json.decode(body, type=_Answer)
    except DECODE_ERRORS:
        return None
    if holder is None or holder.error is None or holder.content != NULL:
        return None
    wire = _inside(holder)
    error = _made(_status(wire) or 502, body, wire)
    error.kind = "fault"
    return error


def _status(error: ErrorWire) -> int | None:
    """The status that the error names: by this API's type, by a number, or by the words of other APIs."""
    return STATUS_OF_TYPE.get(error.type or "") or status_of(error.code, error.type)


def _plain(body: bytes) -> str:
    text = body[: ERROR_TEXT_MAX * 8].decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        text = _TAGS.sub(" ", text)
    return " ".join(text.split())[:ERROR_TEXT_MAX]


def read_fault(data: bytes) -> StreamFault:
    """The data of an `error` event."""
    try:
        error = _inside(decode_error(data))
    except DECODE_ERRORS:
        return StreamFault(message="an error event that cannot be read", type="protocol_error")
    kind = error.type or "api_error"
    return StreamFault(
        message=error.message or "the provider reported an error",
        type=kind,
        code=None if error.code is None else str(error.code),
        status=_status(error) or STATUS_OF_TYPE.get(kind),
    )


def listed_fault(data: bytes) -> StreamFault | None:
    """The error in a list that stands where an event's object is expected; None for anything else."""
    error = error_inside(data) if data.lstrip().startswith(b"[") else None
    if error is None:
        return None
    return StreamFault(message=error.message, type=error.type, code=error.code, status=error.status)


def untyped_fault(data: bytes) -> StreamFault | None:
    """The error in an event without a type, as servers send it that imitate this API; None where it holds none."""
    try:
        holder = decode_error(data)
    except DECODE_ERRORS:
        return None
    return read_fault(data) if holder.error is not None else None


def write_error(error: AsbruError, request_id: str) -> bytes:
    """The body of an error answer."""
    if isinstance(error, UpstreamError) and error.kind in ("status", "fault") and _is_ours(error):
        return error.body or b""
    return encode(
        {
            "type": "error",
            "error": _error_object(error_type(error.type, error.status), claude_words(error)),
            "request_id": request_id,
        }
    )


def _error_object(kind: str, message: str) -> dict[str, str]:
    """The inside of an error; lone surrogates in a message are replaced."""
    return {"type": kind, "message": message.encode("utf-8", "replace").decode()}


def _is_ours(error: UpstreamError) -> bool:
    if error.dialect != NAME or not error.body:
        return False
    try:
        holder = decode_error(error.body)
    except DECODE_ERRORS:
        return False
    return holder.type == "error" and isinstance(holder.error, ErrorWire)


def error_type(kind: str, status: int | None) -> str:
    """The API's type for an error of type `kind` (of any dialect) with this status."""
    if kind in STATUS_OF_TYPE and (kind not in _VAGUE or status is None):
        return kind
    if status is None:
        return "api_error"
    fallback = "invalid_request_error" if 400 <= status < 500 else "api_error"
    return TYPE_OF_STATUS.get(status, fallback)


def write_stream_error(error: AsbruError) -> bytes:
    """The bytes that end a stream with this error."""
    return write_fault_event(error_type(error.type, error.status), claude_words(error))


def write_fault_event(kind: str, message: str) -> bytes:
    """An `error` event."""
    return write_event(encode({"type": "error", "error": _error_object(kind, message)}), "error")
