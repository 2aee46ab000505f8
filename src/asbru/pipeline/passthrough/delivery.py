"""A response that goes to the caller as it comes, whole or piece by piece; what is kept of it tells its usage.

Nothing is held back for a retry: what the provider said is said.
"""

from __future__ import annotations

from asbru.core.errors import AsbruError
from asbru.core.usage import Usage
from asbru.pipeline.attempts import conclude
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.deliver import with_identity
from asbru.pipeline.direct import Answered
from asbru.pipeline.hidden import hide_in_events
from asbru.pipeline.passthrough.reading import Kept
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.spend import estimate

_ERROR = b'error"'
"""What a piece of a stream of events holds that tells of an error. Its bytes stay, but for the provider's key."""


async def deliver_as_it_comes(call: Call, answered: Answered, rooms: Rooms) -> None:
    """Give the response to the caller as it comes. What breaks off in the middle is seen as such: an event stream ends
    with an error event, the connection of anything else is closed."""
    upstream, exchange = answered
    response, made = call.response, call.attempts[-1]
    head = call.head
    assert head is not None
    limits = rooms.limit_headers
    lines = with_identity(call, upstream.lines if limits is None else limits.put(call, upstream.lines))
    call.status = upstream.status
    if not upstream.streaming:
        made.outcome = call.outcome = "ok"
        made.took_s = rooms.clock() - made.started_s
        response.whole(upstream.status, lines, upstream.body)
        return
    charged = None if call.operation.charge is None else call.operation.charge(head, call.body)
    call.let_go_of_body()
    kept = Kept(stream=head.stream)
    write, write_chunk = response.write, response.write_chunk
    if call.lease is not None and head.stream:
        write, _ = call.lease.meter(call, write, write_chunk)

    told = upstream.content_type.startswith(made.endpoint.dialect.framing.media_type)
    hides = told or head.stream  # which may be one array

    def pass_on(data: bytes) -> None:
        kept.feed(data)
        write(hide_in_events(made, data) if hides and data.find(_ERROR) >= 0 else data)

    try:
        response.begin(upstream.status, lines)
        response.flow = exchange
        call.first_token_s = rooms.clock()
        try:
            await exchange.pump(pass_on, made.endpoint.pool.tick_s)
            made.outcome = call.outcome = "ok"
            response.end()
        except AsbruError as error:
            _cut(call, made, error, rooms, told=told)
    finally:
        response.flow = None
        exchange.abort()
        _conclude(call, made, kept, charged, now_s=rooms.clock())


def _cut(call: Call, made: Attempt, error: AsbruError, rooms: Rooms, *, told: bool) -> None:
    call.error, call.outcome = error, "cut"
    conclude(call, made, error, rooms)
    if told:
        call.response.write(call.dialect.errors.write_stream(error))
        call.response.end()


def _conclude(call: Call, made: Attempt, kept: Kept, charged: Usage | None, *, now_s: float) -> None:
    head = call.head
    made.took_s = now_s - made.started_s
    if call.first_token_s:
        made.waited_s += now_s - call.first_token_s
    if head is not None and head.model:
        made.usage = kept.usage(made.endpoint.dialect, call.operation, head) or charged
        if made.usage is None and call.lease is not None and call.lease.metered:
            made.estimate = estimate(call.body_bytes, None, call.lease.metered)
