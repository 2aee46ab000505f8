"""Requests that are answered from memory, without asking any server: the introduction, pings, and lists.

What a caller is told about servers follows from what it may see: their capabilities, instructions and lists.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from asbru.governance import Caller
from asbru.mcp.access import Access
from asbru.mcp.catalogue import Known, ListKind
from asbru.mcp.protocol.messages import read_object
from asbru.mcp.protocol.versions import VERSIONS
from asbru.mcp.servers.subscriptions import Listening
from asbru.pipeline.tools.asked import Asked, Client
from asbru.pipeline.tools.listeners import Listener
from asbru.pipeline.tools.relay import seal_request, write_as_event
from asbru.pipeline.tools.subscriptions import tells_updates
from asbru.pipeline.tools.tool_call import subscriptions_of
from asbru.pipeline.tools.toolbox import Toolbox

INSTRUCTIONS_CHARS_MAX: Final = 2000
"""What is told of each server's instructions, where there are several."""
INSTRUCTIONS_MAX: Final = 20
_LISTS: Final[dict[str, ListKind]] = {
    "tools/list": "tools",
    "resources/list": "resources",
    "resources/templates/list": "resource_templates",
    "prompts/list": "prompts",
}
_PASSED: Final = ("completions", "logging", "prompts", "resources")
"""Capabilities that are told where any server has them."""
_EMPTY: Final = b"{}"
_DONE: Final = b'{"resultType":"complete"}'


def answer(asked: Asked, tools: Toolbox, access: Access, version: str) -> bytes | None:
    """The result; None where the request is not one of these. `version`: Asbru's own."""
    method = asked.message.method
    kind = _LISTS.get(str(method))
    if kind is not None:
        return tools.merged.result(access, asked.address, kind, stateless=asked.stateless)
    if asked.stateless:
        return _discover(asked, tools, access, version) if method == "server/discover" else None
    match method:
        case "initialize":
            return _initialize(asked, tools, access, version)
        case "ping" | "logging/setLevel":
            return _EMPTY
        case _:
            return None


def _initialize(asked: Asked, tools: Toolbox, access: Access, version: str) -> bytes:
    told: dict[str, Any] = {"protocolVersion": Client.introduced(asked.params).version}
    told |= _introduction(asked, tools, access, version)
    return msgspec.json.encode(told)


def _discover(asked: Asked, tools: Toolbox, access: Access, version: str) -> bytes:
    told: dict[str, Any] = {"resultType": "complete", "supportedVersions": VERSIONS}
    told |= _introduction(asked, tools, access, version)
    info = told.pop("serverInfo")
    told |= {"ttlMs": 0, "cacheScope": "private", "_meta": {"io.modelcontextprotocol/serverInfo": info}}
    return msgspec.json.encode(told)


def _introduction(asked: Asked, tools: Toolbox, access: Access, version: str) -> dict[str, Any]:
    seen = _seen(asked, tools, access)
    capabilities: dict[str, Any] = {"tools": {"listChanged": True}}
    for known in seen:
        theirs = read_object(Raw(known.entry.capabilities)) if known.entry.capabilities else None
        for name in _PASSED:
            if theirs is not None and name in theirs:
                told = capabilities.setdefault(
                    name, {"listChanged": True} if name in ("prompts", "resources") else {}
                )
                if name == "resources" and tools.subscriptions is not None and tells_updates(known.entry):
                    told["subscribe"] = True
    introduced: dict[str, Any] = {"capabilities": capabilities, "serverInfo": {"name": "asbru", "version": version}}
    if asked.address.server and len(seen) == 1 and seen[0].entry.info:
        introduced["serverInfo"] = Raw(seen[0].entry.info)
    instructions = _instructions(seen, tools, joined=asked.address.joined)
    if instructions:
        introduced["instructions"] = instructions
    return introduced


def _seen(asked: Asked, tools: Toolbox, access: Access) -> list[Known]:
    """The servers of which a caller may use anything, where it came in."""
    return [one for one in tools.merged.seen(access, asked.address) if _is_seen(one, access)]


def _is_seen(known: Known, access: Access) -> bool:
    server = known.entry.name
    return access.allows_server(server) or any(access.allows(server, tool) for tool in known.tools)


def _instructions(seen: list[Known], tools: Toolbox, *, joined: bool) -> str:
    told = [one for one in seen if one.entry.instructions][:INSTRUCTIONS_MAX]
    if not joined:
        return told[0].entry.instructions if told else ""
    return "\n\n".join(
        f"# {_named(one.entry.name, tools)}\n{one.entry.instructions[:INSTRUCTIONS_CHARS_MAX]}" for one in told
    )


def _named(server: str, tools: Toolbox) -> str:
    """How a caller knows the tools of a server."""
    if tools.merged.hides(server):
        return f"The server {server} in executeToolCode"
    return f"Tools that begin with {server}__"


def listening(asked: Asked, tools: Toolbox, caller: Caller, access: Access) -> Listening:
    """What a listener wants to hear of: with a session all lists, and what it subscribes to by other requests; else
    what it names."""
    if not asked.stateless:
        return Listening(_CHANGES)
    wanted = read_object(asked.params.get("notifications")) or {}
    words = {kind: word for kind, word in _CHANGES.items() if bytes(wanted.get(f"{word}ListChanged", b"")) == b"true"}
    return Listening(words, subscriptions_of(asked, tools, caller, access))


def take_questions(
    asked: Asked, tools: Toolbox, caller: Caller, access: Access, *, write: Callable[[bytes], None]
) -> Callable[[], None]:
    """Have a caller asked on a stream of its session what comes in its own sessions with servers; returns what ends
    that. `write` puts events on the stream."""
    if asked.client is None:
        return _nothing
    user = caller.identity

    def sees(server: str) -> bool:
        return any(known.entry.name == server for known in _seen(asked, tools, access))

    def seal(server: str, request_id: bytes) -> str:
        return seal_request(tools.seals, user, server, request_id)

    def write_message(message: bytes) -> None:
        write(write_as_event(message))

    return tools.listeners.listen(Listener(user, asked.client, sees, write_message, seal))


def _nothing() -> None:
    pass


_CHANGES: Final[Mapping[str, str]] = {"tools": "tools", "resources": "resources", "prompts": "prompts"}
