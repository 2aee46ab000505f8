"""Errors of chat: those inside answers and streams, beside what the OpenAI family shares (`dialects.openai_errors`).

A provider that breaks off after its 200 says so in a choice, by `choices[].error` or by a finish reason
(`stops.FAILED`): that is an error like any other.
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects import openai_errors
from asbru.dialects.fields import NULL
from asbru.dialects.openai_chat.stops import FAILED
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_errors import (
    NO_ERROR,
    UNREADABLE,
    error_members,
    error_object,
    facts_of_body,
    fault_error,
    read_fault,
    status_told,
)
from asbru.dialects.too_long import openai_code
from asbru.wire.sse import write_event

_NO_CHOICES = (NULL, Raw(b"[]"))
_ERROR: Final = b'error"'
_RESOURCE: Final = b'_resource"'
_HEAD_BYTES: Final = 512
_TAIL_BYTES: Final = 1024
_ENDS_BYTES: Final = _HEAD_BYTES + _TAIL_BYTES


def read_error(status: int, body: bytes) -> UpstreamError:
    """A provider's error answer; never fails, whatever the bytes."""
    return openai_errors.read_error(NAME, status, body)


def write_error(error: AsbruError, _request_id: str) -> bytes:
    """The body of an error answer."""
    return openai_errors.write_error(NAME, error)


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
    if members.error in NO_ERROR or members.choices not in _NO_CHOICES or members.data != NULL:
        return _error_in_choices(members.choices)
    facts = facts_of_body(body)
    error = read_error((facts and status_told(facts)) or 502, body)
    error.kind = "fault"
    return error


def _read_answer(body: bytes) -> _Answer | None:
    """The members of an answer; of a list (Google answers errors so) those of its first item."""
    try:
        if body.lstrip().startswith(b"["):
            return next(iter(msgspec.json.decode(body, type=list[_Answer])), None)
        return msgspec.json.decode(body, type=_Answer)
    except UNREADABLE:
        return None


class _ChoiceEnd(msgspec.Struct):
    error: Raw = NULL
    finish_reason: Raw = NULL


_CHOICE_ENDS = msgspec.json.Decoder(list[_ChoiceEnd])


def _error_in_choices(raw: Raw) -> UpstreamError | None:
    """The error that a choice tells. The body is no error of this dialect, so it is not kept for callers."""
    try:
        choices = _CHOICE_ENDS.decode(raw)
    except UNREADABLE:
        return None
    for choice in choices:
        word = msgspec.json.decode(choice.finish_reason)
        fault = choice_fault(choice.error, word if isinstance(word, str) else None)
        if fault is not None:
            return fault_error(fault)
    return None


def choice_fault(error: Raw, finish: str | None) -> StreamFault | None:
    """What a choice tells of a failure, by its `error` (NULL: none) or its finish reason."""
    if error not in NO_ERROR:
        return read_fault(error)
    if finish not in FAILED:
        return None
    return StreamFault(
        message=f"the provider broke off its reply (finish_reason '{finish}')", type="api_error", code=finish
    )


def write_stream_error(error: AsbruError) -> bytes:
    """The event that ends a stream with an error; no `[DONE]` follows."""
    return write_event(msgspec.json.encode(error_object(error)))


def write_fault(fault: StreamFault) -> bytes:
    """The event for an error the provider reported inside its stream."""
    return write_event(msgspec.json.encode(error_members(fault.message, fault.type, openai_code(fault), None)))
