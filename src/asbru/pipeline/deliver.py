"""Replies to the caller: whole, streamed, or refused. The only place where an answer is begun.

What the answer says was decided before; framing it as HTTP is the business of the `ResponsePort`.
"""

from __future__ import annotations

from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.notes import write_notes_header
from asbru.pipeline.call import Call
from asbru.pipeline.responses import OpenStream, Response
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.send import JSON_LINE


def deliver(call: Call, response: Response) -> None:
    """Give a whole reply to the caller."""
    call.status = status = response.status
    call.outcome = "ok"
    call.response.whole(status, _with_identity(call, response.lines), response.body)


def _with_identity(call: Call, lines: bytes) -> bytes:
    """`lines`, and those that every answer of a call carries: its id, who served it, what was lost."""
    target = call.target
    served_by = b"" if target is None else target.provider.identity_line
    lines = b"%bx-asbru-id: %b\r\n%b" % (lines, call.id, served_by)
    if call.notes:
        lines += b"x-asbru-notes: %b\r\n" % write_notes_header(call.notes)
    return lines


async def deliver_stream(call: Call, lines: bytes, stream: OpenStream, rooms: Rooms) -> None:
    """Give a stream to the caller, to its last byte, and say how it ended."""
    call.status = 200
    call.let_go_of_body()
    response = call.response
    exchange = stream.exchange
    relay = stream.relay
    cut: UpstreamError | None = None
    try:
        response.begin(200, _with_identity(call, lines))
        response.flow = exchange
        call.first_token_s = rooms.clock()
        relay.begin(response.write)
        try:
            await exchange.pump(relay.feed, stream.pool.tick_s, relay.pass_chunks(response.write_chunk))
        except UpstreamError as error:
            cut = error
        error = relay.finish(cut)
        if error is not None:
            response.write(call.dialect.write_stream_error(error))
        seen = error or relay.seen_fault
        call.outcome = "ok" if seen is None else ("cut" if error is not None else "error")
        call.error = seen
        response.end()
    finally:
        response.flow = None
        exchange.abort()
        if call.outcome == "cancelled":
            relay.finish(None)
        _keep_usage(call, relay.usage is not None, stream)


def _keep_usage(call: Call, reported: bool, stream: OpenStream) -> None:
    if reported:
        call.usage = stream.relay.usage
        call.usage_source = "provider"
    call.notes += stream.relay.notes


def refuse(call: Call, error: AsbruError) -> None:
    """Tell the caller, in its dialect; the body of a provider's error of the same dialect goes through as it came.

    An error that came with status 200 is told with a status of its own: clients take a 200 for an answer.
    """
    call.error = error
    call.status = error.status
    call.outcome = "error" if error.blame != "caller" else "refused"
    if call.response.started:
        return
    lines = _with_identity(call, b"")
    if error.retry_after_s is not None:
        lines += b"retry-after: %d\r\n" % max(1, round(error.retry_after_s))
    if isinstance(error, UpstreamError) and error.body and error.dialect == call.dialect.name:
        lines += b"content-type: %b\r\n" % (error.content_type or b"application/json")
        call.response.whole(error.status, lines, error.body)
        return
    call.response.whole(error.status, lines + JSON_LINE, call.dialect.write_error(error, call.id.decode()))
