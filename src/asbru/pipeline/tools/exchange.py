"""One call to one server over streamable HTTP: the request as its era wants it, the reply relayed as it comes.

    reply              to the caller
    JSON               one message, under the id of the caller's request; with a status of 4xx an error of the server
    event stream ends  where the server gave its events ids: it is taken up again after the last one, by a GET
    event stream       messages before the response (progress, logs, requests to the caller) pass at once, as events;
                       without any the response is one message, as above
    404, session       the server has forgotten the session: a new one, and once more
    401, OAuth         the token was refused: another one, and once more

Ids of requests are ours: several callers share a session, and may count alike. A call is sent again only where the
server has refused it before it did anything. When the caller goes away, so does the request; a server with sessions is
told by `notifications/cancelled`.
"""

from __future__ import annotations

from functools import partial
from typing import Final

import msgspec
from msgspec import UNSET, Raw

from asbru.core.errors import ERROR_BYTES_MAX, AsbruError, GatewayError, UpstreamError
from asbru.mcp.protocol import Message, read_reply, write_request
from asbru.mcp.protocol.headers import (
    demanded_scope,
)
from asbru.mcp.protocol.messages import write_notification
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.direct import Outgoing
from asbru.pipeline.failures import attempt_failed, words_of
from asbru.pipeline.hidden import hide_credentials
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.tools.asked import Asked, Chosen
from asbru.pipeline.tools.awaited import Cancelled, cancel_token
from asbru.pipeline.tools.outside import Taking
from asbru.pipeline.tools.relay import Relay
from asbru.pipeline.tools.resumed import RESUMES_MAX, UnderWay, resume
from asbru.pipeline.tools.seen import seen_message, seen_params
from asbru.pipeline.tools.seen_answers import SeenAnswers
from asbru.pipeline.tools.sending import LINES, Sending, key_lines, key_of, prepare, target_of, user_of
from asbru.pipeline.tools.toolbox import Ready, Toolbox
from asbru.pipeline.tools.wanted import ROUNDS_MAX, Wanted, answers_of
from asbru.pipeline.whole_response import refusal
from asbru.upstream import Exchange, UpstreamResponse
from asbru.wire.sse import SseReader

MORE_SCOPE: Final = "mcp_more_scope"
_EVENTS: Final = b"text/event-stream"
_TOLD: Final = (400, 404, 422)
"""Statuses by which servers say that they refuse a request, and not who sends it."""


async def exchange_with(call: Call, rooms: Rooms, asked: Asked, chosen: Chosen, *, ready: Ready) -> None:
    """See the module. Raises what ends the call; then nothing was begun to the caller, unless the response says so."""
    rounds, again = 0, True
    while True:
        sending = await prepare(call, rooms, asked, chosen, ready=ready)
        made = Attempt(target_of(call), key_of(sending.credential), ready.endpoint, rooms.clock())
        call.attempts += (made,)
        try:
            wanted = await _exchange(call, rooms, asked, made, sending=sending, ready=ready)
            if wanted is None:
                return
            rounds += 1
            if rounds > ROUNDS_MAX:
                raise _protocol_error(ready, f"requests for input more than {ROUNDS_MAX} times")
            answers = await seen_params(call, rooms, await answers_of(wanted, rooms, ready.server.total_s))
            asked = asked._replace(params={**asked.params, **answers}, resumed=True)
        except AsbruError as error:
            status = made.status
            attempt_fails(call, made, error, rooms, ready=ready)
            if not again or not _forgets(call, error, status, sending=sending, ready=ready, rooms=rooms):
                raise
            again = False


