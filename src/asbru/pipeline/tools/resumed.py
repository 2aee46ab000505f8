"""The stream of a call, taken up again where it ended without a response: by a GET with the id of the last event.

Servers that give their events ids may close a stream and go on with the call (`retry` says after how long they may be
asked); and connections are lost. Only servers with sessions do, since only there is a GET.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from asbru.pipeline.direct import Outgoing
from asbru.pipeline.stepper import pause

if TYPE_CHECKING:
    from asbru.core.errors import AsbruError, UpstreamError
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.toolbox import Ready
    from asbru.upstream import Exchange, UpstreamResponse
    from asbru.wire.sse import SseReader

RESUMES_MAX: Final = 20
"""How often the stream of one call is taken up again."""
RETRY_S: Final = 1.0
"""Where the server does not say when."""
RETRY_MAX_S: Final = 30.0
_EVENTS: Final = b"text/event-stream"
_LINES: Final = b"accept: text/event-stream\r\nuser-agent: asbru\r\nlast-event-id: %b\r\n"


class UnderWay:
    """What is read of one call: the exchange, or the pause before the next one."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.pausing = False
        self.bytes_read = 0
        self.given_up: AsbruError | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more is to come."""
        return self.exchange.over and not self.pausing

    def give_up(self, error: AsbruError) -> None:
        """Nothing more is wanted."""
        if self.pausing:
            self.given_up = error
        else:
            self.exchange.give_up(error)


async def resume(
    call: Call,
    rooms: Rooms,
    under_way: UnderWay,
    events: SseReader,
    *,
    ready: Ready,
    lines: bytes,
    lost: UpstreamError,
) -> UpstreamResponse:
    """Take the stream up again after the last of its `events`. `lines`: those of the credential and the session.
    Raises `lost`, for which the stream had ended, where the server has no more of it."""
    retry_s = RETRY_S if events.retry_ms is None else min(events.retry_ms / 1000, RETRY_MAX_S)
    if rooms.clock() + retry_s > call.attempts[-1].started_s + ready.server.total_s:
        raise lost
    under_way.pausing = True
    try:
        await pause(rooms.loop, retry_s)
    finally:
        under_way.pausing = False
    if under_way.given_up is not None:
        raise under_way.given_up
    endpoint = ready.endpoint
    outgoing = Outgoing(b"GET", b"", b"", _LINES % events.last_id)
    head = endpoint.write_plain_head(call, outgoing, lines)
    exchange = endpoint.pool.begin(head, b"", endpoint.deadlines, streaming_wanted=True, transparent=True)
    under_way.exchange = exchange
    upstream = await exchange
    if upstream.status != 200 or not upstream.content_type.startswith(_EVENTS):
        raise lost
    return upstream
