"""A provider's whole response, judged and made for the caller: a reply as it came or translated, or an error raised.

Not here: streams (`open_stream`), and what follows from an error (`attempts`).
"""

from __future__ import annotations

from functools import partial

from asbru.core.chat import StandIn
from asbru.core.errors import ERROR_BYTES_MAX, UpstreamError
from asbru.core.reply import ChatReply
from asbru.core.usage import Usage
from asbru.dialects import Codec, Dialect, Operation
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.completing import Completing
from asbru.pipeline.large_bodies import check_reply, in_thread
from asbru.pipeline.responses import Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stages import through_stages
from asbru.pipeline.stand_ins import stand_ins_of
from asbru.routing import read_retry_after_s
from asbru.upstream import LARGE_BYTES_MIN, UpstreamResponse
from asbru.wire.content_coding import CodingError, DecodedTooLargeError, accepts, begin_to_decode, decode
from asbru.wire.http_heads import JSON_LINE

_OPENS, _CLOSES = b"{}"


def judge(call: Call, attempt: Attempt, upstream: UpstreamResponse, rooms: Rooms) -> bytes:
    """The body of a reply, without its content coding. Raises `UpstreamError` for whatever is none."""
    coding = upstream.content_encoding
    dialect = attempt.endpoint.dialect
    attempt.status = upstream.status
    if upstream.status >= 300:
        raise refusal(upstream, dialect, rooms)
    body = upstream.body if not coding else decoded(upstream.body, coding, rooms.response_bytes_max)
    inside = dialect.errors.inside(body)
    if inside is not None:
        tell_headers(inside, upstream, rooms)
        attempt.usage = _usage_of(call, dialect, body)  # what broke off in the middle may be paid for
        raise inside
    if attempt.response_passes:  # a translated one tells it when it is read
        attempt.usage = (call.operation.usage_of or dialect.passing.usage_of)(body)
        if attempt.usage is None:
            charge(call, attempt)
    if call.head is not None and call.head.stream and call.operation.read_events is None:
        attempt.usage = dialect.passing.usage_of(body)
        raise _protocol_error("the provider returned a response without a stream to a streamed request")
    if not body or body[0] != _OPENS or body[-1] != _CLOSES:
        _check_body(call, upstream, body)
    return body


def charge(call: Call, attempt: Attempt) -> None:
    """Note the usage that follows from the request alone, where the reply told none."""
    if call.operation.charge is not None and call.head is not None:
        attempt.usage = call.operation.charge(call.head, call.body)


def pass_coded(call: Call, upstream: UpstreamResponse, body: bytes) -> Response:
    """A coded response as it came; a content coding that the caller did not ask for is taken off."""
    if body is upstream.body or accepts(call.accept_coding, upstream.content_encoding):
        return Response(upstream.status, upstream.lines, upstream.body)
    return Response(upstream.status, upstream.lines_without(b"content-encoding"), body)


async def translate(
    call: Call, attempt: Attempt, upstream: UpstreamResponse, body: bytes, *, rooms: Rooms
) -> Response:
    """The reply written in the caller's dialect, after the stages that change it."""
    dialect = attempt.endpoint.dialect
    if len(body) > LARGE_BYTES_MIN:
        await check_reply(rooms, body)
    if call.operation.spoken is not None and call.dialect is dialect:
        attempt.usage = _usage_of(call, dialect, body)
        if attempt.usage is None:
            charge(call, attempt)
        body = await _through_stages(call, body, upstream.content_type, rooms)
        return Response(upstream.status, upstream.lines_without(b"content-encoding"), body)
    if call.operation.shape is not None:
        return await _translate_shape(call, attempt, upstream, body, rooms=rooms)
    try:
        reply = _codec(call, dialect).read_reply(body)
    except UpstreamError:  # what makes no sense was paid for all the same
        attempt.usage = dialect.passing.usage_of(body)
        raise
    attempt.usage = reply.usage or dialect.passing.usage_of(body)
    reply = completing(call, attempt, rooms).reply(reply)
    if call.stages:
        reply = await through_stages(call, rooms, reply)
    return write_reply(call, attempt, reply, upstream.lines_without(b"content-type", b"content-encoding"))


def write_reply(call: Call, attempt: Attempt, reply: ChatReply, lines: bytes) -> Response:
    """A reply in the caller's dialect; `lines`: its headers but for the type."""
    written = _codec(call, call.dialect).write_reply(reply)
    attempt.notes += written.notes
    return Response(200, lines + JSON_LINE, written.body)


async def _translate_shape(
    call: Call, attempt: Attempt, upstream: UpstreamResponse, body: bytes, *, rooms: Rooms
) -> Response:
    """The reply of an operation that is no chat, written in the caller's dialect."""
    theirs, ours = _operation(call, attempt.endpoint.dialect).shape, call.operation.shape
    assert theirs is not None and ours is not None, "a reply without canonical form is passed on"
    attempt.usage = _usage_of(call, attempt.endpoint.dialect, body)  # what makes no sense is paid for all the same
    large = len(body) > LARGE_BYTES_MIN
    read = partial(theirs.read_reply, body, upstream.content_type)
    reply = await in_thread(rooms, read) if large else read()
    attempt.usage = reply.usage or attempt.usage
    if attempt.usage is None:
        charge(call, attempt)
    write = partial(ours.write_reply, reply, call.read_shaped())
    written = await in_thread(rooms, write) if large else write()
    attempt.notes += written.notes
    lines = upstream.lines_without(b"content-type", b"content-encoding")
    told = written.body
    if call.stages and call.operation.spoken is not None:
        told = await _through_stages(call, told, written.content_type, rooms)
    return Response(200, b"%bcontent-type: %b\r\n" % (lines, written.content_type), told)


