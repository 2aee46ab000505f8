"""A provider's stream, opened: read until its first content, while a fault still leads to a retry or a fallback.

The relay chosen here carries it from then on (`streaming`, `deliver`).
"""

from __future__ import annotations

from functools import partial

from asbru.core.chat import ChatRequest
from asbru.core.errors import UpstreamError
from asbru.core.usage import Usage
from asbru.dialects import RequestHead, StreamReader
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.hidden import hide_in_events, hide_in_words
from asbru.pipeline.media_stream import EventRelay, RawRelay
from asbru.pipeline.responses import OpenStream, Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.stages import changing, watching
from asbru.pipeline.streaming import PassRelay, Relay
from asbru.pipeline.translating import TranslateRelay
from asbru.pipeline.upstream_request import asks_usage
from asbru.pipeline.watching import WatchRelay
from asbru.pipeline.whole_response import completing, tell_headers
from asbru.upstream import Exchange, UpstreamResponse
from asbru.wire.content_coding import CodingError, Decoder, Decoders, decoder
from asbru.wire.framing import Framing
from asbru.wire.json_array import ArrayReader

NO_CACHE = b"cache-control: no-cache\r\n"
_UNBOUNDED = 1 << 62
_WHOLE_BYTES_MAX = 256 * 1024
"""How much of a body that is no stream is read for the error or the usage that it tells."""


def response_passes(call: Call, endpoint: Endpoint) -> bool:
    """Whether the response comes to the caller as the provider sent it: it is of the caller's dialect, and no stage
    changes it, or watches events that are no chat's."""
    if call.dialect is not endpoint.dialect:
        return False
    return not call.stages or not (changing(call) or (call.operation.read_events is not None and watching(call)))


def sends_bytes(call: Call, endpoint: Endpoint) -> bool:
    """Whether the provider, too, sends bytes as they come, and not in an object."""
    theirs = endpoint.dialect.operation(call.operation.name)
    return theirs is None or theirs.gives == "bytes"


async def open_stream(  # noqa: C901 -- a test for each thing that may be off
    call: Call, attempt: Attempt, exchange: Exchange, upstream: UpstreamResponse, *, rooms: Rooms
) -> Response:
    """The stream with its first content in hand; raises `UpstreamError` for what begins otherwise."""
    attempt.status = upstream.status
    framing = attempt.endpoint.dialect.framing
    sound = says_stream = _says_stream(upstream, framing)
    raw = call.operation.gives == "bytes" and not upstream.content_type.startswith(framing.media_type)
    if raw:
        return await _open_raw(call, attempt, exchange, upstream, rooms=rooms)
    relay = make_relay(call, attempt, upstream, rooms)
    if call.cached is not None:
        call.cached.begin(attempt.endpoint.dialect, upstream.content_type, upstream.content_encoding, stream=True)
    try:
        while True:
            chunk = await exchange.read()
            if not chunk:
                _check_empty(relay)
                break
            if not sound:
                sound = True
                if not (
                    upstream.content_encoding or framing.begins(chunk) or _begins_array(chunk, attempt, upstream)
                ):
                    raise await _no_stream(chunk, attempt, exchange)
            if call.cached is not None:
                call.cached.take(chunk)
            if relay.prelude(chunk):
                break
    except UpstreamError as error:
        tell_headers(error, upstream, rooms)
        if relay.usage is not None:
            attempt.usage = relay.usage
        raise
    wanted = call.dialect.framing
    lines = upstream.lines + NO_CACHE if says_stream and wanted is framing else _stream_lines(upstream, wanted)
    return Response(200, lines, stream=OpenStream(exchange, attempt.endpoint.pool, relay))


async def _open_raw(
    call: Call, attempt: Attempt, exchange: Exchange, upstream: UpstreamResponse, *, rooms: Rooms
) -> Response:
    """A body that goes as it comes, with its first bytes in hand. An error may stand in its place, as JSON."""
    relay = RawRelay(decoder=_decoder(upstream), charge=_charge(call))
    errors = attempt.endpoint.dialect.errors
    is_json = upstream.content_type.find(b"json") >= 0
    try:
        while True:
            chunk = await exchange.read()
            while is_json and len(chunk) < _WHOLE_BYTES_MAX and (more := await exchange.read()):
                chunk += more
            if is_json and (inside := errors.inside(chunk)) is not None:
                raise inside
            if not chunk:
                _check_empty(relay)
            if relay.prelude(chunk):
                break
    except UpstreamError as error:
        tell_headers(error, upstream, rooms)
        raise
    lines = upstream.lines_without(b"content-encoding") if upstream.content_encoding else upstream.lines
    return Response(200, lines, stream=OpenStream(exchange, attempt.endpoint.pool, relay))


def may_be_whole(call: Call, attempt: Attempt, upstream: UpstreamResponse) -> bool:
    """Whether a reply that was asked for as a stream comes whole, and may: some models cannot stream."""
    operation = call.operation
    if operation.read_events is None or operation.gives == "bytes":
        return False
    return not upstream.content_type.startswith(attempt.endpoint.dialect.framing.media_type)


async def gather(exchange: Exchange, upstream: UpstreamResponse, *, rooms: Rooms) -> UpstreamResponse:
    """The whole of a reply that began like a stream."""
    pieces: list[bytes] = []
    size = 0
    while piece := await (exchange.pull(rooms.clock()) if pieces else exchange.read()):
        pieces.append(piece)
        size += len(piece)
        if size > rooms.response_bytes_max:
            raise UpstreamError(
                f"the provider sent a response larger than {rooms.response_bytes_max} bytes",
                kind="protocol",
                code="upstream_protocol",
            )
    return UpstreamResponse(upstream.status, upstream.lines, upstream.content_encoding, b"".join(pieces))


