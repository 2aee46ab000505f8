"""What can be asked in this dialect: a reply, whole or streamed, a count of tokens, embeddings. All of it stands in the
path: `/models/{model}:generateContent`. Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

from typing import Any, Final

from asbru.dialects.contract import Codec, Operation
from asbru.dialects.gemini import embeddings
from asbru.dialects.gemini.head import read_count_head, read_head, read_stream_head
from asbru.dialects.gemini.request import read_count_request, read_request
from asbru.dialects.gemini.request_writer import without, write_request
from asbru.dialects.gemini.response import read_reply, write_reply
from asbru.dialects.gemini.stream import GeminiStreamReader
from asbru.dialects.gemini.stream_writer import GeminiStreamWriter
from asbru.dialects.gemini.types import encode

VERTEX_PLACES: Final = (
    "/projects/{project}/locations/{location}/publishers/{publisher}",
    "/publishers/{publisher}",
)
"""What stands before the model in paths of Vertex AI."""

CODEC = Codec(
    read_request=read_request,
    write_request=write_request,
    without=without,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=GeminiStreamReader,
    stream_writer=GeminiStreamWriter,
)


def write_count(input_tokens: int) -> bytes:
    """The response of countTokens."""
    return encode({"totalTokens": input_tokens})


_STREAM = "/models/{model}:streamGenerateContent?alt=sse"

_AS_EVENTS = frozenset((b"alt=sse", b"$alt=sse", b"%24alt=sse"))
"""System parameters: https://cloud.google.com/apis/docs/system-parameters"""


def _routes(method: str) -> tuple[str, ...]:
    """Where a method is asked for: as the Gemini API has it, and as Vertex AI has it."""
    return tuple(f"{place}/models/{{model}}:{method}" for place in ("", *VERTEX_PLACES))


def _chat(**more: Any) -> Operation:
    return Operation(name="chat", streams=True, codec=CODEC, **more)


def _embed(method: str, **more: Any) -> Operation:
    return Operation(
        name="embeddings",
        routes=_routes(method),
        path=f"/models/{{model}}:{method}",
        read_head=embeddings.read_head,
        speaks=False,
        **more,
    )


OPERATIONS = (
    _chat(
        surface="generate",
        routes=_routes("generateContent"),
        path="/models/{model}:generateContent",
        stream_path=_STREAM,
        read_head=read_head,
    ),
    _chat(
        surface="stream",
        routes=_routes("streamGenerateContent"),
        path=_STREAM,
        read_head=read_stream_head,
        array_unless=_AS_EVENTS,
    ),
    Operation(
        name="count_tokens",
        surface="count_tokens",
        routes=_routes("countTokens"),
        path="/models/{model}:countTokens",
        read_head=read_count_head,
        speaks=False,
        read_request=read_count_request,
        write_count=write_count,
    ),
    _embed("batchEmbedContents", surface="batch_embed", shape=embeddings.MANY, texts=embeddings.MANY_TEXTS),
    _embed("embedContent", surface="embed", shape=embeddings.ONE, texts=embeddings.ONE_TEXTS),
)