async def _exchange(
    call: Call, rooms: Rooms, asked: Asked, made: Attempt, *, sending: Sending, ready: Ready
) -> Wanted | None:
    """One request. What the server wants before it goes on; None: the response is delivered."""
    if call.lease is not None:
        await call.lease.attempt(call, made)
    endpoint = ready.endpoint
    body = write_request(sending.request_id, str(asked.message.method), sending.params)
    outgoing = Outgoing(b"POST", b"", body, sending.headers)
    asked_s = rooms.clock()
    exchange = endpoint.pool.begin(
        endpoint.write_plain_head(call, outgoing, key_lines(ready, sending.credential)),
        body,
        endpoint.deadlines,
        streaming_wanted=True,
        transparent=True,  # or the challenge of a refusal is left out
    )
    under_way = UnderWay(exchange)
    relay = Relay(call, rooms, asked, made, chosen=sending.chosen, ready=ready, era=sending.era)
    relay.answer = partial(_send_aside, call, ready, sending)
    if call.stages:
        relay.answers = SeenAnswers(call, rooms, relay.answer, under_way.give_up)
    told = late = False
    tools, caller = rooms.tools, call.caller
    assert tools is not None and caller is not None, "the middle has looked"
    token = ""
    if asked.session and asked.message.request_id is not None:
        token = cancel_token(caller.identity, asked.session, asked.message.request_id)
        tools.awaited.expect(token).waiter = partial(_take_back, call, ready, sending, under_way)
    if tools.outside is not None and sending.session.id:
        taking = Taking(call, rooms, relay, under_way.give_up)
        tools.outside.begin(call.id, ready.server.name, sending.session.id, taking)
    try:
        await _answered(call, rooms, made, under_way, relay=relay, ready=ready, sending=sending)
        told = True
        return relay.wanted
    except UpstreamError as error:
        late = error.kind == "deadline"
        raise
    finally:
        made.sent = made.sent or exchange.sent
        made.waited_s = rooms.clock() - asked_s
        if not told and made.sent and sending.session.id and (late or not under_way.over):
            _cancel(call, ready, sending)
        under_way.exchange.abort()
        relay.close()
        tools.awaited.forget(token)
        if tools.outside is not None:
            tools.outside.end(call.id, left=not told)
        call.response.flow = None


async def _answered(
    call: Call,
    rooms: Rooms,
    made: Attempt,
    under_way: UnderWay,
    *,
    relay: Relay,
    ready: Ready,
    sending: Sending,
) -> None:
    """Deliver what the server answers, or put to the caller what it wants. Raises what is neither."""
    exchange, tools = under_way.exchange, rooms.tools
    assert tools is not None, "the middle has looked"
    upstream = await exchange
    made.sent, made.status = True, upstream.status
    if upstream.status != 200 and upstream.streaming:
        upstream = await _whole(exchange, upstream, ready.endpoint.pool.tick_s)
    told_error = None if upstream.status == 200 else _error_told(upstream, sending)
    if told_error is not None:
        relay.take(*await seen_message(call, rooms, told_error, upstream.body))
    elif upstream.status != 200:
        if upstream.status == 403 and sending.credential:
            _demand(call, tools, upstream, ready=ready, sending=sending)
        raise refusal(upstream, ready.endpoint.dialect, rooms)
    else:
        await _read(call, under_way, upstream, relay, rooms=rooms, ready=ready, sending=sending)
    if relay.wanted is not None:
        made.outcome, made.took_s = "ok", rooms.clock() - made.started_s
        relay.ask(relay.wanted)


async def _whole(exchange: Exchange, upstream: UpstreamResponse, tick_s: float) -> UpstreamResponse:
    """A refusal with as much of its body as is looked at."""
    parts: list[bytes] = []
    size = 0
    while size < ERROR_BYTES_MAX and (chunk := await exchange.pull(tick_s)):
        parts.append(chunk)
        size += len(chunk)
    return msgspec.structs.replace(upstream, body=b"".join(parts), streaming=False)


def _demand(call: Call, tools: Toolbox, upstream: UpstreamResponse, *, ready: Ready, sending: Sending) -> None:
    """Have the next authorization ask for what the server demands; raises what the caller is told."""
    scope = demanded_scope(upstream.header(b"www-authenticate"))
    if scope:
        tools.ports.forget_credential(ready.server.name, user_of(call, ready), sending.credential, scope)
        raise UpstreamError("the MCP server demands more scopes", status=403, code=MORE_SCOPE)


def _error_told(upstream: UpstreamResponse, sending: Sending) -> Message | None:
    """What a server says of this request by a status of 4xx; None: nothing, or it is about how Asbru reaches it."""
    if upstream.status not in _TOLD or upstream.streaming or (upstream.status == 404 and sending.session.id):
        return None
    message = read_reply(upstream.body)
    return message if message is not None and message.error is not UNSET else None


def _take_back(call: Call, ready: Ready, sending: Sending, under_way: UnderWay) -> None:
    """The caller has cancelled its request."""
    if not under_way.over:
        if sending.session.id and (under_way.exchange.sent or under_way.pausing):
            _cancel(call, ready, sending)
        under_way.give_up(Cancelled())


