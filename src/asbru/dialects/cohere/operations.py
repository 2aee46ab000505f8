"""What can be asked in this dialect: chat, embeddings and rerank, of the second version of the API.

Source: https://docs.cohere.com/reference/about
"""

from __future__ import annotations

from asbru.dialects.cohere import embed, rerank
from asbru.dialects.cohere.head import read_head, read_whole_head
from asbru.dialects.cohere.request import read_request
from asbru.dialects.cohere.request_writer import without, write_request
from asbru.dialects.cohere.response import read_reply, write_reply
from asbru.dialects.cohere.stream import CohereStreamReader
from asbru.dialects.cohere.stream_writer import CohereStreamWriter
from asbru.dialects.cohere.usage import usage_of
from asbru.dialects.contract import Codec, Operation
from asbru.dialects.searches import searches_max
from asbru.dialects.texts import texts_in

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=CohereStreamReader,
    stream_writer=CohereStreamWriter,
)

OPERATIONS = (
    Operation(
        name="chat",
        surface="chat",
        routes=("/v2/chat",),
        path="/v2/chat",
        read_head=read_head,
        streams=True,
        codec=CODEC,
    ),
    Operation(
        name="embeddings",
        surface="embed",
        routes=("/v2/embed",),
        path="/v2/embed",
        read_head=read_whole_head,
        speaks=False,
        shape=embed.SHAPE,
        texts=texts_in("texts", "inputs"),
        usage_of=usage_of,
    ),
    Operation(
        name="rerank",
        surface="rerank",
        routes=("/v2/rerank",),
        path="/v2/rerank",
        read_head=read_whole_head,
        speaks=False,
        shape=rerank.SHAPE,
        texts=texts_in("query", "documents"),
        usage_of=usage_of,
        units_max=searches_max,
    ),
)
