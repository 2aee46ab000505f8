"""Cohere's API, second version: chat, embeddings and rerank, in all directions.

It reads and writes requests, replies, streams and errors, and serves pass-through without decoding bodies. Usage is
what Cohere bills. The first version of the API is not served.
"""

from asbru.dialects.cohere.errors import error_inside, read_error, write_error, write_stream_error
from asbru.dialects.cohere.model_list import MODELS
from asbru.dialects.cohere.operations import OPERATIONS
from asbru.dialects.cohere.passthrough import prelude, tail, withhold
from asbru.dialects.cohere.types import NAME
from asbru.dialects.cohere.usage import usage_of
from asbru.dialects.contract import Dialect, Errors, Passing, Surface
from asbru.dialects.flat_head import rewrite
from asbru.dialects.json_events import QUICK_END, malformed_at

DIALECT = Dialect(
    name=NAME,
    setting="cohere",
    surface=Surface(
        name="cohere",
        home="cohere",
        root="/cohere",
        bases=("/cohere",),
        models_bases=("/cohere/v1",),
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
    ),
    errors=Errors(read=read_error, inside=error_inside, write=write_error, write_stream=write_stream_error),
    models=MODELS,
)

__all__ = ["DIALECT"]
