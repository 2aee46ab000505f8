"""The Converse dialect of Amazon Bedrock (`POST /model/{model}/converse`), canonical form to wire and back, pure.

It reads and writes requests, replies, streams (AWS event stream) and errors, and helps pass-through calls that stay in
the dialect. The model and the wish for a stream stand in the path. Bodies of the models' own (`/invoke`) are not here.
"""

from functools import partial

from asbru.core.errors import AsbruError
from asbru.dialects import aws_errors
from asbru.dialects.bedrock_converse.head import rewrite
from asbru.dialects.bedrock_converse.operations import OPERATIONS
from asbru.dialects.bedrock_converse.passthrough import prelude, tail, withhold
from asbru.dialects.bedrock_converse.types import NAME
from asbru.dialects.bedrock_converse.usage import usage_of
from asbru.dialects.claude_words import FOREIGN_THINKING, MISSING_THINKING
from asbru.dialects.contract import Dialect, Errors, Passing, Surface
from asbru.wire.framing import EVENT_STREAM


def write_error(error: AsbruError, _request_id: str) -> bytes:
    """The body of an error response."""
    return aws_errors.write_error(NAME, error)


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
        read=partial(aws_errors.read_error, NAME),
        inside=partial(aws_errors.error_inside, NAME),
        write=write_error,
        write_stream=aws_errors.write_stream_error,
        kind_header=aws_errors.KIND_HEADER,
        name=aws_errors.name_error,
        foreign_thinking=FOREIGN_THINKING,
        missing_thinking=MISSING_THINKING,
    ),
    framing=EVENT_STREAM,
    header_prefixes=(b"x-amzn-bedrock-",),
    headers_withheld=frozenset((b"x-amz-date", b"x-amz-content-sha256", b"x-amz-security-token")),
)

__all__ = ["DIALECT"]
