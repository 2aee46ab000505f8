"""Google's Gemini API: the dialect of Gemini CLI and of Google's SDKs, in all directions.

It reads and writes requests, replies, streams, embeddings and errors, and serves pass-through without decoding bodies.
Model and method stand in the path. What a provider keeps (cached contents, files) is known to that provider only.
"""

from asbru.dialects.contract import Dialect, Errors, Passing, Surface
from asbru.dialects.gemini.clients import CLIENTS
from asbru.dialects.gemini.errors import error_inside, read_error, write_error, write_stream_error
from asbru.dialects.gemini.head import rewrite
from asbru.dialects.gemini.model_list import MODELS
from asbru.dialects.gemini.operations import OPERATIONS
from asbru.dialects.gemini.passthrough import finishes, prelude, tail, withhold
from asbru.dialects.gemini.types import NAME
from asbru.dialects.gemini.usage import usage_of
from asbru.dialects.json_events import QUICK_END, malformed_at

DIALECT = Dialect(
    name=NAME,
    setting="gemini",
    surface=Surface(
        name="genai",
        home="gemini",
        root="/genai",
        bases=("/genai/v1beta", "/genai/v1", "/vertex/v1", "/vertex/v1beta1"),
        models_bases=("/genai/v1beta", "/genai/v1"),
        key_parameter="key",
        clients=CLIENTS,
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
        foreign_thinking=("thought signature is not valid",),
        missing_thinking=("missing a thought_signature",),
    ),
    models=MODELS,
    array_streams=True,
    header_prefixes=(b"x-goog-",),
    headers_withheld=frozenset((b"x-goog-api-key", b"x-goog-user-project")),
)

__all__ = ["DIALECT"]
