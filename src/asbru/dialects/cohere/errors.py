"""Errors of Cohere's API: `{"id", "message"}`, and in a stream a last event that finished with `ERROR`.

Asbru's own have `type` and `code` besides, by which callers tell them apart. Not here: what they are read from
otherwise, which is as for the OpenAI family (`openai_errors`).

Source: https://docs.cohere.com/reference/errors
"""

from __future__ import annotations

from typing import Any

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects import openai_errors
from asbru.dialects.cohere.types import FAILED, NAME, encode
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.openai_errors import NO_ERROR, facts_of_body, status_told, words_of
from asbru.dialects.surrogates import decode_mended
from asbru.wire.sse import write_event

_EMPTY = (NULL, Raw(b"[]"), Raw(b'""'))
_SILENT = "the provider reported an error without a message"


class _Message(msgspec.Struct):
    content: Raw = NULL
    tool_calls: Raw = NULL
    tool_plan: Raw = NULL


class _Answer(msgspec.Struct):
    """A reply as far as it can be an error. `embeddings`, `results`: of calls that are no chats."""

    message: _Message | str | None = None
    finish_reason: Any = None
    error: Raw = NULL
    embeddings: Raw = NULL
    results: Raw = NULL


_answer = msgspec.json.Decoder(_Answer).decode


def read_error(status: int, body: bytes) -> UpstreamError:
    """A provider's error response; never fails, whatever the bytes."""
    return openai_errors.read_error(NAME, status, body)


def error_inside(body: bytes) -> UpstreamError | None:
    """The error that came with status 200 in place of a reply. Its status is the one it names, else 502."""
    try:
        answer = decode_mended(_answer, body)
    except DECODE_ERRORS:
        return None
    if answer.embeddings != NULL or answer.results != NULL:
        return None
    message = answer.message
    if isinstance(message, _Message):
        if answer.finish_reason != FAILED or not _is_empty(message):
            return None
        error = UpstreamError(_SILENT, status=502, code="upstream_fault", body=body, dialect=NAME)
    elif message or answer.error not in NO_ERROR:
        facts = facts_of_body(body)
        error = read_error((facts and status_told(facts)) or 502, body)
    else:
        return None
    error.kind = "fault"
    return error


def _is_empty(message: _Message) -> bool:
    return message.content in _EMPTY and message.tool_calls in _EMPTY and message.tool_plan in _EMPTY


class _Delta(msgspec.Struct):
    finish_reason: Any = None
    error: Any = None


class _End(msgspec.Struct):
    delta: _Delta | None = None


_end = msgspec.json.Decoder(_End).decode


def end_fault(data: bytes) -> StreamFault | None:
    """The fault that the last event of a stream tells; None where it ends well."""
    try:
        delta = decode_mended(_end, data).delta
    except DECODE_ERRORS:
        return StreamFault(message="an event that cannot be read", type="protocol_error")
    if delta is None or delta.finish_reason != FAILED:
        return None
    message = delta.error if isinstance(delta.error, str) and delta.error else _SILENT
    return StreamFault(message=message)


def write_error(error: AsbruError, request_id: str) -> bytes:
    """The body of an error response. What a provider of this dialect said goes on as it came (not its 401)."""
    if (
        isinstance(error, UpstreamError)
        and error.kind in ("status", "fault")
        and error.dialect == NAME
        and error.status != 401
        and error.body is not None
        and _is_own(error.body)
    ):
        return error.body
    return encode({"id": request_id, "message": words_of(error), "type": error.type, "code": error.code})


def _is_own(body: bytes) -> bool:
    try:
        return isinstance(_answer(body).message, str)
    except DECODE_ERRORS:
        return False


def write_fault(message: str) -> bytes:
    """The event that ends a stream with an error."""
    words = message.encode("utf-8", "replace").decode()
    delta = {"finish_reason": FAILED, "error": words}
    return write_event(encode({"type": "message-end", "delta": delta}), "message-end")


def write_stream_error(error: AsbruError) -> bytes:
    """The same for an error of ours."""
    return write_fault(words_of(error))
