"""One attempt: the caller's request made for one target, sent, and its answer judged and made for the caller.

What follows from an answer (retry, rest, fallback) is decided in `attempts`.
"""

from __future__ import annotations

import msgspec

from asbru.core.errors import UpstreamError
from asbru.core.notes import Note
from asbru.core.usage import Usage
from asbru.dialects import Dialect, RequestHead, TargetFacts
from asbru.pipeline.call import Call
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.inputs import check_inputs
from asbru.pipeline.large import write_members
from asbru.pipeline.operations import CHAT
from asbru.pipeline.responses import OpenStream, Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.streaming import PassRelay, Relay, TranslateRelay
from asbru.routing import Key, ProviderRoute, read_retry_after_s
from asbru.upstream import LARGE_BYTES_MIN, Body, UpstreamResponse
from asbru.wire import JSON_LINE, SSE, Framing
from asbru.wire.content_coding import CodingError, DecodedTooLargeError, Decoder, accepts, decode, decoder

_NO_CACHE = b"cache-control: no-cache\r\n"
_OPENS, _CLOSES = b"{}"
_encode = msgspec.json.encode


def passes_through(call: Call, endpoint: Endpoint) -> bool:
    """The one decision: same dialect in and out, and nothing that rewrites text."""
    return call.dialect is endpoint.dialect


async def send(call: Call, key: Key, endpoint: Endpoint, rooms: Rooms) -> Response:
    """A good reply, or `UpstreamError`. A stream is good once its first content is in hand."""
    head = call.head
    target = call.target
    assert head is not None and target is not None
    call.notes = ()
    call.pass_through = passing = passes_through(call, endpoint)
    asks_usage = head.stream and not head.wants_usage and endpoint.route.ask_stream_usage
    model = target.model
    call.served_model = model = key.aliases.get(model, model)
    body: Body
    if not passing:
        body = _translate(call, model, endpoint)
    else:
        if not endpoint.plain:
            _heed(call, head, endpoint.route)
        members = endpoint.dialect.rewrite(head, model, asks_usage, endpoint.route.strip)
        if members is None:
            body = call.body
        else:
            body = _encode(members) if call.body_bytes <= LARGE_BYTES_MIN else write_members(members)
    shown = key.lines
    shown = await key.credential.lines(endpoint.to_sign(call, body, rooms.unix_time())) if shown is None else shown
    exchange = endpoint.pool.begin(
        endpoint.write_head(call, shown, len(body)), body, endpoint.deadlines, streaming_wanted=head.stream
    )
    del body
    kept = False
    try:
        response = await exchange
        if not response.streaming:
            return _whole(call, response, endpoint, rooms)
        relay = _relay(call, response, endpoint, asks_usage=asks_usage)
        sound = says_stream = _says_stream(response, SSE)
        while True:
            chunk = await exchange.read()
            if not chunk:
                _check_empty(relay)
                break
            if not sound:
                sound = True
                _check_is_stream(chunk, response, SSE)
            if relay.prelude(chunk):
                break
        kept = True
        lines = response.lines + _NO_CACHE if says_stream else _stream_lines(response, SSE)
        return Response(200, lines, stream=OpenStream(exchange, endpoint.pool, relay))
    finally:
        if not kept and not exchange.over:
            exchange.abort()


def _heed(call: Call, head: RequestHead, route: ProviderRoute) -> None:
    """What the provider does not take: inputs that it refuses, members that it must not see, which are noted."""
    if route.refuse_inputs and call.operation == CHAT:
        check_inputs(call, route)
    gone = route.strip & head.members.keys()
    call.notes = tuple(Note("dropped", field, f"{route.name} refuses it") for field in sorted(gone))


def _translate(call: Call, model: str, endpoint: Endpoint) -> bytes:
    route = endpoint.route
    if call.operation != CHAT:
        raise UpstreamError(f"{call.operation} cannot be translated", kind="unsupported", status=400)
    if route.refuse_inputs:
        check_inputs(call, route)
    if call.canonical is None:
        call.canonical = call.dialect.read_request(call.body)
    facts = TargetFacts(
        model,
        max_output_tokens=route.max_output_tokens.get(model, 0),
        strip=route.strip,
        legacy_max_tokens=route.legacy_max_tokens,
        ask_stream_usage=route.ask_stream_usage,
    )
    written = endpoint.dialect.write_request(call.canonical, facts)
    call.notes = written.notes
    return written.body


# Whole answers


