"""THE MIDDLE of a call to a tool: find it, ask whether it is allowed, hold its price, ask its server, deliver.

Resources, prompts and completions go the same way. Whoever calls (an agent over /mcp, `POST /v1/mcp/tools/call`, an
agent loop, code) comes through here, so a rule holds everywhere. A tool that the caller may not use does not exist for
it: the refusal is that of an unknown one.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from asbru.core.errors import AsbruError, BadRequest, NotFound
from asbru.governance import Caller
from asbru.mcp.access import Access
from asbru.mcp.catalogue import split_name
from asbru.mcp.protocol import Code, Message, RpcError, rpc_status, write_error
from asbru.mcp.protocol.dialect import (
    COMPLETE,
    COMPLETION,
    PROMPT,
    PROMPTS_GET,
    RESOURCE,
    RESOURCES_READ,
    SUBSCRIBE,
    SURFACE,
    TOOL,
    UNSUBSCRIBE,
    head_of,
)
from asbru.mcp.protocol.messages import read_object, read_text, read_texts
from asbru.mcp.servers.subscriptions import SUBSCRIPTIONS_MAX, Subscription
from asbru.pipeline.call import Call
from asbru.pipeline.deliver import with_identity
from asbru.pipeline.large_bodies import take_coding_off
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.tools.asked import Asked, Chosen
from asbru.pipeline.tools.awaited import Cancelled
from asbru.pipeline.tools.exchange import exchange_with
from asbru.pipeline.tools.seen import begin_stages, seen_params
from asbru.pipeline.tools.subscriptions import subscribe_call, tells_updates
from asbru.pipeline.tools.toolbox import Toolbox
from asbru.routing import Target
from asbru.wire.http_heads import JSON_LINE
from asbru.wire.sse import write_event

TOOLS_CALL = "tools/call"
NARROWED = "x-asbru-mcp-tools"
"""The header by which a caller narrows what it may use."""
OPERATIONS = {
    TOOLS_CALL: TOOL,
    RESOURCES_READ: RESOURCE,
    SUBSCRIBE: RESOURCE,
    UNSUBSCRIBE: RESOURCE,
    PROMPTS_GET: PROMPT,
    COMPLETE: COMPLETION,
}
"""The methods that go to a server, and what each is in records."""
SUBSCRIPTIONS = (SUBSCRIBE, UNSUBSCRIBE)
"""Those of them that only the era of sessions has."""


def is_call(asked: Asked) -> bool:
    """Whether a request goes to a server."""
    method = asked.message.method
    return method in OPERATIONS and not (asked.stateless and method in SUBSCRIPTIONS)


async def tool_call(call: Call, rooms: Rooms, asked: Asked) -> None:
    """See the module. What goes wrong is told as an error of JSON-RPC."""
    try:
        await _call(call, rooms, asked)
    except AsbruError as error:
        if asked.bare:
            raise
        refuse_message(call, error, asked)


async def bare_tool_call(call: Call, rooms: Rooms) -> None:
    """The middle of `POST /v1/mcp/tools/call`: `{"name": ..., "arguments": {...}}`, and the tool's result as it is."""
    if rooms.tools is None:
        raise NotFound("no MCP server is configured", code="mcp_not_configured")
    if call.content_coding:
        await take_coding_off(call, rooms)
    params = read_object(Raw(call.body))
    if params is None or read_text(params.get("name")) is None:
        raise BadRequest("expected an object with the `name` of a tool and its `arguments`", param="name")
    message = Message(jsonrpc="2.0", id=Raw(b"1"), method=TOOLS_CALL)
    narrowed = call.watched.get(NARROWED)
    await tool_call(call, rooms, Asked(message, params, narrowed=narrowed, streams=False, bare=True))


async def _call(call: Call, rooms: Rooms, asked: Asked) -> None:
    tools, caller = rooms.tools, call.caller
    assert tools is not None and caller is not None, "the door has looked"
    method = asked.message.method
    assert isinstance(method, str), "only requests come here"
    call.operation = OPERATIONS[method]
    call.surface = f"{SURFACE}.{call.operation.surface}"
    if rooms.bodies is not None:
        rooms.bodies.begin(call)
    caller.check_surface(SURFACE)
    access = tools.access(caller, asked)
    if tools.code is not None and tools.code.takes(asked):
        from asbru.pipeline.tools.code_mode import code_call  # only for those who use it

        await code_call(call, rooms, asked, access, code=tools.code)
        return
    chosen = choose(asked, tools, access)
    call.head = head_of(chosen.written)
    if rooms.stages:
        await begin_stages(call, rooms)
        asked = asked._replace(params=await seen_params(call, rooms, asked.params))
    if tools.rules is not None and method == TOOLS_CALL:
        tools.rules.check(call, rooms, chosen, asked.params)
    ready = tools.find(chosen.server)
    if ready is None:
        raise unknown(asked, chosen.written)
    call.target = target = Target(ready.endpoint.route, chosen.name if method == TOOLS_CALL else method)
    if call.lease is not None:
        await call.lease.hold(call, (target,))
    if method in SUBSCRIPTIONS:
        await subscribe_call(call, rooms, asked, chosen, ready=ready)
        return
    if ready.server.openapi is None:
        await exchange_with(call, rooms, asked, chosen, ready=ready)
        return
    tool = tools.api_tool(chosen.server, chosen.name) if method == TOOLS_CALL else None
    if tool is None:
        raise unknown(asked, chosen.written)
    from asbru.pipeline.tools.api_exchange import call_api  # loads what most gateways do not use

    await call_api(call, rooms, asked, chosen, tool=tool, ready=ready)


