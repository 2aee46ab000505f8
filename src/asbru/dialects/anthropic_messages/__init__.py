"""The Anthropic Messages dialect (`POST /v1/messages`), canonical form to wire and back, pure.

It reads and writes requests, answers, streams and errors, and helps pass-through calls that stay in the dialect.
It refuses to guess: what it cannot carry is noted, counts nobody reported are null, unknown fields ride along.
Thinking signatures and cache marks survive; see `request.py` for what is normalised. No HTTP here, no counting.
"""

from asbru.dialects.anthropic_messages.count import Countable, countable, texts_of, write_count
from asbru.dialects.anthropic_messages.errors import error_inside, read_error, write_error, write_stream_error
from asbru.dialects.anthropic_messages.passthrough import head_usage, prelude, tail, usage_of, withhold
from asbru.dialects.anthropic_messages.request import read_head, read_request, rewrite
from asbru.dialects.anthropic_messages.request_writer import write_request
from asbru.dialects.anthropic_messages.response import read_reply, write_reply
from asbru.dialects.anthropic_messages.stream import MessagesStreamReader
from asbru.dialects.anthropic_messages.stream_writer import MessagesStreamWriter
from asbru.dialects.anthropic_messages.types import NAME
from asbru.dialects.anthropic_messages.usage import merge_usage
from asbru.dialects.contract import Dialect

DIALECT = Dialect(
    name=NAME,
    read_head=read_head,
    rewrite=rewrite,
    read_request=read_request,
    write_request=write_request,
    read_reply=read_reply,
    write_reply=write_reply,
    stream_reader=MessagesStreamReader,
    stream_writer=MessagesStreamWriter,
    usage_of=usage_of,
    tail=tail,
    prelude=prelude,
    withhold=withhold,
    read_error=read_error,
    error_inside=error_inside,
    write_error=write_error,
    write_stream_error=write_stream_error,
    head_usage=head_usage,
    merge_usage=merge_usage,
)

__all__ = ["DIALECT", "Countable", "countable", "texts_of", "write_count"]
