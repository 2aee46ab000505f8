"""One call of a tool that is an operation of an HTTP API: the request built, sent once, its response made a result.

Nothing is sent twice: whether an operation may be, no document says. An error of the API is a result that says so, for
the model to read; only an API that cannot be reached, or sends more than a result may hold, fails the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from asbru.core.errors import AsbruError, BadRequest, UpstreamError
from asbru.mcp.openapi import build_request, filled, result_of
from asbru.mcp.protocol import Message
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.direct import Outgoing
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.tools.asked import Asked, Chosen
from asbru.pipeline.tools.exchange import attempt_fails
from asbru.pipeline.tools.relay import Relay
from asbru.pipeline.tools.seen import seen_message
from asbru.pipeline.tools.sending import key_lines
from asbru.pipeline.tools.toolbox import Ready
from asbru.pipeline.whole_response import decoded
from asbru.routing import Key
from asbru.upstream.credentials import FixedCredential

if TYPE_CHECKING:
    from asbru.mcp.openapi import ApiTool


async def call_api(call: Call, rooms: Rooms, asked: Asked, chosen: Chosen, *, tool: ApiTool, ready: Ready) -> None:
    """See the module. Raises what ends the call."""
    outgoing = _outgoing(call, asked, tool, ready)
    assert call.target is not None, "the middle has chosen"
    made = Attempt(call.target, _shown(outgoing, ready), ready.endpoint, rooms.clock())
    call.attempts += (made,)
    try:
        if call.lease is not None:
            await call.lease.attempt(call, made)
        result = await _exchange(call, rooms, made, outgoing, ready=ready)
        relay = Relay(call, rooms, asked, made, chosen=chosen, ready=ready, era=ready.known.entry.era)
        relay.take(*await seen_message(call, rooms, Message(result=Raw(result)), b""))
    except AsbruError as error:
        attempt_fails(call, made, error, rooms, ready=ready)
        raise


def _outgoing(call: Call, asked: Asked, tool: ApiTool, ready: Ready) -> Outgoing:
    settings = ready.server.openapi
    assert settings is not None, "the middle has looked"
    raw = asked.params.get("arguments", Raw(b"{}"))
    try:
        arguments = msgspec.json.decode(raw, type=dict[str, object] | None) or dict[str, object]()
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest("expected `arguments` to be an object", param="arguments") from None
    credentials = {name: value.reveal() for name, value in settings.credentials.items()}
    request = build_request(tool, arguments, credentials)
    forwarded, missing = filled(
        settings.forward,
        {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in call.every_header},
    )
    if missing:
        raise BadRequest(
            f"the tool needs the header {' and '.join(missing)} of its caller", code="mcp_header_missing"
        )
    ours = {name.lower() for name in (*ready.server.headers, *forwarded)}
    lines = [f"{name}: {value}\r\n" for name, value in request.headers.items() if name not in ours]
    lines += [f"{name.lower()}: {value}\r\n" for name, value in forwarded.items()]
    return Outgoing(
        request.method.encode(), request.target.encode(), request.body, "".join(lines).encode("latin-1", "replace")
    )


def _shown(outgoing: Outgoing, ready: Ready) -> Key:
    """What the API is shown, so that it can be hidden in errors that quote it: credentials wherever they stand."""
    assert ready.server.openapi is not None, "the middle has looked"
    names = (b"authorization", b"cookie", b"x-")
    lines = b"".join(line + b"\r\n" for line in outgoing.lines.split(b"\r\n") if line.startswith(names))
    credentials = ready.server.openapi.credentials.values()
    lines += b"".join(b"credential: %b\r\n" % one.reveal().encode("latin-1", "replace") for one in credentials)
    return Key("openapi", FixedCredential(lines), frozenset({"*"}), weight=1.0, aliases={})


async def _exchange(call: Call, rooms: Rooms, made: Attempt, outgoing: Outgoing, *, ready: Ready) -> bytes:
    """The response as the result of the call."""
    endpoint, tools = ready.endpoint, rooms.tools
    assert tools is not None, "the middle has looked"
    head = endpoint.write_plain_head(call, outgoing, key_lines(ready, b""))
    exchange = endpoint.pool.begin(head, outgoing.body, endpoint.deadlines, streaming_wanted=True)
    left, parts = tools.settings.result_bytes_max, list[bytes]()
    try:
        upstream = await exchange
        made.sent, made.status = True, upstream.status
        chunk = await exchange.pull(endpoint.pool.tick_s) if upstream.streaming else upstream.body
        while chunk:
            left -= len(chunk)
            if left < 0:
                raise UpstreamError(
                    f"the API '{ready.server.name}' returned more than {tools.settings.result_bytes_max} bytes",
                    kind="protocol",
                    code="upstream_protocol",
                )
            parts.append(chunk)
            chunk = await exchange.pull(endpoint.pool.tick_s) if upstream.streaming else b""
    finally:
        made.sent = made.sent or exchange.sent
        made.waited_s = rooms.clock() - made.started_s
        exchange.abort()
    body = b"".join(parts)
    if upstream.content_encoding:
        body = decoded(body, upstream.content_encoding, tools.settings.result_bytes_max)
    return result_of(upstream.status, upstream.content_type.decode("latin-1"), body)