def choose(asked: Asked, tools: Toolbox, access: Access) -> Chosen:
    """What is called; raises `RpcError` for what there is not, or not for this caller."""
    method = asked.message.method
    if method == RESOURCES_READ or method in SUBSCRIPTIONS:
        uri = _text(asked, "uri")
        return Chosen(_server_of_resource(uri, asked, tools, access), uri, uri, access)
    if method == COMPLETE:
        return _completed(asked, tools, access)
    written = _text(asked, "name")
    server, name = _split(written, asked)
    known = tools.catalogue.servers.get(server)
    if known is not None and known.entry.state != "disabled":
        if method == TOOLS_CALL and name in known.tools and access.allows(server, name):
            return Chosen(server, name, written, access)
        if method == PROMPTS_GET and name in known.prompts and access.allows_server(server):
            return Chosen(server, name, written, access)
    raise unknown(asked, written)


def unknown(asked: Asked, written: str) -> RpcError:
    """The refusal of what there is not, or not for this caller."""
    what = {TOOLS_CALL: "tool", PROMPTS_GET: "prompt"}.get(str(asked.message.method), "resource")
    return RpcError(Code.INVALID_PARAMS, f"Unknown {what}: {written[:200]}", status=404)


def refuse_message(call: Call, error: AsbruError, asked: Asked) -> None:
    """Tell the caller by an error of JSON-RPC, in the stream where one has begun; the record has the error's own
    status."""
    call.error = error
    call.status = error.status
    call.outcome = "error" if error.blame != "caller" else "refused"
    if isinstance(error, Cancelled):
        call.outcome = "cancelled"
    lines = with_identity(call, JSON_LINE)
    if error.retry_after_s is not None:
        lines += b"retry-after: %d\r\n" % max(1, round(error.retry_after_s))
    body = write_error(asked.message.request_id, error)
    if call.response.started:
        call.outcome = "cancelled" if isinstance(error, Cancelled) else "cut"
        call.response.write(write_event(body, "message"))
        call.response.end()
        return
    call.response.whole(rpc_status(error, stateless=asked.stateless), lines, body)


def _text(asked: Asked, member: str) -> str:
    text = read_text(asked.params.get(member))
    if not text:
        raise RpcError(Code.INVALID_PARAMS, f"expected `params.{member}` to be text")
    return text


def _split(written: str, asked: Asked) -> tuple[str, str]:
    if asked.address.server:
        return asked.address.server, written
    found = split_name(written)
    if found is None:
        raise unknown(asked, written)
    return found


def _server_of_resource(uri: str, asked: Asked, tools: Toolbox, access: Access) -> str:
    """The server that has a resource: the first that lists it, or has a template that fits it."""
    for known in tools.merged.seen(access, asked.address):
        if access.allows_server(known.entry.name) and known.has_resource(uri):
            return known.entry.name
    if asked.address.server and access.allows_server(asked.address.server):
        return asked.address.server  # a server may have resources that it does not list
    raise unknown(asked, uri)


def subscriptions_of(asked: Asked, tools: Toolbox, caller: Caller, access: Access) -> tuple[Subscription, ...]:
    """What a listener of the stateless era subscribes to, of the resources that it names: those of servers that tell of
    updates."""
    wanted = read_object(asked.params.get("notifications")) or {}
    found: dict[Subscription, None] = {}
    for uri in read_texts(wanted.get("resourceSubscriptions"))[:SUBSCRIPTIONS_MAX]:
        try:
            name = _server_of_resource(uri, asked, tools, access)
            ready = tools.find(name)
        except AsbruError:
            continue
        if ready is not None and tells_updates(ready.known.entry):
            found[Subscription(name, caller.identity if ready.server.per_user else "", uri)] = None
    return tuple(found)


def _completed(asked: Asked, tools: Toolbox, access: Access) -> Chosen:
    """A completion is about a prompt or a template of resources; its name is written as the server knows it."""
    ref = read_object(asked.params.get("ref"))
    written = None if ref is None else read_text(ref.get("name")) or read_text(ref.get("uri"))
    if ref is None or not written:
        raise RpcError(Code.INVALID_PARAMS, "expected `params.ref` to name a prompt or a template")
    if "name" not in ref:
        return Chosen(_server_of_template(written, asked, tools, access), written, written, access)
    server, name = _split(written, asked)
    known = tools.catalogue.servers.get(server)
    if known is None or name not in known.prompts or not access.allows_server(server):
        raise unknown(asked, written)
    asked.params["ref"] = Raw(msgspec.json.encode({**ref, "name": name}))
    return Chosen(server, name, written, access)


def _server_of_template(template: str, asked: Asked, tools: Toolbox, access: Access) -> str:
    for known in tools.merged.seen(access, asked.address):
        names = {one.name for one in known.definitions("resource_templates")}
        if access.allows_server(known.entry.name) and (template in names or known.has_resource(template)):
            return known.entry.name
    raise unknown(asked, template)
