"""Errors of the Responses API: those inside answers and streams, beside what the OpenAI family shares.

In a stream an error is an event `error` (flat, or with an `error` object), or `response.failed` with the response's
`error`. Callers are told by `response.failed`, on which agents stop and show the words.
"""

from __future__ import annotations

from typing import Any

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects import openai_errors
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.openai_errors import NO_ERROR, facts_of_body, status_told, words_of
from asbru.dialects.openai_responses.types import NAME, decode_members, encode
from asbru.dialects.surrogates import decode_mended
from asbru.dialects.too_long import openai_code
from asbru.wire.sse import write_event

_ERROR_TYPE = Raw(b'"error"')
_SERVER_ERROR = "server_error"


class _Answer(msgspec.Struct):
    error: Raw = NULL
    output: Raw = NULL
    status: Any = None
    data: Raw = NULL


_ANSWER = msgspec.json.Decoder(_Answer).decode


def read_error(status: int, body: bytes) -> UpstreamError:
    """A provider's error answer; never fails, whatever the bytes."""
    return openai_errors.read_error(NAME, status, body)


def write_error(error: AsbruError, _request_id: str) -> bytes:
    """The body of an error answer."""
    return openai_errors.write_error(NAME, error)


def error_inside(body: bytes) -> UpstreamError | None:
    """The error that came with status 200 in place of an answer, or as one that failed. Its status is the one it names,
    else 502."""
    try:
        answer = decode_mended(_ANSWER, body)
    except DECODE_ERRORS:
        return None
    if answer.error in NO_ERROR or answer.data != NULL:
        return None
    if answer.output not in (NULL, Raw(b"[]")) and answer.status != "failed":
        return None
    facts = facts_of_body(body)
    error = read_error((facts and status_told(facts)) or 502, body)
    error.kind = "fault"
    return error


def read_fault(data: bytes) -> StreamFault:
    """The fault that an `error` event, or an event with an error object, tells."""
    try:
        members = decode_members(data)
    except DECODE_ERRORS:
        members = {}
    if members.get("type") == _ERROR_TYPE:
        del members["type"]
        return openai_errors.read_fault(encode(members))
    return openai_errors.read_fault(data)


def failed_fault(response: dict[str, Raw]) -> StreamFault:
    """The fault of a response that failed."""
    return openai_errors.read_fault(encode({"error": response.get("error", NULL)}))


def failed_members(message: str, code: str | None, *, response_id: str = "", model: str = "") -> dict[str, Any]:
    """A response that failed."""
    words = message.encode("utf-8", "replace").decode()
    return {
        "id": response_id,
        "object": "response",
        "created_at": 0,
        "status": "failed",
        "error": {"code": code or _SERVER_ERROR, "message": words},
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
    }


def write_failed(response: dict[str, Any], sequence: int) -> bytes:
    """The event that ends a stream with a response that failed."""
    event = {"type": "response.failed", "sequence_number": sequence, "response": response}
    return write_event(encode(event), "response.failed")


def write_stream_error(error: AsbruError) -> bytes:
    """The event that ends a stream with an error."""
    return write_failed(failed_members(words_of(error), openai_code(error)), 0)
