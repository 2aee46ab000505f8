"""OpenAI chat completions: the dialect most providers and most callers speak, in all directions.

It reads and writes requests, answers, streams and errors, tolerates the family's variants (Azure, Groq,
Mistral, DeepSeek, OpenRouter ...), and serves pass-through without decoding bodies. It refuses to guess:
usage that was not reported is absent, a stream that does not say it is complete is cut, and what chat
cannot carry is noted. Completions and embeddings are passed through only.
"""

from asbru.dialects.contract import Dialect, Errors, Passing, Surface
from asbru.dialects.json_events import QUICK_END, malformed_at
from asbru.dialects.openai_chat.clients import CLIENTS
from asbru.dialects.openai_chat.errors import error_inside, read_error, write_error, write_stream_error
from asbru.dialects.openai_chat.head import rewrite
from asbru.dialects.openai_chat.operations import OPERATIONS
from asbru.dialects.openai_chat.passthrough import finishes, prelude, tail, withhold
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_chat.usage import usage_of
from asbru.dialects.openai_limits import LIMITS
from asbru.dialects.openai_model_list import MODELS

DIALECT = Dialect(
    name=NAME,
    setting="openai",
    surface=Surface(
        name="openai",
        home="openai",
        root="/",
        bases=("/v1", "/openai/v1"),
        models_bases=("/v1", "/openai/v1"),
        clients=CLIENTS,
        limits=LIMITS,
    ),
    operations=OPERATIONS,
    passing=Passing(
        rewrite=rewrite,
        usage_of=usage_of,
        tail=tail,
        prelude=prelude,
        withhold=withhold,
        malformed_at=malformed_at,
        quick_end=QUICK_END,
        finishes=finishes,
    ),
    errors=Errors(
        read=read_error,
        inside=error_inside,
        write=write_error,
        write_stream=write_stream_error,
        missing_thinking=("`reasoning_content` in the thinking mode must be passed back",),
    ),
    models=MODELS,
    header_prefixes=(b"openai-",),
    headers_withheld=frozenset((b"openai-organization", b"openai-project")),
)

__all__ = ["DIALECT"]
