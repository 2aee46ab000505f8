"""Token counts: `{"input": {"converse": {...}}}` asked, `{"inputTokens": n}` told.

The other form of the input, `invokeModel`, is a body of the model's own in base64; only the provider can count it.
"""

from __future__ import annotations

from asbru.core.chat import ChatRequest
from asbru.dialects.bedrock_converse.request import read_request
from asbru.dialects.bedrock_converse.types import decode_members, encode
from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.fields import check_utf8, open_body, refuse_request


def read_count_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """The head of a count; `BadRequest` for what is none."""
    del query
    fields = open_body(body, refuse_request)
    fields.need_child("input")
    check_utf8(body, refuse_request)
    return RequestHead(parameters.get("model", ""), False, True, None, 1, decode_members(body))


def read_counted(body: bytes) -> ChatRequest:
    """The request whose tokens are to be counted."""
    asked = open_body(body, refuse_request).need_child("input")
    converse = asked.raw("converse")
    if converse is None:
        raise asked.wrong("converse", "expected a Converse request; only its own provider can count another form")
    return read_request(bytes(converse))


def write_count(input_tokens: int) -> bytes:
    """The response of a count."""
    return encode({"inputTokens": input_tokens})
