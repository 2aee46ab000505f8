"""OpenAI Responses: the dialect of Codex and of OpenAI's newer SDKs, in all directions.

It reads and writes requests, answers, streams and errors, and serves pass-through without decoding bodies. What a
provider stores (earlier responses, conversations) is known to that provider only: such requests pass to providers of
this dialect, and are refused where they must be translated.
"""

from asbru.dialects.contract import Dialect, Errors, Passing, Surface
from asbru.dialects.flat_head import rewrite
from asbru.dialects.json_events import QUICK_END, malformed_at
from asbru.dialects.openai_limits import LIMITS
from asbru.dialects.openai_model_list import MODELS
from asbru.dialects.openai_responses.carrier import UNFIT
from asbru.dialects.openai_responses.clients import CLIENTS
from asbru.dialects.openai_responses.errors import error_inside, read_error, write_error, write_stream_error
from asbru.dialects.openai_responses.operations import OPERATIONS
from asbru.dialects.openai_responses.passthrough import prelude, tail, withhold
from asbru.dialects.openai_responses.types import NAME
from asbru.dialects.openai_responses.usage import usage_of

DIALECT = Dialect(
    name=NAME,
    setting="responses",
    surface=Surface(
        name="openai",
        home="openai",
        root="",
        bases=("/v1", "/openai/v1"),
        models_bases=(),
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
        unfit=UNFIT,
    ),
    errors=Errors(
        read=read_error,
        inside=error_inside,
        write=write_error,
        write_stream=write_stream_error,
        foreign_thinking=("invalid_encrypted_content",),
    ),
    models=MODELS,
    header_prefixes=(b"openai-",),
    headers_withheld=frozenset((b"openai-organization", b"openai-project")),
)

__all__ = ["DIALECT"]