def _charge(call: Call) -> Usage | None:
    """The usage that follows from the request alone."""
    charge, head = call.operation.charge, call.head
    return None if charge is None or head is None else charge(head, call.body)


def _may_be_array(attempt: Attempt, upstream: UpstreamResponse) -> bool:
    """Whether the provider may have sent one JSON array in place of events."""
    return attempt.endpoint.dialect.array_streams and upstream.content_type.find(b"json") >= 0


def _begins_array(chunk: bytes, attempt: Attempt, upstream: UpstreamResponse) -> bool:
    """Whether `chunk` begins one. An error alone may be in a list, too."""
    return (
        _may_be_array(attempt, upstream)
        and chunk.lstrip().startswith(b"[")
        and attempt.endpoint.dialect.errors.inside(chunk) is None
    )


def _events_of(attempt: Attempt, upstream: UpstreamResponse) -> Decoder | None:
    """What makes plain events of what the provider sends; None where it sends them."""
    coded = _decoder(upstream)
    if not _may_be_array(attempt, upstream):
        return coded
    elements = ArrayReader()
    return elements if coded is None else Decoders(coded, elements)


def _decoder(upstream: UpstreamResponse) -> Decoder | None:
    coding = upstream.content_encoding
    if not coding or coding == b"identity":
        return None
    try:
        return decoder(coding, _UNBOUNDED)
    except CodingError as error:
        raise UpstreamError(f"the provider's stream cannot be decoded: {error}", kind="protocol") from error


def make_relay(
    call: Call, attempt: Attempt, upstream: UpstreamResponse, rooms: Rooms, *, reader: StreamReader | None = None
) -> Relay:
    """What a stream goes through to the caller. `reader`: in place of the provider's dialect's."""
    endpoint = attempt.endpoint
    decode_with = _events_of(attempt, upstream)
    spoken = call.operation.spoken
    if spoken is not None and not attempt.response_passes and spoken.stream_reader and spoken.stream_writer:
        assert call.head is not None
        return TranslateRelay(
            reader or spoken.stream_reader(),
            spoken.stream_writer(_as_asked(call.head)),
            decoder=decode_with,
            completing=completing(call, attempt, rooms),
            hide=partial(hide_in_words, attempt),
            stages=changing(call) + watching(call),
        )
    if call.operation.read_events is not None:
        assert call.head is not None
        choices = call.head.choices
        return EventRelay(
            endpoint.dialect,
            call.operation,
            decoder=decode_with,
            choices=choices,
            charge=_charge(call),
            hide=partial(hide_in_events, attempt),
        )
    if attempt.response_passes:
        return _pass_relay(call, attempt, decode_with)
    operation = endpoint.dialect.operation(call.operation.name)
    own = call.operation.codec
    assert operation is not None and operation.codec is not None and own is not None
    writer = own.stream_writer(call.read_canonical())
    return TranslateRelay(
        reader or operation.codec.stream_reader(),
        writer if call.agent is None else call.agent.writer(writer),
        decoder=decode_with,
        completing=completing(call, attempt, rooms),
        hide=partial(hide_in_words, attempt),
        stages=changing(call) + watching(call) if call.stages else (),
    )


def _as_asked(head: RequestHead) -> ChatRequest:
    """What the writer of a stream must know of a request that is no chat."""
    return ChatRequest(model=head.model, messages=(), stream=True, include_usage=head.wants_usage)


def _pass_relay(call: Call, attempt: Attempt, decode_with: Decoder | None) -> PassRelay:
    head = call.head
    assert head is not None
    endpoint = attempt.endpoint
    withhold = asks_usage(head, attempt.traits)
    watchers = watching(call) if call.stages else ()
    hide = partial(hide_in_events, attempt)
    if not watchers:
        return PassRelay(endpoint.dialect, withhold=withhold, decoder=decode_with, choices=head.choices, hide=hide)
    codec = call.operation.codec or call.operation.spoken
    assert codec is not None and codec.stream_reader is not None, "a reply that cannot be read is refused before"
    return WatchRelay(
        endpoint.dialect,
        withhold=withhold,
        decoder=decode_with,
        choices=head.choices,
        hide=hide,
        reader=codec.stream_reader(),
        watchers=watchers,
    )


def _says_stream(upstream: UpstreamResponse, framing: Framing) -> bool:
    """Whether the response is an event stream by its own word, and not coded: then its lines go on as they came."""
    return not upstream.content_encoding and upstream.content_type.startswith(framing.media_type)


def _stream_lines(upstream: UpstreamResponse, framing: Framing) -> bytes:
    """The header lines of a stream whose type or coding must be put right for a caller who gets it in `framing`."""
    return upstream.lines_without(b"content-type", b"content-encoding") + framing.type_line + NO_CACHE


async def _no_stream(body: bytes, attempt: Attempt, exchange: Exchange) -> UpstreamError:
    """The error for a 200 that is no event stream by its first bytes: the one that its body tells, if it does. A whole
    reply in its place was paid for."""
    dialect = attempt.endpoint.dialect
    while len(body) < _WHOLE_BYTES_MAX and (more := await exchange.read()):
        body += more
    attempt.usage = dialect.passing.usage_of(body)
    return dialect.errors.inside(body) or UpstreamError(
        "the provider returned a response without a stream to a streamed request",
        kind="protocol",
        code="upstream_protocol",
    )


def _check_empty(relay: Relay) -> None:
    """The stream ended before any content: fine only if it was complete in its own terms."""
    error = relay.finish(None)
    if error is not None:
        raise error
    if relay.seen_fault is not None:
        raise relay.seen_fault
