"""Responses to the caller: whole, streamed, or refused. The only place where one is begun.

What it says was decided before; framing it as HTTP is the business of the `ResponsePort`.
"""

from __future__ import annotations

from functools import partial
from traceback import format_exception
from typing import Final

from asbru.core.errors import AsbruError, GatewayError, UpstreamError
from asbru.core.notes import write_notes_header
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.circuits import tell_failure, tell_success
from asbru.pipeline.failures import attempt_failed, name_provider, words_of
from asbru.pipeline.hidden import hide_credentials
from asbru.pipeline.limit_headers import LimitHeaderLines
from asbru.pipeline.media_stream import RawRelay
from asbru.pipeline.responses import OpenStream, Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.routing.trace import write_trace
from asbru.pipeline.said import Said, said_of_events, said_of_stream
from asbru.pipeline.spend import estimate
from asbru.pipeline.stepper import within
from asbru.pipeline.streaming import PassRelay, Relay
from asbru.pipeline.translating import TranslateRelay
from asbru.pipeline.worst_case import input_tokens_max
from asbru.telemetry import log
from asbru.wire.http_heads import JSON_LINE

_ENDS: Final = (b"}\n\n", b"}\r\n\r\n")
_REQUEST_ID = b"x-request-id"


def deliver(call: Call, response: Response, limits: LimitHeaderLines | None = None) -> None:
    """Give a whole response to the caller."""
    call.status = status = response.status
    call.outcome = "ok"
    lines = response.lines if limits is None else limits.put(call, response.lines)
    call.response.whole(status, with_identity(call, lines), response.body)


def with_identity(call: Call, lines: bytes) -> bytes:
    """`lines`, and those that every response of a call carries: its id, who served it, what was lost."""
    target = call.target
    served_by = b"" if target is None else target.provider.identity_line
    if lines.find(b"x-request-id:") < 0 or call.dialect.surface.request_id != _REQUEST_ID:
        lines = _with_request_ids(call, lines)
    lines = b"%bx-asbru-id: %b\r\n%b" % (lines, call.id, served_by)
    if call.notes or (call.attempts and call.attempts[-1].notes):
        notes = call.all_notes
        lines += b"x-asbru-notes: %b\r\n" % write_notes_header(notes)
    if call.cached is not None:
        lines += call.cached.lines()
    if call.watched:
        lines += write_trace(call)
    return lines


def _with_request_ids(call: Call, lines: bytes) -> bytes:
    """`lines` with the headers by which SDKs know a response: the provider's, else the call's id."""
    there = b"\r\n" + lines.lower()
    for name in {_REQUEST_ID, call.dialect.surface.request_id}:
        if there.find(b"\r\n%b:" % name) < 0:
            lines = b"%b%b: %b\r\n" % (lines, name, call.id)
    return lines


async def deliver_stream(  # noqa: C901, PLR0912, PLR0915 -- a test for each thing that may be off
    call: Call, opened: Response | None, stream: OpenStream, rooms: Rooms, *, ends: bool = True
) -> AsbruError | None:
    """Give a stream to the caller, to its last byte, and say how it ended; the error that the caller is told. `opened`:
    None where the caller's stream has begun. `ends`: False where more may follow, or the caller is told elsewhere."""
    call.status = 200
    call.let_go_of_body()
    response = call.response
    exchange = stream.exchange
    relay = stream.relay
    ping = call.dialect.surface.ping
    cut: AsbruError | None = None
    try:
        if opened is not None:
            limits = rooms.limit_headers
            lines = opened.lines if limits is None else limits.put(call, opened.lines)
            response.begin(200, with_identity(call, lines))
            call.first_token_s = rooms.clock()
        response.flow = exchange
        try:
            write, write_chunk = response.write, response.write_chunk
            if call.lease is not None:
                write, write_chunk = call.lease.meter(call, write, write_chunk)
            relay.begin(write)
            if ping:
                stream.pool.in_silence(exchange, partial(response.write, ping))
            if isinstance(relay, TranslateRelay) and relay.pulls:
                await _pull(call, stream, relay, rooms)
            else:
                feed, chunks = relay.feed, relay.pass_chunks(write_chunk)
                if call.cached is not None:
                    feed, chunks = call.cached.tap(feed, chunks)
                await exchange.pump(feed, stream.pool.tick_s, chunks)
        except AsbruError as error:
            name_provider(call.attempts[-1], error)
            cut = error
        except Exception as error:  # noqa: BLE001 -- a bug, ours or a stage's: the caller is told, the log has why
            log("error", "a bug, please report it", why="".join(format_exception(error)))
            cut = GatewayError("an internal error occurred in the gateway")
        try:
            error = relay.finish(cut)
        except AsbruError as refused:  # by a stage, of what ends the stream
            error = refused
        seen = error or relay.seen_fault
        if seen is not None:
            hide_credentials(call.attempts[-1], seen)
        call.outcome = "ok" if seen is None else outcome_of(seen, relay)
        call.error = seen
        if ends:
            end_stream(call, relay, error)
        return error
    finally:
        response.flow = None
        if ping:
            stream.pool.forget_silence(exchange)
        exchange.abort()
        if call.outcome == "cancelled":
            relay.finish(None)
        _conclude(call, stream, rooms)


def outcome_of(seen: AsbruError, relay: Relay) -> str:
    """How a stream ended that did not end well: refused by a stage, with an error of the provider's, or cut."""
    if seen.by_stage and seen.blame == "caller":
        return "refused"
    return "cut" if relay.seen_fault is None else "error"


