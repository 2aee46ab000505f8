"""The Anthropic Messages dialect (`POST /v1/messages`), canonical form to wire and back, pure.

It reads and writes requests, answers, streams and errors, and helps pass-through calls that stay in the dialect.
It refuses to guess: what it cannot carry is noted, counts nobody reported are null, unknown fields ride along.
Thinking signatures and cache marks survive; see `request.py` for what is normalised. No HTTP here, no counting.
"""

from asbru.dialects.anthropic_messages.blocks import UNSIGNED
from asbru.dialects.anthropic_messages.clients import CLIENTS, LIMITS
from asbru.dialects.anthropic_messages.errors import error_inside, read_error, write_error, write_stream_error
from asbru.dialects.anthropic_messages.model_list import write_all, write_one
from asbru.dialects.anthropic_messages.operations import OPERATIONS
from asbru.dialects.anthropic_messages.passthrough import head_usage, prelude, tail, usage_of, withhold
from asbru.dialects.anthropic_messages.request import rewrite
from asbru.dialects.anthropic_messages.types import NAME
from asbru.dialects.anthropic_messages.usage import merge_usage
from asbru.dialects.claude_words import FOREIGN_THINKING, MISSING_THINKING
from asbru.dialects.contract import Dialect, Errors, ModelsForm, Passing, Surface
from asbru.dialects.json_events import QUICK_END, malformed_at
from asbru.wire.sse import write_event

DIALECT = Dialect(
    name=NAME,
    setting="anthropic",
    surface=Surface(
        name="anthropic",
        home="anthropic",
        request_id=b"request-id",
        root="/anthropic",
        bases=("/anthropic/v1", "/v1"),
        models_bases=("/anthropic/v1",),
        clients=CLIENTS,
        limits=LIMITS,
        ping=write_event(b'{"type": "ping"}', "ping"),
    ),
    operations=OPERATIONS,
    passing=Passing(
        rewrite=rewrite,
        usage_of=usage_of,
        tail=tail,
        prelude=prelude,
        withhold=withhold,
        unfit=UNSIGNED,
        malformed_at=malformed_at,
        quick_end=QUICK_END,
        head_usage=head_usage,
        merge_usage=merge_usage,
    ),
    errors=Errors(
        read=read_error,
        inside=error_inside,
        write=write_error,
        write_stream=write_stream_error,
        foreign_thinking=FOREIGN_THINKING,
        missing_thinking=MISSING_THINKING,
    ),
    models=ModelsForm(write_all=write_all, write_one=write_one, path="/models?limit=1000"),
    header_prefixes=(b"anthropic-",),
)

__all__ = ["DIALECT"]
