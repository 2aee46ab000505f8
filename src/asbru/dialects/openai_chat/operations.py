"""What can be asked in this dialect: chat, and what is no chat.

Rerank and OCR are not OpenAI's own: providers that speak its dialect offer them beside it, rerank as Jina, Cohere and
Together have it, OCR as Mistral has it.

Source: https://platform.openai.com/docs/api-reference
"""

from __future__ import annotations

from asbru.dialects.contract import Codec, Operation
from asbru.dialects.openai_chat import embeddings, moderations, rerank
from asbru.dialects.openai_chat.head import read_completions_head, read_head, read_moderations_head
from asbru.dialects.openai_chat.request import read_request
from asbru.dialects.openai_chat.request_body import without, write_request
from asbru.dialects.openai_chat.response import read_reply, write_reply
from asbru.dialects.openai_chat.stream import ChatStreamReader
from asbru.dialects.openai_chat.stream_writer import ChatStreamWriter
from asbru.dialects.openai_chat.texts import NO_TEXTS, texts_in
from asbru.dialects.openai_chat.unit_usage import ocr_pages_max, ocr_usage, rerank_usage

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
        shape=embeddings.SHAPE,
        texts=texts_in("input"),
    ),
    Operation(
        name="moderations",
        surface="moderations",
        routes=("/moderations",),
        path="/moderations",
        read_head=read_moderations_head,
        speaks=False,
        shape=moderations.SHAPE,
        texts=texts_in("input"),
    ),
    Operation(
        name="rerank",
        surface="rerank",
        routes=("/rerank",),
        path="/rerank",
        read_head=read_head,
        speaks=False,
        shape=rerank.SHAPE,
        texts=texts_in("query", "documents"),
        usage_of=rerank_usage,
    ),
    Operation(
        name="ocr",
        surface="ocr",
        routes=("/ocr",),
        path="/ocr",
        read_head=read_head,
        speaks=False,
        texts=NO_TEXTS,
        usage_of=ocr_usage,
        units_max=ocr_pages_max,
        by_token=False,
    ),
)
