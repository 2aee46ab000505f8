"""Errors of ElevenLabs: `{"detail": {"status", "message"}}`, or FastAPI's list in `detail`.

Source: https://elevenlabs.io/docs/eleven-api/resources/errors
"""

from __future__ import annotations

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import UpstreamError
from asbru.dialects import openai_errors
from asbru.dialects.elevenlabs.types import NAME
from asbru.dialects.fields import DECODE_ERRORS, NULL


class _Answer(msgspec.Struct):
    detail: Raw = NULL
    text: Raw = NULL


_answer = msgspec.json.Decoder(_Answer).decode


def read_error(status: int, body: bytes) -> UpstreamError:
    """A provider's error response; never fails, whatever the bytes."""
    return openai_errors.read_error(NAME, status, body)


def error_inside(body: bytes) -> UpstreamError | None:
    """The error that came with status 200 in place of a reply; None for a reply, and for audio."""
    if not body.lstrip().startswith(b"{"):
        return None
    try:
        answer = _answer(body)
    except DECODE_ERRORS:
        return None
    if answer.detail == NULL or answer.text != NULL:
        return None
    error = read_error(502, body)
    error.kind = "fault"
    return error