def end_stream(call: Call, relay: Relay, error: AsbruError | None) -> None:
    """The end of a stream: with the error that the caller must still be told, where there is a way to tell it."""
    response = call.response
    if error is not None and isinstance(relay, RawRelay):
        response.cut()
        return
    if error is not None:
        response.write(call.dialect.errors.write_stream(error))
    response.end()


async def _pull(call: Call, stream: OpenStream, relay: TranslateRelay, rooms: Rooms) -> None:
    """The stream through stages that may wait, each time at most as long as the provider itself may be silent."""
    exchange = stream.exchange
    idle_s = exchange.deadlines.idle_s
    cut: AsbruError | None = None
    await within(rooms.loop, relay.pull(b""), idle_s)
    try:
        while chunk := await exchange.pull(stream.pool.tick_s):
            if call.cached is not None:
                call.cached.take(chunk)
            await within(rooms.loop, relay.pull(chunk), idle_s)
    except UpstreamError as error:
        cut = error
    await within(rooms.loop, relay.pull_end(clean=cut is None), idle_s)
    if cut is not None:
        raise cut


def _conclude(call: Call, stream: OpenStream, rooms: Rooms) -> None:
    """What the attempt behind a stream came to, told when it has ended."""
    attempt = call.attempts[-1]
    attempt.outcome = call.outcome
    now_s = rooms.clock()
    attempt.took_s = now_s - attempt.started_s
    if call.first_token_s:
        attempt.waited_s += now_s - call.first_token_s
    relay = stream.relay
    if relay.usage is not None:
        attempt.usage = relay.usage
    elif call.lease is not None and call.lease.metered:
        attempt.estimate = estimate(input_tokens_max(call), relay.begun_usage, call.lease.metered)
    attempt.notes += relay.notes
    if call.trace is not None and call.trace.sampled:
        call.reply_of = attempt, lambda: _said(call, attempt, relay)
    breaker = rooms.breaker
    if call.error is not None and call.error.by_stage:
        attempt.reason = words_of(call.error)  # and no failure of the provider's
    elif call.error is not None:
        attempt.reason = words_of(call.error)
        if breaker is not None:
            tell_failure(attempt, call.error, breaker, rooms)
        attempt_failed(call, attempt, call.error, rooms, callers_own=False)
    elif breaker is not None and breaker.circuits and call.outcome == "ok":
        tell_success(attempt, breaker, rooms)


def _said(call: Call, attempt: Attempt, relay: Relay) -> Said:
    """What the provider says of a reply that was streamed."""
    if isinstance(relay, PassRelay):
        return said_of_stream(call, attempt.endpoint.dialect, relay.ends)
    return said_of_events(relay.told if isinstance(relay, TranslateRelay) else ())


def refuse(call: Call, error: AsbruError, limits: LimitHeaderLines | None = None) -> None:
    """Tell the caller, in its dialect; a provider's error of that dialect goes through as it came.

    An error that came with status 200 is told with a status of its own: clients take a 200 for a reply. A refusal of
    Asbru's own is put so that the client stops on it (`dialects.client_profiles`).
    """
    call.error = error
    call.status = error.status
    call.outcome = "error" if error.blame != "caller" else "refused"
    if call.response.started:
        return
    told = error
    if isinstance(error, UpstreamError):
        lines = error.lines
    else:
        shown = call.dialect.surface.shown_to(call.forwarded.value_of(b"user-agent"), error.status)
        call.status, lines = shown.status, shown.lines
        if shown.stream_code is not None and (call.head is None or call.head.stream):
            _refuse_in_stream(call, error, shown.stream_code, limits)
            return
        if shown.type_and_code is not None:
            kind, code = shown.type_and_code
            told = AsbruError(error.message, status=shown.status, type=kind, code=code, param=error.param)
    if limits is not None:
        lines = limits.put(call, lines)
    lines = with_identity(call, lines)
    if error.retry_after_s is not None:
        lines += b"retry-after: %d\r\n" % max(1, round(error.retry_after_s))
    body = call.dialect.errors.write(told, call.id.decode())
    own_type = b""
    if isinstance(error, UpstreamError) and body is error.body and error.content_type is not None:
        own_type = error.content_type if error.content_type.find(b"json") >= 0 else b""
    lines += b"content-type: %b\r\n" % own_type if own_type else JSON_LINE
    if call.beside_error:
        body = with_member(body, call.beside_error)
    call.response.whole(call.status, lines, body)


def with_member(body: bytes, member: bytes) -> bytes:
    """An object with one member more; what is no object, or an empty one, as it is."""
    inside = body.rstrip()[:-1].rstrip()
    return b"%b,%b}" % (inside, member) if len(inside) > 1 and body.lstrip()[:1] == b"{" else body


def _refuse_in_stream(call: Call, error: AsbruError, code: str, limits: LimitHeaderLines | None) -> None:
    """Tell a client by a stream that fails; the record has the refusal's own status."""
    call.status = error.status
    dialect = call.dialect
    told = AsbruError(error.message, type=error.type, code=code, param=error.param)
    lines = dialect.framing.type_line
    lines = with_identity(call, lines if limits is None else limits.put(call, lines))
    body = dialect.errors.write_stream(told)
    call.response.whole(200, lines, with_member_in_event(body, call.beside_error) if call.beside_error else body)


def with_member_in_event(data: bytes, member: bytes) -> bytes:
    """Events of a stream of text, with one member more in the last one that is an object of JSON."""
    end, at = max(((one, data.rfind(one)) for one in _ENDS), key=lambda found: found[1])
    return data if at < 0 else b"%b,%b%b" % (data[:at], member, end + data[at + len(end) :])
