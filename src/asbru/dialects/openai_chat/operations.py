"""What can be asked in this dialect: chat, and what is only passed through, completions and embeddings.

Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from asbru.dialects.contract import Codec, Operation
from asbru.dialects.openai_chat.head import read_completions_head, read_head
from asbru.dialects.openai_chat.request import read_request
from asbru.dialects.openai_chat.request_body import without, write_request
from asbru.dialects.openai_chat.response import read_reply, write_reply
from asbru.dialects.openai_chat.stored import STORED_OPERATIONS
from asbru.dialects.openai_chat.stream import ChatStreamReader
from asbru.dialects.openai_chat.stream_writer import ChatStreamWriter
from asbru.dialects.openai_chat.texts import texts_in

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=ChatStreamReader,
    stream_writer=ChatStreamWriter,
)


OPERATIONS = (
    Operation(
        name="chat",
        surface="chat",
        routes=("/chat/completions",),
        path="/chat/completions",
        read_head=read_head,
        streams=True,
        codec=CODEC,
    ),
    Operation(
        name="completions",
        surface="completions",
        routes=("/completions",),
        path="/completions",
        read_head=read_completions_head,
        streams=True,
        texts=texts_in("prompt", "suffix"),
    ),
    Operation(
        name="embeddings",
        surface="embeddings",
        routes=("/embeddings",),
        path="/embeddings",
        read_head=read_head,
        speaks=False,
        texts=texts_in("input"),
    ),
    *STORED_OPERATIONS,
)
