"""What can be asked in this dialect: a reply, whole or streamed, and how many tokens a request would be.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html,
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html
"""

from __future__ import annotations

from asbru.dialects.bedrock_converse.count import read_count_head, read_counted, write_count
from asbru.dialects.bedrock_converse.head import read_head, read_stream_head
from asbru.dialects.bedrock_converse.request import read_request
from asbru.dialects.bedrock_converse.request_writer import without, write_request
from asbru.dialects.bedrock_converse.response import read_reply, write_reply
from asbru.dialects.bedrock_converse.stream import ConverseStreamReader
from asbru.dialects.bedrock_converse.stream_writer import ConverseStreamWriter
from asbru.dialects.contract import Codec, Operation

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=ConverseStreamReader,
    stream_writer=ConverseStreamWriter,
)

OPERATIONS = (
    Operation(
        name="chat",
        surface="converse",
        routes=("/model/{model}/converse",),
        path="/model/{model}/converse",
        stream_path="/model/{model}/converse-stream",
        read_head=read_head,
        streams=True,
        codec=CODEC,
    ),
    Operation(
        name="chat",
        surface="converse_stream",
        routes=("/model/{model}/converse-stream",),
        path="/model/{model}/converse-stream",
        read_head=read_stream_head,
        streams=True,
        codec=CODEC,
    ),
    Operation(
        name="count_tokens",
        surface="count_tokens",
        routes=("/model/{model}/count-tokens",),
        path="/model/{model}/count-tokens",
        read_head=read_count_head,
        speaks=False,
        read_request=read_counted,
        write_count=write_count,
    ),
)
