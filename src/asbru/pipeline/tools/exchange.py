"""One call to one server over streamable HTTP: the request as its era wants it, the reply relayed as it comes
(`server_reply`).

    reply                    what follows
    delivered                the call is over
    input is wanted          the caller is asked, and the request is made again with its answers
    404, session             the server has forgotten the session: a new one, and once more
    401, OAuth               the token was refused: another one, and once more

Ids of requests are ours: several callers share a session, and may count alike. A call is sent again only where the
server has refused it before it did anything. When the caller goes away, so does the request; a server with sessions is
told by `notifications/cancelled`.
"""

from __future__ import annotations

from functools import partial

import msgspec
from msgspec import Raw

from asbru.core.errors import AsbruError, GatewayError, UpstreamError
from asbru.mcp.protocol import write_request
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
from asbru.pipeline.tools.resumed import UnderWay
from asbru.pipeline.tools.seen import seen_params
from asbru.pipeline.tools.seen_answers import SeenAnswers
from asbru.pipeline.tools.sending import Sending, key_lines, key_of, prepare, target_of, user_of
from asbru.pipeline.tools.server_reply import MORE_SCOPE, ServerReply, protocol_error
from asbru.pipeline.tools.toolbox import Ready
from asbru.pipeline.tools.wanted import ROUNDS_MAX, Wanted, answers_of


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
                raise protocol_error(ready, f"requests for input more than {ROUNDS_MAX} times")
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
        await ServerReply(call, rooms, under_way, relay, ready=ready, sending=sending).deliver(made)
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


def _take_back(call: Call, ready: Ready, sending: Sending, under_way: UnderWay) -> None:
    """The caller has cancelled its request."""
    if not under_way.over:
        if sending.session.id and (under_way.exchange.sent or under_way.pausing):
            _cancel(call, ready, sending)
        under_way.give_up(Cancelled())


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
