"""Messages as clients of Vertex AI send them: the model and the wish for a stream stand in the path, and the version in
the body: `.../publishers/anthropic/models/MODEL:streamRawPredict`.

From here on such a call is one of the Messages API. Not here: how Vertex AI itself is asked (`providers.vertex`).
Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import ChatRequest, Raw
from asbru.core.errors import BadRequest
from asbru.dialects.anthropic_messages import request
from asbru.dialects.anthropic_messages.types import decode_members, encode
from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.fields import DECODE_ERRORS, check_utf8, refuse_request
from asbru.dialects.surrogates import mend_surrogates

PATH: Final = "/vertex/v1/projects/{project}/locations/{location}/publishers/{publisher}/models"
_VERSION: Final = "anthropic_version"
_ANY: Final = "-"
"""Stands for the model where only the rest of a request is read."""


def read_head(body: bytes, parameters: PathParameters, query: bytes = b"") -> RequestHead:
    """The head of a request for a whole reply."""
    del query
    return _read(body, parameters["model"], stream=False)


def read_stream_head(body: bytes, parameters: PathParameters, query: bytes = b"") -> RequestHead:
    """The head of a request for a stream."""
    del query
    return _read(body, parameters["model"], stream=True)


def read_count_head(body: bytes, parameters: PathParameters, query: bytes = b"") -> RequestHead:
    """The head of a count, whose model stands in the body."""
    del parameters, query
    members = _members(body)
    members.pop(_VERSION, None)
    return request.read_head(encode(members))


def _read(body: bytes, model: str, *, stream: bool) -> RequestHead:
    return request.read_head(_as_messages(body, model, stream=stream))


def _as_messages(body: bytes, model: str, *, stream: bool) -> bytes:
    """The body as the Messages API has it."""
    members = _members(body)
    members.pop(_VERSION, None)
    named = {"model": Raw(encode(model)), "stream": Raw(encode(stream))}
    return encode({**members, **named})


def _members(body: bytes) -> dict[str, Raw]:
    check_utf8(body, refuse_request)
    try:
        return decode_members(mend_surrogates(body))
    except DECODE_ERRORS as error:
        raise BadRequest(f"the body: expected a JSON object, got something else ({error})") from None


def read_request(body: bytes) -> ChatRequest:
    """The whole request, without the model and the wish for a stream, which are the call's."""
    read = request.read_request(_as_messages(body, _ANY, stream=False))
    return msgspec.structs.replace(read, model="")
