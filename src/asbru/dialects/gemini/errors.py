"""Errors of the Gemini API: `google.rpc.Status`, in a response, in place of a reply, in a list and inside a stream.

    {"error": {"code": 429, "message": "...", "status": "RESOURCE_EXHAUSTED", "details": [{"@type": ..., ...}]}}

Details are read for how long to wait (`RetryInfo`) and for the field that is wrong (`BadRequest`). Other shapes (a
proxy's page, another family's error) are read as far as they go. Source: https://cloud.google.com/apis/design/errors
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects.error_words import concerns_key, refused_status
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.gemini.types import NAME, encode
from asbru.dialects.openai_errors import NO_ERROR, ErrorFacts, facts_of_body, words_of
from asbru.dialects.openai_errors import read_error as read_any_error
from asbru.dialects.surrogates import decode_mended

_STATUS_WORDS: Final[dict[str, tuple[int, str]]] = {
    "INVALID_ARGUMENT": (400, "invalid_request_error"),
    "FAILED_PRECONDITION": (400, "invalid_request_error"),
    "OUT_OF_RANGE": (400, "invalid_request_error"),
    "UNAUTHENTICATED": (401, "authentication_error"),
    "PERMISSION_DENIED": (403, "permission_error"),
    "NOT_FOUND": (404, "not_found_error"),
    "ALREADY_EXISTS": (409, "invalid_request_error"),
    "ABORTED": (409, "api_error"),
    "RESOURCE_EXHAUSTED": (429, "rate_limit_error"),
    "CANCELLED": (499, "api_error"),
    "INTERNAL": (500, "api_error"),
    "UNKNOWN": (500, "api_error"),
    "DATA_LOSS": (500, "api_error"),
    "UNIMPLEMENTED": (501, "api_error"),
    "UNAVAILABLE": (503, "overloaded_error"),
    "DEADLINE_EXCEEDED": (504, "timeout_error"),
}
"""Words of `status`, with the HTTP status each stands for: https://cloud.google.com/apis/design/errors#handling_errors."""
_WORD_OF_STATUS: Final[dict[int, str]] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "RESOURCE_EXHAUSTED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",
}
_ERROR_INFO: Final = "type.googleapis.com/google.rpc.ErrorInfo"
_RETRY_INFO: Final = "type.googleapis.com/google.rpc.RetryInfo"
_BAD_REQUEST: Final = "type.googleapis.com/google.rpc.BadRequest"
_DELAY: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s")
_INSIDE_BYTES_MAX: Final = 512


class _Violation(msgspec.Struct):
    field: str | None = None


class _Detail(msgspec.Struct, rename={"kind": "@type", "retry_delay": "retryDelay", "violations": "fieldViolations"}):
    kind: str | None = None
    retry_delay: str | None = None
    violations: list[_Violation] | None = None


class _Status(msgspec.Struct):
    code: int | None = None
    message: str | None = None
    status: str | None = None
    details: Raw = NULL


class _Holder(msgspec.Struct):
    error: _Status
    candidates: Raw = NULL


_holder = msgspec.json.Decoder(_Holder).decode
_holders = msgspec.json.Decoder(list[_Holder]).decode
_items = msgspec.json.Decoder(list[Raw]).decode
_details = msgspec.json.Decoder(list[_Detail]).decode


def read_error(status: int, body: bytes) -> UpstreamError:
    """The provider's error, with its own status, words and body; never fails, whatever the bytes."""
    found = _find(body)
    if found is None:
        return read_any_error(NAME, status, body)
    word = found.status or _WORD_OF_STATUS.get(status, "UNKNOWN")
    details = _read_details(found.details)
    error = UpstreamError(
        found.message or f"the provider returned status {status} without a message",
        kind="status",
        status=refused_status(status, found.message or ""),
        code=word,
        type=_STATUS_WORDS.get(word, (status, "api_error"))[1],
        param=_field(details),
        retry_after_s=_delay(details),
        body=body,
        dialect=NAME,
    )
    error.whole_key = concerns_key(word)
    return error


def error_inside(body: bytes) -> UpstreamError | None:
    """The error that came with status 200 in place of a reply, with the status that it names, else 502."""
    if body.find(b'"error"', 0, _INSIDE_BYTES_MAX) < 0:
        return None
    found = _find(body)
    if found is not None:
        error = read_error(_status_of(found) or 502, body)
    else:
        facts = _foreign(body)
        if facts is None:
            return None
        error = read_any_error(NAME, facts.status or 502, body)
    error.kind = "fault"
    return error


