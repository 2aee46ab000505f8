"""What can be asked in this dialect: messages, and how many tokens they would be.

A count is a Messages request without `max_tokens`, so the same reader reads it.
Source: https://platform.claude.com/docs/en/api/messages-count-tokens
"""

from __future__ import annotations

from asbru.dialects.anthropic_messages import predict
from asbru.dialects.anthropic_messages.request import read_head, read_request
from asbru.dialects.anthropic_messages.request_writer import without, write_request
from asbru.dialects.anthropic_messages.response import read_reply, write_reply
from asbru.dialects.anthropic_messages.stored import STORED_OPERATIONS
from asbru.dialects.anthropic_messages.stream import MessagesStreamReader
from asbru.dialects.anthropic_messages.stream_writer import MessagesStreamWriter
from asbru.dialects.anthropic_messages.types import encode
from asbru.dialects.contract import Codec, Operation

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=MessagesStreamReader,
    stream_writer=MessagesStreamWriter,
)


def write_count(input_tokens: int) -> bytes:
    """The response of count_tokens."""
    return encode({"input_tokens": input_tokens})


OPERATIONS = (
    Operation(
        name="chat",
        surface="messages",
        routes=("/messages",),
        path="/messages",
        read_head=read_head,
        streams=True,
        codec=CODEC,
    ),
    Operation(
        name="count_tokens",
        surface="count_tokens",
        routes=("/messages/count_tokens",),
        path="/messages/count_tokens",
        read_head=read_head,
        speaks=False,
        read_request=read_request,
        write_count=write_count,
    ),
    Operation(
        name="count_tokens",
        surface="count_raw_predict",
        bare_routes=(f"{predict.PATH}/count-tokens:rawPredict",),
        path="/messages/count_tokens",
        read_head=predict.read_count_head,
        speaks=False,
        read_request=read_request,
        write_count=write_count,
    ),
    Operation(
        name="chat",
        surface="raw_predict",
        bare_routes=(f"{predict.PATH}/{{model}}:rawPredict",),
        path="/messages",
        read_head=predict.read_head,
        streams=True,
        codec=CODEC,
        read_request=predict.read_request,
    ),
    Operation(
        name="chat",
        surface="stream_raw_predict",
        bare_routes=(f"{predict.PATH}/{{model}}:streamRawPredict",),
        path="/messages",
        read_head=predict.read_stream_head,
        streams=True,
        codec=CODEC,
        read_request=predict.read_request,
    ),
    *STORED_OPERATIONS,
)
