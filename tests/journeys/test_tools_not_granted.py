"""A tool that is not granted does not exist for a caller: at each of the five points where tools appear."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from tests.fakes.tool_server import DirectPorts, ToolServer, feed
from tests.fakes.upstream import FakeUpstream
from tests.journeys.caller import KEY
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talk import CHAT_PATH, chat
from tests.journeys.test_agent_loop import said
from tests.journeys.test_nested_tools import Inside
from tests.journeys.test_offered_tools import key, sent_names

from asbru.core.errors import AsbruError
from asbru.core.traits import fits_glob
from asbru.mcp.catalogue import MCP_SERVER
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.pipeline.tools import Toolbox

TOOLS = ("add", "fails", "told")
SERVERS = ("one", "two")
PATTERNS = ("one", "two", "one/add", "two/*", "*/told", "t*/fails", "one/f*", "sums", "none/add", "*/ad", "on")


def granted(patterns: tuple[str, ...], server: str, tool: str) -> bool:
    """Whether a list of patterns names a tool, worked out anew."""
    for pattern in ("*/add" if one == "sums" else one for one in patterns):
        at, _, name = pattern.partition("/")
        if fits_glob(at, server) and fits_glob(name or "*", tool):
            return True
    return False


def _lists() -> list[tuple[str, ...]]:
    chance = random.Random(7)
    return [tuple(chance.sample(PATTERNS, chance.randint(1, 3))) for _ in range(3)]


@pytest.mark.parametrize("patterns", _lists())
def test_a_tool_that_is_not_granted_is_nowhere(patterns: tuple[str, ...]) -> None:
    """Not listed, not offered to a model, not called over MCP or by name, not from code, and not by the agent loop,
    though everything is approved; what is granted is there at all of them."""

    async def run() -> None:
        async with FakeUpstream() as upstream, ToolServer() as server:
            settings = {name: ServerSettings(url=server.url, allow_loopback=True) for name in SERVERS}
            gateway = Gateway(
                openai(upstream.url),
                tools=Toolbox(DirectPorts(dict.fromkeys(SERVERS, server.url))),
                declared={MCP_SERVER: feed(*[await server.entry(name, stateless=True) for name in SERVERS])},
                mcp=McpSettings(servers=settings, groups={"sums": ("*/add",)}),
                virtual_keys=key(mcp=patterns, auto_approve=("*",)),
            )
            async with gateway:
                inside = Inside(gateway)
                inside.parent.credentials = (b"", b"Bearer " + KEY.encode(), b"")
                listed = await _rpc(gateway, "tools/list")
                names = {one["name"] for one in listed["result"]["tools"]}
                for at in SERVERS:
                    for tool in TOOLS:
                        name, may = f"{at}__{tool}", granted(patterns, at, tool)
                        arguments = {"a": 2, "b": 3} if tool == "add" else {}
                        assert (name in names) is may
                        called = await _rpc(gateway, "tools/call", name=name, arguments=arguments)
                        assert ("result" in called) is may
                        body = {"name": name, "arguments": arguments}
                        assert (await gateway.call("/v1/mcp/tools/call", body)).status == (200 if may else 404)
                        assert await _from_code(inside, at, tool, json.dumps(arguments).encode()) is may
                        upstream.queue(said("", ("call_1", name, json.dumps(arguments))), said("done"))
                        before, seen = len(server.calls), len(upstream.requests)
                        answer = await gateway.call(CHAT_PATH, chat())
                        assert (name in sent_names(upstream.requests[seen].json())) is may
                        assert len(upstream.requests) - seen == (2 if may else 1)
                        assert ("tool_calls" in answer.json()["choices"][0]["message"]) is not may
                        if not may:
                            assert len(server.calls) == before
                            upstream.forget_queue()

    asyncio.run(run())


async def _rpc(gateway: Gateway, method: str, **params: Any) -> dict[str, Any]:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    headers = ("accept: application/json, text/event-stream", "mcp-protocol-version: 2025-11-25")
    answer = await gateway.call("/mcp", body, headers=headers)
    text = answer.body
    return json.loads(text.partition(b"data: ")[2].partition(b"\n")[0] if text.startswith(b"event") else text)


async def _from_code(inside: Inside, server: str, tool: str, arguments: bytes) -> bool:
    """Whether a script may call it, through the one door that scripts have."""
    try:
        await inside.run(lambda: inside.tools().call(server, tool, arguments, approved=True))
    except AsbruError:
        return False
    return True