async def _read(
    call: Call,
    under_way: UnderWay,
    upstream: UpstreamResponse,
    relay: Relay,
    *,
    rooms: Rooms,
    ready: Ready,
    sending: Sending,
) -> None:
    """Read the reply to its end, which is the response to our request; what comes after it is not waited for."""
    events = SseReader(resumable=True) if upstream.content_type.startswith(_EVENTS) else None
    resumes = 0
    while True:
        lost = UpstreamError(
            f"the MCP server '{ready.server.name}' ended its reply without a response",
            kind="cut",
            code="upstream_cut",
        )
        try:
            if await _read_stream(call, under_way, upstream, relay, events=events, rooms=rooms, ready=ready):
                return
        except UpstreamError as error:
            if error.kind != "cut":
                raise
            lost = error
        resumes += 1
        if events is None or not events.last_id or not sending.session.id or resumes > RESUMES_MAX:
            raise lost
        lines = key_lines(ready, sending.credential) + sending.headers.removeprefix(LINES)
        upstream = await resume(call, rooms, under_way, events, ready=ready, lines=lines, lost=lost)


async def _read_stream(
    call: Call,
    under_way: UnderWay,
    upstream: UpstreamResponse,
    relay: Relay,
    *,
    events: SseReader | None,
    rooms: Rooms,
    ready: Ready,
) -> bool:
    """Read one response of the server; whether ours was in it."""
    assert rooms.tools is not None, "the middle has looked"
    most = rooms.tools.settings.result_bytes_max
    exchange = relay.flow = under_way.exchange
    tick = ready.endpoint.pool
    parts: list[bytes] = []
    chunk = await exchange.pull(tick.tick_s) if upstream.streaming else upstream.body
    while chunk:
        under_way.bytes_read += len(chunk)
        if under_way.bytes_read > most:
            raise _protocol_error(ready, f"a result larger than {most} bytes")
        if events is None:
            parts.append(chunk)
        else:
            for event in events.feed(chunk):
                if event.data and relay.take(
                    *await seen_message(call, rooms, _message(event.data, ready), event.data)
                ):
                    return True
        chunk = await exchange.pull(tick.tick_s) if upstream.streaming else b""
    if events is not None:
        return False
    data = b"".join(parts)
    return relay.take(*await seen_message(call, rooms, _message(data, ready), data))


def _message(data: bytes, ready: Ready) -> Message:
    message = read_reply(data)
    if message is None:
        raise _protocol_error(ready, "something that is no JSON-RPC message")
    return message


def _protocol_error(ready: Ready, what: str) -> UpstreamError:
    return UpstreamError(
        f"the MCP server '{ready.server.name}' returned {what}", kind="protocol", code="upstream_protocol"
    )


def _cancel(call: Call, ready: Ready, sending: Sending) -> None:
    """Tell a server with sessions that nobody waits any more."""
    params = {"requestId": Raw(msgspec.json.encode(sending.request_id))}
    _send_aside(call, ready, sending, write_notification("notifications/cancelled", params))


def _send_aside(call: Call, ready: Ready, sending: Sending, body: bytes) -> None:
    """Send a message to the server. Nothing waits for it to arrive."""
    endpoint = ready.endpoint
    try:
        head = endpoint.write_plain_head(
            call, Outgoing(b"POST", b"", body, sending.headers), key_lines(ready, sending.credential)
        )
        endpoint.pool.begin(head, body, endpoint.deadlines, streaming_wanted=False)
    except GatewayError:
        return  # so many wait for a connection that it would be late


def attempt_fails(call: Call, made: Attempt, error: AsbruError, rooms: Rooms, *, ready: Ready) -> None:
    """What the attempt came to. No circuit opens for it: there is no other server to go to."""
    error.let_go()
    hide_credentials(made, error)
    if isinstance(error, UpstreamError):
        error.detail = error.detail or error.message
        address, server = str(made.endpoint.pool.origin), f"the MCP server '{ready.server.name}'"
        error.message = error.message.replace(address, server).replace("of this provider", "of this server")
    made.status = error.status
    made.outcome = error.kind if isinstance(error, UpstreamError) else error.code
    made.took_s = rooms.clock() - made.started_s
    made.reason = words_of(error)
    attempt_failed(call, made, error, rooms, callers_own=error.blame == "caller")


def _forgets(call: Call, error: AsbruError, status: int, *, sending: Sending, ready: Ready, rooms: Rooms) -> bool:
    """Whether the server has refused the session or the credential, so that another one may do. `status`: what it
    answered, 0 where it did not."""
    tools = rooms.tools
    if tools is None or call.response.started:
        return False
    user = user_of(call, ready)
    if status == 404 and sending.session.id:
        tools.ports.forget_session(ready.server.name, user, sending.session.id)
        return True
    if error.code == MORE_SCOPE:
        return True  # what to do about it is what is said in place of a credential
    if status == 401 and sending.credential:
        tools.ports.forget_credential(ready.server.name, user, sending.credential)
        return True
    return False
