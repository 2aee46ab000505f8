"""Errors on their way to the caller: whose words, and which status."""

from __future__ import annotations

from typing import Any

import pytest

from asbru.core.errors import UpstreamError
from asbru.dialects import RequestHead
from asbru.dialects.anthropic_messages import DIALECT as ANTHROPIC
from asbru.dialects.openai_chat import DIALECT as OPENAI
from asbru.pipeline.call import Call
from asbru.pipeline.deliver import refuse

FILTERED = b'{ "error": {"message": "filtered", "code": "content_filter", "status": 400} }'


class Heard:
    """The caller's side: keeps what it was told."""

    started = False

    def __init__(self) -> None:
        self.told: tuple[int, bytes, bytes] | None = None

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        self.told = (status, lines, body)


def refused(dialect: Any, error: UpstreamError, *, stream: bool) -> tuple[Call, int, bytes]:
    """A call that ended with `error`: the call, and the status and body its caller got."""
    heard: Any = Heard()
    call = Call("openai", dialect.operation("chat"), dialect, b"{}", response=heard)
    call.head = RequestHead(model="m", stream=stream, wants_usage=True, max_tokens=None)
    refuse(call, error)
    return call, heard.told[0], heard.told[2]


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_inside_a_200_goes_as_it_came(stream: bool) -> None:
    """Its caller gets the provider's bytes, and the status that they name, for a 200 would be taken for an answer."""
    error = OPENAI.errors.inside(FILTERED)
    assert error is not None
    call, told, body = refused(OPENAI, error, stream=stream)
    assert (told, body) == (400, FILTERED)
    assert (call.status, call.outcome, call.error) == (400, "error", error)


def test_an_error_inside_a_200_is_translated_with_its_own_status() -> None:
    """A caller of another dialect gets the error in that dialect's form, with the status it names."""
    error = OPENAI.errors.inside(FILTERED)
    assert error is not None
    call, told, body = refused(ANTHROPIC, error, stream=False)
    assert (told, call.status) == (400, 400)
    assert b'"type":"error"' in body and b"filtered" in body
