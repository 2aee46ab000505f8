"""What can be asked in this dialect: a response. Stored responses are the provider's own and not served here.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from asbru.dialects.contract import Codec, Operation
from asbru.dialects.openai_responses.conversation import CONVERSING
from asbru.dialects.openai_responses.head import read_head
from asbru.dialects.openai_responses.request import read_request
from asbru.dialects.openai_responses.request_writer import without, write_request
from asbru.dialects.openai_responses.response import read_reply, write_reply
from asbru.dialects.openai_responses.stream import ResponsesStreamReader
from asbru.dialects.openai_responses.stream_writer import ResponsesStreamWriter

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=ResponsesStreamReader,
    stream_writer=ResponsesStreamWriter,
)

OPERATIONS = (
    Operation(
        name="chat",
        surface="responses",
        routes=("/responses",),
        path="/responses",
        read_head=read_head,
        streams=True,
        codec=CODEC,
        converses=CONVERSING,
    ),
)
