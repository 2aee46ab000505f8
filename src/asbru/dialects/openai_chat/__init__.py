"""OpenAI chat completions: the dialect most providers and most callers speak, in all directions.

It reads and writes requests, answers, streams and errors, tolerates the family's variants (Azure, Groq,
Mistral, DeepSeek, OpenRouter ...), and serves pass-through without decoding bodies. It refuses to guess:
usage that was not reported is absent, a stream that does not say it is complete is cut, and what chat
cannot carry is noted. Completions and embeddings are passed through only.
"""

from asbru.dialects.contract import Dialect
from asbru.dialects.openai_chat.errors import error_inside, read_error, write_error, write_stream_error
from asbru.dialects.openai_chat.head import read_head, rewrite
from asbru.dialects.openai_chat.passthrough import finishes, prelude, tail, withhold
from asbru.dialects.openai_chat.request import read_request
from asbru.dialects.openai_chat.request_body import write_request
from asbru.dialects.openai_chat.response import read_reply, write_reply
from asbru.dialects.openai_chat.stream import ChatStreamReader
from asbru.dialects.openai_chat.stream_writer import ChatStreamWriter
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_chat.usage import usage_of

DIALECT = Dialect(
    name=NAME,
    read_head=read_head,
    rewrite=rewrite,
    read_request=read_request,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=ChatStreamReader,
    stream_writer=ChatStreamWriter,
    usage_of=usage_of,
    tail=tail,
    prelude=prelude,
    withhold=withhold,
    read_error=read_error,
    error_inside=error_inside,
    write_error=write_error,
    write_stream_error=write_stream_error,
    finishes=finishes,
)

__all__ = ["DIALECT"]
