"""The Converse dialect of Amazon Bedrock (`POST /model/{model}/converse`), canonical form to wire and back, pure.

It reads and writes requests, replies, streams (AWS event stream) and errors, and helps pass-through calls that stay in
the dialect. The model and the wish for a stream stand in the path. Bodies of the models' own (`/invoke`) are not here.
"""

from asbru.dialects.bedrock_converse.errors import (
    error_inside,
    name_error,
    read_error,
    write_error,
    write_stream_error,
)
from asbru.dialects.bedrock_converse.head import rewrite
from asbru.dialects.bedrock_converse.operations import OPERATIONS
from asbru.dialects.bedrock_converse.passthrough import prelude, tail, withhold
from asbru.dialects.bedrock_converse.types import NAME
from asbru.dialects.bedrock_converse.usage import usage_of
from asbru.dialects.contract import Dialect, Errors, Passing, Surface
from asbru.wire.framing import EVENT_STREAM

DIALECT = Dialect(
    name=NAME,
    setting="bedrock",
    surface=Surface(
        name="bedrock",
        home="bedrock",
        root="/bedrock",
        bases=("/bedrock",),
        models_bases=(),
        request_id=b"x-amzn-requestid",
    ),
    operations=OPERATIONS,
    passing=Passing(rewrite=rewrite, usage_of=usage_of, tail=tail, prelude=prelude, withhold=withhold),
    errors=Errors(
        read=read_error,
        inside=error_inside,
        write=write_error,
        write_stream=write_stream_error,
        kind_header=b"x-amzn-errortype",
        name=name_error,
    ),
    framing=EVENT_STREAM,
    header_prefixes=(b"x-amzn-bedrock-",),
)

__all__ = ["DIALECT"]
