"""What a server answers to one request over streamable HTTP, read as it comes and relayed to the caller.

    answer             to the caller
    JSON               one message, under the id of the caller's request; with a status of 4xx an error of the server
    event stream       messages before the response (progress, logs, requests to the caller) pass at once, as events;
                       without any the response is one message, as above
    event stream ends  where the server gave its events ids: it is taken up again after the last one, by a GET
    another status     raised, as what it means

What comes after the response is not waited for. Not here: the request, and what is done again (`exchange`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET

from asbru.core.errors import ERROR_BYTES_MAX, UpstreamError
from asbru.mcp.protocol import Message, read_reply
from asbru.mcp.protocol.headers import demanded_scope
from asbru.pipeline.tools.resumed import RESUMES_MAX, resume
from asbru.pipeline.tools.seen import seen_message
from asbru.pipeline.tools.sending import LINES, key_lines, user_of
from asbru.pipeline.whole_response import refusal
from asbru.wire.sse import SseReader

if TYPE_CHECKING:
    from asbru.pipeline.call import Attempt, Call
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.relay import Relay
    from asbru.pipeline.tools.resumed import UnderWay
    from asbru.pipeline.tools.sending import Sending
    from asbru.pipeline.tools.toolbox import Ready
    from asbru.upstream import UpstreamResponse

MORE_SCOPE: Final = "mcp_more_scope"
_EVENTS: Final = b"text/event-stream"
_TOLD: Final = (400, 404, 422)
"""Statuses by which servers say that they refuse a request, and not who sends it."""


class ServerReply:
    """See the module. `relay` is given each message."""

    def __init__(
        self, call: Call, rooms: Rooms, under_way: UnderWay, relay: Relay, *, ready: Ready, sending: Sending
    ) -> None:
        assert rooms.tools is not None, "the middle has looked"
        self._call = call
        self._rooms = rooms
        self._tools = rooms.tools
        self._under_way = under_way
        self._relay = relay
        self._ready = ready
        self._sending = sending

    async def deliver(self, made: Attempt) -> None:
        """Deliver it, or put to the caller what the server wants (`Relay.wanted`). Raises what is neither."""
        upstream = await self._under_way.exchange
        made.sent, made.status = True, upstream.status
        if upstream.status != 200 and upstream.streaming:
            upstream = await self._with_body(upstream)
        told_error = None if upstream.status == 200 else self._error_told(upstream)
        if told_error is not None:
            await self._take(told_error, upstream.body)
        elif upstream.status != 200:
            if upstream.status == 403 and self._sending.credential:
                self._demand(upstream)
            raise refusal(upstream, self._ready.endpoint.dialect, self._rooms)
        else:
            await self._read(upstream)
        if self._relay.wanted is not None:
            made.outcome, made.took_s = "ok", self._rooms.clock() - made.started_s
            self._relay.ask(self._relay.wanted)

    async def _take(self, message: Message, data: bytes) -> bool:
        """Relay a message, as the stages let it pass; whether it was the response."""
        return self._relay.take(*await seen_message(self._call, self._rooms, message, data))

    # Refusals

    async def _with_body(self, upstream: UpstreamResponse) -> UpstreamResponse:
        """A refusal with as much of its body as is looked at."""
        exchange, tick_s = self._under_way.exchange, self._ready.endpoint.pool.tick_s
        parts: list[bytes] = []
        size = 0
        while size < ERROR_BYTES_MAX and (chunk := await exchange.pull(tick_s)):
            parts.append(chunk)
            size += len(chunk)
        return msgspec.structs.replace(upstream, body=b"".join(parts), streaming=False)

    def _demand(self, upstream: UpstreamResponse) -> None:
        """Have the next authorization ask for what the server demands; raises what the caller is told."""
        scope = demanded_scope(upstream.header(b"www-authenticate"))
        if scope:
            user, credential = user_of(self._call, self._ready), self._sending.credential
            self._tools.ports.forget_credential(self._ready.server.name, user, credential, scope)
            raise UpstreamError("the MCP server demands more scopes", status=403, code=MORE_SCOPE)

    def _error_told(self, upstream: UpstreamResponse) -> Message | None:
        """What a server says of this request by a status of 4xx; None: nothing, or it is about how Asbru reaches it."""
        gone = upstream.status == 404 and self._sending.session.id
        if upstream.status not in _TOLD or upstream.streaming or gone:
            return None
        message = read_reply(upstream.body)
        return message if message is not None and message.error is not UNSET else None

    # Streams

    async def _read(self, upstream: UpstreamResponse) -> None:
        """Read the reply to its end, which is the response to our request."""
        ready, sending = self._ready, self._sending
        events = SseReader(resumable=True) if upstream.content_type.startswith(_EVENTS) else None
        resumes = 0
        while True:
            lost = UpstreamError(
                f"the MCP server '{ready.server.name}' ended its reply without a response",
                kind="cut",
                code="upstream_cut",
            )
            try:
                if await self._read_stream(upstream, events):
                    return
            except UpstreamError as error:
                if error.kind != "cut":
                    raise
                lost = error
            resumes += 1
            if events is None or not events.last_id or not sending.session.id or resumes > RESUMES_MAX:
                raise lost
            lines = key_lines(ready, sending.credential) + sending.headers.removeprefix(LINES)
            upstream = await resume(
                self._call, self._rooms, self._under_way, events, ready=ready, lines=lines, lost=lost
            )

    async def _read_stream(self, upstream: UpstreamResponse, events: SseReader | None) -> bool:
        """Read one response of the server; whether ours was in it."""
        most, under_way, pool = self._tools.settings.result_bytes_max, self._under_way, self._ready.endpoint.pool
        exchange = self._relay.flow = under_way.exchange
        parts: list[bytes] = []
        chunk = await exchange.pull(pool.tick_s) if upstream.streaming else upstream.body
        while chunk:
            under_way.bytes_read += len(chunk)
            if under_way.bytes_read > most:
                raise protocol_error(self._ready, f"a result larger than {most} bytes")
            if events is None:
                parts.append(chunk)
            else:
                for event in events.feed(chunk):
                    if event.data and await self._take(self._message(event.data), event.data):
                        return True
            chunk = await exchange.pull(pool.tick_s) if upstream.streaming else b""
        if events is not None:
            return False
        data = b"".join(parts)
        return await self._take(self._message(data), data)

    def _message(self, data: bytes) -> Message:
        message = read_reply(data)
        if message is None:
            raise protocol_error(self._ready, "something that is no JSON-RPC message")
        return message


def protocol_error(ready: Ready, what: str) -> UpstreamError:
    """What a server returned that is against the protocol."""
    return UpstreamError(
        f"the MCP server '{ready.server.name}' returned {what}", kind="protocol", code="upstream_protocol"
    )