def _whole(call: Call, response: UpstreamResponse, endpoint: Endpoint, rooms: Rooms) -> Response:
    coding = response.content_encoding
    body = response.body if not coding else _decoded(response.body, coding, rooms.response_bytes_max)
    dialect = endpoint.dialect
    if response.status >= 300:
        raise _refusal(response, body, dialect, rooms)
    inside = dialect.error_inside(body)
    if inside is not None:
        inside.content_type = response.content_type
        raise inside
    head = call.head
    if head is not None and head.stream:
        raise UpstreamError(
            "the provider answered a streamed call without a stream", kind="protocol", code="upstream_protocol"
        )
    if not body or body[0] != _OPENS or body[-1] != _CLOSES:
        _check_json(body)
    if call.pass_through:
        _note_usage(call, dialect.usage_of(body))
        return Response(response.status, response.lines, body) if not coding else _pass_coded(call, response, body)
    try:
        reply = dialect.read_reply(body)
    except UpstreamError:  # what makes no sense was paid for all the same
        _note_usage(call, dialect.usage_of(body))
        raise
    _note_usage(call, reply.usage or dialect.usage_of(body))
    written = call.dialect.write_reply(reply)
    call.notes += written.notes
    lines = response.lines_without(b"content-type", b"content-encoding")
    return Response(200, lines + JSON_LINE, written.body)


def _note_usage(call: Call, usage: Usage | None) -> None:
    call.usage = usage
    call.usage_source = "none" if usage is None else "provider"


def _pass_coded(call: Call, response: UpstreamResponse, body: bytes) -> Response:
    """A coded answer as it came; a coding that the caller did not ask for is taken off."""
    if body is response.body or accepts(call.accept_coding, response.content_encoding):
        return Response(response.status, response.lines, response.body)
    return Response(response.status, response.lines_without(b"content-encoding"), body)


def _decoded(body: bytes, coding: bytes, bytes_max: int) -> bytes:
    if coding == b"identity":
        return body
    try:
        return decode(coding, body, bytes_max)
    except CodingError as error:
        raise UpstreamError(
            f"the provider's answer cannot be decoded: {error}", kind="protocol", code="upstream_protocol"
        ) from error
    except DecodedTooLargeError:
        raise UpstreamError(
            f"the provider's answer is over {bytes_max} bytes when decoded", kind="protocol", code="upstream_protocol"
        ) from None


def _check_json(body: bytes) -> None:
    """An answer that is not whole JSON is no answer."""
    text = body.strip()
    if not text.startswith((b"{", b"[")):
        raise UpstreamError(
            "the provider answered with something that is not JSON", kind="protocol", code="upstream_protocol"
        )
    if not text.endswith((b"}", b"]")):
        raise UpstreamError("the provider's answer ended before it was complete", kind="cut", code="upstream_cut")


def _refusal(response: UpstreamResponse, body: bytes, dialect: Dialect, rooms: Rooms) -> UpstreamError:
    if response.status < 400:
        return UpstreamError(
            f"the provider answered with a redirect ({response.status}), which is not followed",
            kind="protocol",
            code="upstream_protocol",
        )
    error = dialect.read_error(response.status, body)
    error.content_type = response.content_type
    error.retry_after_s = read_retry_after_s(response.retry_after, rooms.unix_time())
    return error


# Streams


def _relay(call: Call, response: UpstreamResponse, endpoint: Endpoint, *, asks_usage: bool) -> Relay:
    decode_with: Decoder | None = None
    coding = response.content_encoding
    if coding and coding != b"identity":
        try:
            decode_with = decoder(coding, 1 << 62)
        except CodingError as error:
            raise UpstreamError(f"the provider's stream cannot be decoded: {error}", kind="protocol") from error
    if call.pass_through:
        choices = 1 if call.head is None else call.head.choices
        return PassRelay(endpoint.dialect, withhold=asks_usage, decoder=decode_with, choices=choices, framing=SSE)
    assert call.canonical is not None
    return TranslateRelay(
        endpoint.dialect.stream_reader(), call.dialect.stream_writer(call.canonical), decoder=decode_with
    )


def _says_stream(response: UpstreamResponse, framing: Framing) -> bool:
    """Whether the answer is an event stream by its own word, and not coded: then its lines go on as they came."""
    return not response.content_encoding and response.content_type.startswith(framing.media_type)


def _stream_lines(response: UpstreamResponse, framing: Framing) -> bytes:
    """The header lines of a stream whose type or coding must be put right for a caller who gets it in `framing`."""
    return response.lines_without(b"content-type", b"content-encoding") + framing.type_line + _NO_CACHE


def _check_is_stream(chunk: bytes, response: UpstreamResponse, framing: Framing) -> None:
    """A 200 that is no event stream: the type says so, or the first bytes do where the type is silent or wrong."""
    if not response.content_encoding and not framing.begins(chunk):
        raise UpstreamError(
            "the provider answered a streamed call without a stream", kind="protocol", code="upstream_protocol"
        )


def _check_empty(relay: Relay) -> None:
    """The stream ended before any content: fine only if it was complete in its own terms."""
    error = relay.finish(None)
    if error is not None:
        raise error
    if relay.seen_fault is not None:
        raise relay.seen_fault
