"""Claude on Amazon Bedrock by its own body (`POST /model/{model}/invoke`): the Messages API in Bedrock's envelope.

The body is that of the Messages API, but for `model` and `stream`, which stand in the path, with `anthropic_version`,
and with betas as a member instead of a header. Events of streams travel as base64 in frames of an AWS event stream;
errors are AWS's. All else is the Messages dialect, which discovery hands over. Bodies of other makers are refused.
"""

from functools import partial

from asbru.core.errors import AsbruError
from asbru.dialects import aws_errors
from asbru.dialects.bedrock_invoke.body import (
    MESSAGES,
    NAME,
    read_head,
    read_request,
    read_stream_head,
    rewrite,
    take_headers,
    write_request,
)
from asbru.dialects.bedrock_invoke.stream import EnvelopeReader, EnvelopeWriter, prelude, tail, unwrap
from asbru.dialects.claude_words import FOREIGN_THINKING, MISSING_THINKING
from asbru.dialects.contract import Codec, Derived, Dialect, Errors, Operation, Passing, Surface
from asbru.wire.framing import EVENT_STREAM


def write_error(error: AsbruError, _request_id: str) -> bytes:
    """The body of an error response."""
    return aws_errors.write_error(NAME, error)


def _codec(chat: Codec) -> Codec:
    return Codec(
        read_request=partial(read_request, chat),
        write_request=partial(write_request, chat),
        without=chat.without,
        read_reply=chat.read_reply,
        write_reply=chat.write_reply,
        stream_reader=partial(EnvelopeReader, chat.stream_reader),
        stream_writer=partial(EnvelopeWriter, chat.stream_writer),
    )


def make(base: Dialect) -> Dialect:
    """The dialect, made of that of the Messages API."""
    passing, codec = base.passing, _codec(base.chat)
    whole, stream = "/model/{model}/invoke", "/model/{model}/invoke-with-response-stream"
    return Dialect(
        name=NAME,
        setting="bedrock-invoke",
        surface=Surface(
            name="bedrock",
            home="bedrock",
            root="",
            bases=("/bedrock",),
            models_bases=(),
            request_id=b"x-amzn-requestid",
            clients=base.surface.clients,
        ),
        operations=(
            Operation(
                name="chat",
                surface="invoke",
                routes=(whole,),
                path=whole,
                stream_path=stream,
                read_head=read_head,
                streams=True,
                codec=codec,
            ),
            Operation(
                name="chat",
                surface="invoke_stream",
                routes=(stream,),
                path=stream,
                read_head=read_stream_head,
                streams=True,
                codec=codec,
            ),
        ),
        passing=Passing(
            rewrite=rewrite,
            usage_of=passing.usage_of,
            tail=partial(tail, passing),
            prelude=partial(prelude, passing),
            withhold=passing.withhold,
            unfit=passing.unfit,
            head_usage=lambda data: passing.head_usage(unwrap(data)[0]),
            merge_usage=passing.merge_usage,
        ),
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
        kin=base.name,
        take_headers=take_headers,
    )


DIALECT = Derived(of=MESSAGES, make=make)

__all__ = ["DIALECT"]
