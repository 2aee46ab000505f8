"""MCP as a dialect: what the path has to know of calls to tools in order to count, price and record them like others.

Nothing of it is translated, and no provider of models speaks it; so it is no folder of `dialects`.
"""

from __future__ import annotations

from typing import Final

from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.usage import Unit
from asbru.dialects import Dialect, Operation, PathParameters, RequestHead
from asbru.dialects.contract import Errors, Surface
from asbru.mcp.protocol.errors import write_error
from asbru.mcp.protocol.messages import read_object, read_reply, read_text

SURFACE: Final = "mcp"
"""What a key must be allowed as a surface."""
SERVER_PREFIX: Final = "mcp:"
"""Before the name of a server where the names of providers stand: no provider can be called so."""

RESOURCES_READ: Final = "resources/read"
PROMPTS_GET: Final = "prompts/get"
COMPLETE: Final = "completion/complete"
SUBSCRIBE: Final = "resources/subscribe"
UNSUBSCRIBE: Final = "resources/unsubscribe"
FREE: Final = (RESOURCES_READ, PROMPTS_GET, COMPLETE, SUBSCRIBE, UNSUBSCRIBE)
"""What costs nothing; such a call is about no tool, and these stand where the names of tools do."""


def _read_no_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    del body, parameters, query
    return head_of("")


def head_of(name: str) -> RequestHead:
    """The head of a call; `name`: what is called."""
    return RequestHead(model=name, stream=False, wants_usage=True, max_tokens=None)


def _one_request(head: RequestHead, body: bytes) -> tuple[tuple[Unit, int], ...]:
    del head, body
    return (("request", 1),)


def _operation(name: str, surface: str) -> Operation:
    return Operation(
        name=name,
        surface=surface,
        path="",
        read_head=_read_no_head,
        speaks=False,
        by_token=False,
        units_max=_one_request,
    )


TOOL: Final = _operation("execute_tool", "tool")
RESOURCE: Final = _operation("read_resource", "resource")
PROMPT: Final = _operation("get_prompt", "prompt")
COMPLETION: Final = _operation("complete_argument", "completion")


def _read_error(status: int, body: bytes) -> UpstreamError:
    """An error response of a server: in the words of its JSON-RPC error, where it has one. Its status is not the
    caller's affair: a server that refuses Asbru's credential has not refused the caller's key."""
    message, words = read_reply(body), None
    if message is not None:
        told = read_object(message.error)
        words = None if told is None else read_text(told.get("message"))
    return UpstreamError(
        f"the MCP server returned the status {status}" + (f": {words[:500]}" if words else ""),
        status=429 if status == 429 else 502,
        code="mcp_server_error",
    )


def _write_error(error: AsbruError, request_id: str) -> bytes:
    del request_id  # that of the call; what the caller knows is that of its message
    return write_error(None, error)


MCP: Final = Dialect(
    name="mcp",
    setting="mcp",
    operations=(TOOL, RESOURCE, PROMPT, COMPLETION),
    errors=Errors(read=_read_error, write=_write_error),
    surface=Surface(name=SURFACE, home="", root="/mcp", bases=(), models_bases=()),
)