class _Any(msgspec.Struct):
    error: Raw = NULL
    candidates: Raw = NULL


_any = msgspec.json.Decoder(_Any).decode


def _foreign(body: bytes) -> ErrorFacts | None:
    """The error of another family's form that stands where a reply is expected."""
    try:
        held = decode_mended(_any, body)
    except DECODE_ERRORS:
        return None
    if held.error in NO_ERROR or held.candidates != NULL:
        return None
    return facts_of_body(body)


def read_fault(data: bytes) -> StreamFault | None:
    """The error that an event of a stream is; None for an event that is none."""
    error = error_inside(data)
    if error is None:
        return None
    return StreamFault(message=error.message, type=error.type, code=error.code, status=error.status)


def _find(body: bytes) -> _Status | None:
    """The status object in an error, also in one that is the first item of a list."""
    try:
        if body.lstrip().startswith(b"["):
            holder = next(iter(decode_mended(_holders, body)), None)
        else:
            holder = decode_mended(_holder, body)
    except DECODE_ERRORS:
        return None
    if holder is None or holder.candidates != NULL or not (holder.error.message or holder.error.status):
        return None
    return holder.error


def _status_of(found: _Status) -> int | None:
    if found.code is not None and 400 <= found.code <= 599:
        return found.code
    known = _STATUS_WORDS.get(found.status or "")
    return None if known is None else known[0]


def _read_details(raw: Raw) -> list[_Detail]:
    try:
        return [] if raw == NULL else _details(raw)
    except DECODE_ERRORS:
        return []


def _delay(details: list[_Detail]) -> float | None:
    for detail in details:
        found = _DELAY.fullmatch(detail.retry_delay or "") if detail.kind == _RETRY_INFO else None
        if found is not None:
            return float(found[1])
    return None


def _field(details: list[_Detail]) -> str | None:
    for detail in details:
        if detail.kind == _BAD_REQUEST and detail.violations:
            return detail.violations[0].field or None
    return None


def write_error(error: AsbruError, request_id: str) -> bytes:
    """The body of an error response. A provider's own error of this dialect goes on as it came, but not its 401."""
    del request_id  # it travels in a header
    own = isinstance(error, UpstreamError) and error.kind in ("status", "fault") and error.dialect == NAME
    if own and isinstance(error, UpstreamError) and error.status != 401 and _find(error.body or b"") is not None:
        return _alone(error.body or b"")
    return encode(_members(error))


def _alone(body: bytes) -> bytes:
    """A body as it came, or the error in a list: a response that is none holds an object."""
    return bytes(decode_mended(_items, body)[0]) if body.lstrip().startswith(b"[") else body


def _members(error: AsbruError) -> dict[str, Any]:
    """The error object. What this API has no word for (Asbru's own code, the amounts of a limit) is a detail."""
    word = error.code if error.code in _STATUS_WORDS else _word(error)
    details: list[dict[str, Any]] = [{"@type": _ERROR_INFO, "reason": error.code, "domain": "asbru"}]
    if error.retry_after_s is not None:
        details.append({"@type": _RETRY_INFO, "retryDelay": f"{max(1, round(error.retry_after_s))}s"})
    if error.param is not None:
        violation = {"field": _clean(error.param), "description": words_of(error)}
        details.append({"@type": _BAD_REQUEST, "fieldViolations": [violation]})
    return {"error": {"code": error.status, "message": words_of(error), "status": word, "details": details}}


def _word(error: AsbruError) -> str:
    fallback = "INVALID_ARGUMENT" if 400 <= error.status < 500 else "INTERNAL"
    return _WORD_OF_STATUS.get(error.status, fallback)


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def write_stream_error(error: AsbruError) -> bytes:
    """The event that ends a stream with an error."""
    return b"data: %b\n\n" % encode(_members(error))


def write_fault(fault: StreamFault) -> bytes:
    """The event that ends a stream with a fault of the provider's."""
    status = fault.status or 500
    made = AsbruError(fault.message, status=status, type=fault.type, code=fault.code or fault.type)
    return b"data: %b\n\n" % encode(_members(made))
