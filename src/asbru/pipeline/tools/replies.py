"""Responses of a caller to what it was asked during a call go to the server that asked, or to the call that waits;
cancellations to the call.

Any worker may receive one: its id says whose it is. Nothing waits for the server to take it; the call that it asked in
is where the caller hears of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from asbru.core.errors import AsbruError
from asbru.mcp.protocol import Message
from asbru.mcp.protocol.messages import read_text, write_response
from asbru.pipeline.stepper import Stepper
from asbru.pipeline.tools.awaited import cancel_token
from asbru.pipeline.tools.relay import open_request
from asbru.pipeline.tools.sending import LINES
from asbru.pipeline.tools.wanted import INPUT
from asbru.telemetry import log

if TYPE_CHECKING:
    from asbru.governance import Caller
    from asbru.pipeline.tools.asked import Asked
    from asbru.pipeline.tools.toolbox import Toolbox


def take_aside(tools: Toolbox, caller: Caller, asked: Asked, body: bytes) -> None:
    """Take a message that is no request; what is meant for nobody is dropped. `body`: as it came."""
    if not isinstance(asked.message.method, str):
        _pass_reply(tools, caller, asked.message, body)
    elif asked.message.method == "notifications/cancelled":
        _cancel(tools, caller, asked)


def _pass_reply(tools: Toolbox, caller: Caller, message: Message, body: bytes) -> None:
    text = None if message.id is msgspec.UNSET else read_text(message.id)
    opened = None if text is None else open_request(tools.seals, caller.identity, text)
    if opened is None:
        if text is not None and tools.seals.open(INPUT, (caller.identity,), text) is not None:
            tools.awaited.give(text, body)
        return
    server, request_id = opened
    body = write_response(request_id, message)
    Stepper().run(_send(tools, server, caller, body), _ended, server)


def _cancel(tools: Toolbox, caller: Caller, asked: Asked) -> None:
    """A caller with a session takes a request back, which may be at any worker."""
    request_id = asked.params.get("requestId")
    if asked.session and request_id is not None:
        tools.awaited.give(cancel_token(caller.identity, asked.session, bytes(request_id)), b"")


async def _send(tools: Toolbox, server: str, caller: Caller, body: bytes) -> None:
    ready = tools.find(server)
    if ready is None:
        return
    endpoint, lines = ready.endpoint, LINES
    if not ready.on_socket:
        user = caller.identity if ready.server.per_user else ""
        session = await tools.ports.session_of(server, user)
        lines += b"mcp-session-id: %b\r\nmcp-protocol-version: %b\r\n" % (
            session.id.encode("latin-1", "replace"),
            session.version.encode("latin-1", "replace"),
        )
        lines += endpoint.route.keys[0].lines or b""
        if ready.server.auth == "oauth":
            lines += await tools.ports.credential_of(server, user)
    head = endpoint.write_bare_head(b"POST", b"", lines, len(body))
    await endpoint.pool.begin(head, body, endpoint.deadlines, streaming_wanted=False)


def _ended(server: str, error: BaseException | None) -> None:
    if isinstance(error, AsbruError):
        log("warning", "a caller's response did not reach the MCP server", server=server, why=error.message)
    elif error is not None:
        raise error