async def _through_stages(call: Call, body: bytes, content_type: bytes, rooms: Rooms) -> bytes:
    """What the stages make of the words in a reply that is no chat's: the same bytes where nothing changes."""
    spoken = call.operation.spoken
    assert spoken is not None, "who calls looked"
    read = partial(spoken.read, body, content_type)
    reply, write = await in_thread(rooms, read) if len(body) > LARGE_BYTES_MIN else read()
    changed = await through_stages(call, rooms, reply)
    return body if changed is reply else write(changed)


def completing(call: Call, attempt: Attempt, rooms: Rooms) -> Completing:
    """What completes the attempt's answer for its caller."""
    offered: dict[str, StandIn] = {}
    if call.canonical is not None and call.canonical.tools and call.dialect is not attempt.endpoint.dialect:
        offered = stand_ins_of(call.canonical)
    return Completing(
        attempt.renamed, int(rooms.unix_time()), call.id.decode(), attempt.served_model, stand_ins=offered
    )


async def show(call: Call, attempt: Attempt, body: bytes, content_type: bytes, *, rooms: Rooms) -> None:
    """Let the watching stages see a reply that goes to the caller as it came."""
    if call.operation.codec is not None:
        await through_stages(call, rooms, _codec(call, attempt.endpoint.dialect).read_reply(body))
    elif call.operation.spoken is not None and call.stages:
        await _through_stages(call, body, content_type, rooms)


def tell_headers(error: UpstreamError, upstream: UpstreamResponse, rooms: Rooms) -> None:
    """Give an error that came in `upstream` what its headers say: how long to wait, and what goes back to callers."""
    error.content_type = upstream.content_type
    told_s = read_retry_after_s(upstream.retry_after, rooms.unix_time(), upstream.retry_after_ms)
    if told_s is not None:  # else what the body says, where it does
        error.retry_after_s = told_s
    error.lines = upstream.lines_without(b"content-type", b"content-encoding", b"retry-after")


def _codec(call: Call, dialect: Dialect) -> Codec:
    operation = _operation(call, dialect)
    assert operation.codec is not None, "a reply without canonical form is passed on"
    return operation.codec


def _operation(call: Call, dialect: Dialect) -> Operation:
    """What the call is to `dialect`."""
    operation = call.operation if dialect is call.dialect else dialect.operation(call.operation.name)
    assert operation is not None, "only dialects that have the operation are asked"
    return operation


def _usage_of(call: Call, dialect: Dialect, body: bytes) -> Usage | None:
    return (_operation(call, dialect).usage_of or dialect.passing.usage_of)(body)


def _protocol_error(message: str) -> UpstreamError:
    return UpstreamError(message, kind="protocol", code="upstream_protocol")


def decoded(body: bytes, coding: bytes, bytes_max: int) -> bytes:
    """A provider's body without its content coding; raises `UpstreamError`."""
    if coding == b"identity":
        return body
    try:
        return decode(coding, body, bytes_max)
    except CodingError as error:
        raise _protocol_error(f"the provider's response cannot be decoded: {error}") from error
    except DecodedTooLargeError:
        raise _protocol_error(f"the provider's response is larger than {bytes_max} bytes after decoding") from None


def _check_body(call: Call, upstream: UpstreamResponse, body: bytes) -> None:
    """What is none of an operation's replies. A text may be anything, and silence is transcribed by no words at all;
    but then it is said to be a text."""
    match call.operation.gives:
        case "json":
            _check_json(body)
        case "text" if upstream.content_type.find(b"json") >= 0 and body.startswith(b"{"):
            _check_json(body)
        case "text" if not body and not upstream.content_type.startswith(b"text/"):
            raise _protocol_error("the provider returned a response without a body")
        case "bytes" if not body:
            raise _protocol_error("the provider returned a response without a body")
        case _:
            pass


def _check_json(body: bytes) -> None:
    """What is not whole JSON is no reply."""
    text = body.strip()
    if not text.startswith((b"{", b"[")):
        raise _protocol_error("the provider returned a response that is not JSON")
    if not text.endswith((b"}", b"]")):
        raise UpstreamError("the provider's response ended before it was complete", kind="cut", code="upstream_cut")


def _beginning(body: bytes, coding: bytes) -> bytes:
    """What is read of an error's body, which may be cut."""
    if not coding or coding == b"identity":
        return body[:ERROR_BYTES_MAX]
    try:
        return begin_to_decode(coding, body, ERROR_BYTES_MAX)
    except CodingError as error:
        raise _protocol_error(f"the provider's response cannot be decoded: {error}") from error


def refusal(upstream: UpstreamResponse, dialect: Dialect, rooms: Rooms) -> UpstreamError:
    """The error that a response with a status of 300 and above is."""
    if upstream.status > 599:
        return _protocol_error(f"the provider returned the status {upstream.status}, which HTTP does not have")
    if upstream.status < 400:
        return _protocol_error(f"the provider returned a redirect ({upstream.status}), which Asbru does not follow")
    errors = dialect.errors
    error = errors.read(upstream.status, _beginning(upstream.body, upstream.content_encoding))
    if errors.kind_header:
        error = errors.name(error, upstream.header(errors.kind_header))
    tell_headers(error, upstream, rooms)
    return error
