"""What can be asked in this dialect: a response, how many tokens its input would be, and what is stored of it.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from asbru.dialects.contract import Codec, Operation
from asbru.dialects.flat_head import flat_head
from asbru.dialects.openai_responses.conversation import CONVERSING
from asbru.dialects.openai_responses.request import read_request
from asbru.dialects.openai_responses.request_writer import without, write_request
from asbru.dialects.openai_responses.response import read_reply, write_reply
from asbru.dialects.openai_responses.stored import STORED_OPERATIONS
from asbru.dialects.openai_responses.stream import ResponsesStreamReader
from asbru.dialects.openai_responses.stream_writer import ResponsesStreamWriter
from asbru.dialects.openai_responses.types import encode
from asbru.dialects.spoken import Spoken, spoken_at

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=ResponsesStreamReader,
    stream_writer=ResponsesStreamWriter,
)

_read_head = flat_head("max_output_tokens")


def write_count(input_tokens: int) -> bytes:
    """The response of input_tokens."""
    return encode({"object": "response.input_tokens", "input_tokens": input_tokens})


OPERATIONS = (
    Operation(
        name="chat",
        surface="responses",
        routes=("/responses",),
        path="/responses",
        read_head=_read_head,
        streams=True,
        codec=CODEC,
        converses=CONVERSING,
    ),
    Operation(
        name="count_tokens",
        surface="responses.input_tokens",
        routes=("/responses/input_tokens",),
        path="/responses/input_tokens",
        read_head=_read_head,
        speaks=False,
        read_request=read_request,
        write_count=write_count,
        converses=CONVERSING,
    ),
    Operation(
        name="compact",
        surface="responses.compact",
        routes=("/responses/compact",),
        path="/responses/compact",
        read_head=_read_head,
        read_request=read_request,
        converses=CONVERSING,
        spoken=Spoken(read=spoken_at("output.*.content.*.text", "output.*.summary.*.text")),
    ),
    *STORED_OPERATIONS,
)
