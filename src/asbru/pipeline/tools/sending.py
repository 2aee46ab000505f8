"""What a request to a server over streamable HTTP is sent with: session, credential, members and headers, as the era in
which it is asked wants them. Names are the server's own, and state that a caller returns is the server's again.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from asbru.core.errors import GatewayError
from asbru.mcp.catalogue.entries import Era
from asbru.mcp.protocol import Code, Params, RpcError
from asbru.mcp.protocol.headers import (
    MARK,
    META,
    NAMED_BY,
    argument_headers,
    encode_value,
    with_envelope,
    without_envelope,
)
from asbru.mcp.protocol.messages import read_object, read_text
from asbru.mcp.protocol.sealed import Seals
from asbru.mcp.servers import SessionGiven
from asbru.pipeline.call import Call
from asbru.pipeline.endpoint import NO_KEY
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.tools.asked import Asked, Chosen, Client
from asbru.pipeline.tools.relay import bound_to
from asbru.pipeline.tools.toolbox import Ready, Toolbox
from asbru.pipeline.tools.wanted import STATE
from asbru.routing import Key, Target
from asbru.upstream.credentials import FixedCredential

LINES: Final = (
    b"content-type: application/json\r\naccept: application/json, text/event-stream\r\nuser-agent: asbru\r\n"
)
NO_CAPABILITIES: Final = b"{}"
OUR_INFO: Final = b'{"name":"asbru","version":"1"}'
_NO_SESSION: Final = SessionGiven()


class Sending(NamedTuple):
    """What a request is sent with."""

    chosen: Chosen
    request_id: str
    session: SessionGiven
    credential: bytes
    params: Params
    headers: bytes
    era: Era
    """In which the server is asked: of one that speaks both, the caller's."""


def target_of(call: Call) -> Target:
    """The server that was chosen."""
    assert call.target is not None, "the middle has chosen"
    return call.target


def key_of(credential: bytes) -> Key:
    """What the attempt shows besides the server's fixed headers, so that it can be hidden in the server's words."""
    if not credential:
        return NO_KEY
    return Key("oauth", FixedCredential(credential), frozenset({"*"}), weight=1.0, aliases={})


def user_of(call: Call, ready: Ready) -> str:
    """Whose session and authorization it is; "" where the server has one for all."""
    return call.caller.identity if ready.server.per_user and call.caller is not None else ""


async def prepare(call: Call, rooms: Rooms, asked: Asked, chosen: Chosen, *, ready: Ready) -> Sending:
    """What the next request of a call is sent with. Raises what keeps it from being sent."""
    tools = rooms.tools
    assert tools is not None, "the middle has looked"
    session, credential, era = _NO_SESSION, b"", ready.known.entry.era
    if not ready.on_socket:
        user = user_of(call, ready)
        if ready.server.auth == "oauth":
            credential = await tools.ports.credential_of(ready.server.name, user)
        if era == "sessions":
            session = await tools.ports.session_of(ready.server.name, user)
        elif asked.client is not None and not asked.bare:
            session = await _session_beside(tools, ready, user)
            era = "sessions" if session.id else era
    number = len(call.attempts)
    request_id = call.id.decode() if not number else f"{call.id.decode()}-{number}"
    params = _params(asked, chosen, ready, era)
    if STATE in params and not asked.resumed:
        params[STATE] = _opened_state(params[STATE], tools.seals, bound_to(call, chosen))
    headers = _headers(asked, chosen, session, params, ready=ready, era=era)
    return Sending(chosen, request_id, session, credential, params, headers, era)


async def _session_beside(tools: Toolbox, ready: Ready, user: str) -> SessionGiven:
    """The session that a server of the stateless era may have for callers that have one; it can do without."""
    try:
        return await tools.ports.session_of(ready.server.name, user)
    except GatewayError:
        return _NO_SESSION


def _params(asked: Asked, chosen: Chosen, ready: Ready, era: Era) -> Params:
    """The members to send: the server's own name for what is called, and `_meta` as its era wants it."""
    params = dict(asked.params)
    method = str(asked.message.method)
    member = NAMED_BY.get(method)
    if member is not None and chosen.written != chosen.name:
        params[member] = Raw(msgspec.json.encode(chosen.name))
    meta = read_object(params.get(META)) or {}
    if era == "stateless":
        if not asked.stateless or asked.bare:
            can = NO_CAPABILITIES if asked.client is None else _capabilities(asked.client)
            params[META] = Raw(msgspec.json.encode(with_envelope(meta, ready.known.entry.version, can, OUR_INFO)))
    elif asked.stateless:
        told = without_envelope(meta)
        params.pop(META, None)
        if told:
            params[META] = Raw(msgspec.json.encode(told))
    return params


def _capabilities(client: Client) -> bytes:
    """What a caller with a session can be asked, as the stateless era says it."""
    return msgspec.json.encode({name: {"form": {}} if name == "elicitation" else {} for name in client.capabilities})


def _opened_state(raw: Raw, seals: Seals, bound: tuple[str, ...]) -> Raw:
    """The server's own state, of what the caller has returned."""
    text = read_text(raw)
    state = None if text is None else seals.open(STATE, bound, text)
    if state is None:
        raise RpcError(
            Code.INVALID_PARAMS, "expected `params.requestState` as it was given with the request for input"
        )
    return Raw(state)


def _headers(asked: Asked, chosen: Chosen, session: SessionGiven, params: Params, *, ready: Ready, era: Era) -> bytes:
    entry = ready.known.entry
    version = session.version or entry.version
    lines = LINES
    if version:
        lines += b"mcp-protocol-version: %b\r\n" % version.encode("latin-1", "replace")
    if session.id:
        lines += b"mcp-session-id: %b\r\n" % session.id.encode("latin-1", "replace")
    if era == "stateless":
        method = str(asked.message.method)
        lines += b"mcp-method: %b\r\n" % method.encode()
        if method in NAMED_BY:
            lines += b"mcp-name: %b\r\n" % encode_value(chosen.name)
        definition = ready.known.tools.get(chosen.name) if method == "tools/call" else None
        if definition is not None and definition.definition.find(MARK) >= 0:
            lines += _argument_lines(definition.definition, params)
    return lines


def _argument_lines(definition: bytes, params: Params) -> bytes:
    try:
        schema = msgspec.json.decode(definition).get("inputSchema")
        arguments = msgspec.json.decode(params.get("arguments", b"{}"))
    except (msgspec.MsgspecError, AttributeError):
        return b""
    return b"".join(b"%b: %b\r\n" % (name.encode(), value) for name, value in argument_headers(schema, arguments))


def key_lines(ready: Ready, credential: bytes) -> bytes:
    """By which we are known to the server."""
    lines = ready.endpoint.route.keys[0].lines if ready.endpoint.route.keys else b""
    return (lines or b"") + credential
