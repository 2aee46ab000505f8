"""Code mode through the real door: an agent lists, reads and runs; its scripts call tools of real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
import pytest
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult
from tests.fakes.tool_server import DirectPorts, ToolServer, feed
from tests.fakes.waiting import until
from tests.journeys.gateway import PEPPER, Gateway

from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry
from asbru.mcp.catalogue import MCP_SERVER
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.mcp.servers.code_settings import CodeModeSettings
from asbru.pipeline.tools import Toolbox

ERAS = ("legacy", "2026-07-28")
LOOKS = 20
META = ["listToolFiles", "readToolFile", "getToolDocs", "executeToolCode"]


def _key(name: str, tools: tuple[str, ...], approved: tuple[str, ...] = ("*",)) -> dict[str, bytes]:
    entry = KeyEntry(name, ("*",), mcp=tools, auto_approve=approved)
    return {digest_of(f"sk-asb-{name}".encode(), PEPPER): msgspec.msgpack.encode(entry)}


@asynccontextmanager
async def served(server: ToolServer, keys: dict[str, bytes], **limits: Any) -> AsyncIterator[Gateway]:
    """A gateway before a server that is called `code`, in code mode, and `plain`, which is not."""
    entries = [await server.entry(name, stateless=True) for name in ("code", "plain")]
    gateway = Gateway(
        tools=Toolbox(DirectPorts({})),
        declared={MCP_SERVER: feed(*entries)},
        mcp=McpSettings(
            servers={
                "code": ServerSettings(url=server.url, allow_loopback=True, code_mode=True, price_usd=0.25),
                "plain": ServerSettings(url=server.url, allow_loopback=True),
            },
            code=CodeModeSettings(processes=2, **limits),
        ),
        virtual_keys=keys,
    )
    async with gateway:
        try:
            yield gateway
        finally:
            assert gateway.lasting.tools is not None
            await gateway.lasting.tools.close()


@asynccontextmanager
async def agent(
    gateway: Gateway, mode: str, key: str = "all", path: str = "", **options: Any
) -> AsyncIterator[Client]:
    """A client of the official SDK."""
    headers = {"authorization": f"Bearer sk-asb-{key}", **options.pop("headers", {})}
    async with httpx2.AsyncClient(headers=headers) as http:
        url = f"http://127.0.0.1:{gateway.port}/mcp{path}"
        async with Client(streamable_http_client(url, http_client=http), mode=mode, **options) as client:
            yield client


async def text_of(client: Client, name: str, **arguments: Any) -> str:
    """What a meta-tool answers; fails where it is an error."""
    found = await client.call_tool(name, arguments)
    first: Any = found.content[0]
    assert not found.is_error, first.text
    return first.text


async def error_of(client: Client, code: str) -> str:
    """What a script fails with."""
    found = await client.call_tool("executeToolCode", {"code": code})
    first: Any = found.content[0]
    assert found.is_error, first.text
    return first.text


@pytest.mark.parametrize("mode", ERAS)
def test_an_agent_works_in_code(mode: str) -> None:
    """The four tools are in place of the server's; an agent reads what there is and runs a script. Only its result
    comes back; each call of a tool is a record of its own, below that of the script."""

    async def body() -> None:
        async with ToolServer() as server, served(server, _key("all", ("*",))) as gateway:
            async with agent(gateway, mode) as client:
                names = [tool.name for tool in (await client.list_tools()).tools]
                assert names[-4:] == META and names[:-4] == [one for one in names if one.startswith("plain__")]
                assert f"code.pyi  ({len(names) - 4} tools)" in await text_of(client, "listToolFiles")
                assert "def add(*, a: int, b: int)" in await text_of(client, "readToolFile", fileName="code.pyi")
                assert "Add two numbers." in await text_of(client, "getToolDocs", server="code", tool="add")
                code = "total = 0\nfor n in range(3):\n    total += code.add(a=total, b=n)['result']\nresult = total"
                assert "Result:\n4" in await text_of(client, "executeToolCode", code=code)
                assert "no such issue" not in await error_of(client, "code.fails()")
            async with agent(gateway, mode, path="/code") as client:
                assert [tool.name for tool in (await client.list_tools()).tools] == META
                assert "Result:\n3" in await text_of(
                    client, "executeToolCode", code="result = code.add(a=1, b=2)['result']"
                )
            rows = {row["id"]: row for row in gateway.rows}
            scripts = [row for row in rows.values() if row["model_asked"] == "executeToolCode"]
            inner = [row for row in rows.values() if row["parent_id"]]
            assert [row["outcome"] for row in scripts] == ["ok"] * 3
            assert [row["model_served"] for row in inner] == ["add", "add", "add", "fails", "add"]
            assert {row["parent_id"] for row in inner} == {row["id"] for row in scripts}
            assert {row["cost_nanousd"] for row in inner} == {250_000_000}

    asyncio.run(body())


def test_scripts_see_only_what_is_granted() -> None:
    """What the key, its header or the address leaves out is neither listed nor called, whatever a script calls it;
    where nothing is left, the four tools are not there."""

    async def body() -> None:
        keys = {**_key("some", ("code/add", "plain")), **_key("none", ("plain",))}
        async with ToolServer() as server, served(server, keys) as gateway:
            async with agent(gateway, ERAS[0], "some") as client:
                assert "code.pyi  (1 tools)" in await text_of(client, "listToolFiles")
                assert "told" not in await text_of(client, "readToolFile", fileName="code")
                for attack in (
                    "code.told()",
                    "y = code\ny.told()",
                    "f = [code][0].told\nf()",
                    "getattr(code, 'to' + 'ld')()",
                    "list(map(lambda s: s.told(), [code]))",
                    "{'x': code}['x'].told()",
                    "code.__class__.told(code)",
                    "code.__getattribute__('told')()",
                    "type(code)().told()",
                    "plain.told()",
                    "vars()['code'].told()",
                    "globals()['code'].told()",
                ):
                    assert "failed" in await error_of(client, attack), attack
                assert server.calls == []
                again = "y = code\nf = getattr(y, 'add')\nresult = f(a=1, b=1)['result']"
                assert "Result:\n2" in await text_of(client, "executeToolCode", code=again)
            narrowed = {"headers": {"x-asbru-mcp-tools": "plain"}}
            for key, options in (("none", {}), ("some", narrowed), ("some", {"path": "/plain"})):
                async with agent(gateway, ERAS[0], key, **options) as client:
                    assert not set(META) & {tool.name for tool in (await client.list_tools()).tools}
                    with pytest.raises(MCPError, match="Unknown tool"):
                        await client.call_tool("executeToolCode", {"code": "1"})

    asyncio.run(body())


def test_a_tool_that_is_withdrawn_while_a_script_runs() -> None:
    """Access is asked at each call: what a script could call when it began it can call no more."""

    async def body() -> None:
        async def withdrawn(context: Any, params: Any) -> ElicitResult:
            del context, params
            gateway.virtual_keys = _key("all", ("code/add",))
            gateway.swap(gateway.snapshot)
            return ElicitResult(action="accept", content={"name": "Ada"})

        async with (
            ToolServer() as server,
            served(server, _key("all", ("*",))) as gateway,
            agent(gateway, ERAS[0], elicitation_callback=withdrawn) as client,
        ):
            said = await error_of(client, "code.told()\ncode.named()\ncode.add(a=1, b=1)\ncode.told()")
            assert "in line 4" in said and "Unknown tool: code__told" in said
            assert server.calls == ["told", "named", "named", "add"]

    asyncio.run(body())


@pytest.mark.parametrize("mode", ERAS)
@pytest.mark.parametrize("action", ["accept", "decline"])
def test_a_call_that_needs_approval(mode: str, action: Any) -> None:
    """The client is asked, with the arguments; the script goes on where it was, with the call or with an error. What
    ran before is not done again."""

    async def body() -> None:
        asked: list[str] = []

        async def approve(context: Any, params: Any) -> ElicitResult:
            del context
            asked.append(params.message)
            return ElicitResult(action=action, content={})

        keys = _key("all", ("*",), approved=("code/told",))
        async with ToolServer() as server, served(server, keys) as gateway:
            async with agent(gateway, mode, elicitation_callback=approve) as client:
                code = (
                    "code.told()\nfound = []\nfor n in (1, 2):\n    try:\n"
                    "        found.append(code.add(a=n, b=n)['result'])\n"
                    "    except Exception as e:\n        found.append(type(e).__name__)\nresult = found"
                )
                said = await text_of(client, "executeToolCode", code=code)
                if action == "accept":
                    assert "Result:\n[2,4]" in said and server.calls == ["told", "add", "add"]
                else:
                    assert 'Result:\n["PermissionError","PermissionError"]' in said and server.calls == ["told"]
            assert len(asked) == 2 and 'code/add with {"a":1,"b":1}' in asked[0]

    asyncio.run(body())


@pytest.mark.parametrize("mode", ERAS)
def test_a_client_that_cannot_be_asked(mode: str) -> None:
    """It is told which call stopped the script, and the list that the tool would have to be on."""

    async def body() -> None:
        async with ToolServer() as server, served(server, _key("all", ("*",), approved=())) as gateway:
            async with agent(gateway, mode) as client:
                said = await error_of(client, "print('before')\ncode.add(a=1, b=1)")
                assert "before" in said and "`code/add`" in said and "auto_approve" in said
            url = f"http://127.0.0.1:{gateway.port}/v1/mcp/tools/call"
            async with httpx2.AsyncClient(headers={"authorization": "Bearer sk-asb-all"}) as http:
                asked = {"name": "executeToolCode", "arguments": {"code": "code.add(a=1, b=1)"}}
                answered = (await http.post(url, json=asked)).json()
                assert answered["isError"] and "`code/add`" in answered["content"][0]["text"]
            assert server.calls == []

    asyncio.run(body())


def test_the_state_of_a_script_belongs_to_its_caller() -> None:
    """In the stateless era any worker goes on with it, but only for the same key, address and tool, unchanged, and
    while a person is waited for."""

    async def body() -> None:
        keys = {**_key("all", ("*",), approved=()), **_key("b", ("*",), approved=())}

        async def unused(context: Any, params: Any) -> ElicitResult:
            raise AssertionError

        async with ToolServer() as server, served(server, keys) as gateway:
            code = {"code": "result = code.add(a=1, b=1)['result']"}
            async with agent(gateway, ERAS[1], elicitation_callback=unused) as client:
                asked: Any = await client.session.call_tool("executeToolCode", code, allow_input_required=True)
            answers = {"approval": ElicitResult(action="accept", content={})}
            state = asked.request_state
            changed = state[:40] + ("A" if state[40] != "A" else "B") + state[41:]
            for key, path, given in (("b", "", state), ("all", "/code", state), ("all", "", changed)):
                async with agent(gateway, ERAS[1], key, path, elicitation_callback=unused) as other:
                    with pytest.raises(MCPError, match="requestState"):
                        await other.session.call_tool(
                            "executeToolCode", code, input_responses=answers, request_state=given
                        )
            assert server.calls == []
            assert gateway.lasting.tools is not None and gateway.lasting.tools.code is not None
            await gateway.lasting.tools.close()  # another process goes on
            async with agent(gateway, ERAS[1], elicitation_callback=unused) as client:
                done: Any = await client.session.call_tool(
                    "executeToolCode", code, input_responses=answers, request_state=state
                )
                assert "Result:\n2" in done.content[0].text
                rooms: Any = gateway.door.rooms
                now = rooms.unix_time
                rooms.unix_time = lambda: now() + 301
                with pytest.raises(MCPError, match="later than 300 s"):
                    await client.session.call_tool(
                        "executeToolCode", code, input_responses=answers, request_state=state
                    )

    asyncio.run(body())


def test_a_server_asks_the_caller_of_a_script() -> None:
    """Elicitation of a server that a script calls reaches a caller with a session; the result comes in its stream."""

    async def body() -> None:
        async def named(context: Any, params: Any) -> ElicitResult:
            del context
            assert params.message == "Your name?"
            return ElicitResult(action="accept", content={"name": "Ada"})

        async with ToolServer() as server, served(server, _key("all", ("*",))) as gateway:
            async with agent(gateway, ERAS[0], elicitation_callback=named) as client:
                said = await text_of(client, "executeToolCode", code="result = code.named()")
                assert "hello Ada, s-1" in said
            async with agent(gateway, ERAS[1], elicitation_callback=named) as client:
                assert "input" in await error_of(client, "code.named()")

    asyncio.run(body())


async def _others_are_served_during_a_loop(client: Client) -> bool:
    loop = asyncio.create_task(error_of(client, "while True:\n    pass"))
    assert "Result:\n1" in await text_of(client, "executeToolCode", code="result = 1")
    is_during = not loop.done()
    assert "(time)" in await loop
    return is_during


def test_what_stops_scripts() -> None:
    """Loops, memory, recursion, output, calls and imports: each ends with words of its own, and the gateway serves
    others meanwhile."""

    async def body() -> None:
        limits = {"time_s": 0.5, "memory_bytes": 16 << 20, "calls_max": 3, "result_bytes_max": 2048, "call_s": 0.5}
        async with ToolServer() as server, served(server, _key("all", ("*",)), **limits) as gateway:
            async with agent(gateway, ERAS[1]) as client:
                # A busy machine may run the other script only when the time of the loop is up: then it says nothing.
                for _ in range(LOOKS):
                    if await _others_are_served_during_a_loop(client):
                        break
                else:
                    pytest.fail(f"in {LOOKS} attempts nothing was served while a script ran")
                for code, kind in (
                    ("x = 'a' * (1 << 30)", "memory"),
                    ("x = []\nwhile True:\n    x.append('a' * 1000)", "memory"),
                    ("def f(n):\n    return f(n + 1)\nf(0)", "recursion"),
                    ("while True:\n    print('x' * 1000)", "output"),
                    ("result = 'x' * 5000", "output"),
                    ("for n in range(9):\n    code.add(a=n, b=n)", "calls"),
                    ("\nimport os", "import"),
                    ("open('/etc/passwd')", "runtime"),
                    ("__import__('os')", "import"),
                    ("x = (", "syntax"),
                    ("1/0", "runtime"),
                ):
                    said = await error_of(client, code)
                    assert f"({kind})" in said, said
                assert "in line 2" in await error_of(client, "x = 1\nraise ValueError('so')")
                said = await error_of(client, "code.slow()")
                assert "did not answer within 0.5 s" in said
            assert [row["error_code"] for row in gateway.rows if row["model_served"] == "slow"] == [
                "mcp_tool_timeout"
            ]

    asyncio.run(body())


def test_calls_of_a_script_run_at_the_same_time_and_end_with_it() -> None:
    """Awaited together they overlap; a caller that goes away ends the script and all its calls."""

    async def body() -> None:
        async with ToolServer() as server, served(server, _key("all", ("*",))) as gateway:
            code = "import asyncio\nawait asyncio.gather(code.slow(), code.slow(), code.slow())"
            asked = {"name": "executeToolCode", "arguments": {"code": code}}
            message = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": asked}
            url = f"http://127.0.0.1:{gateway.port}/mcp"
            headers = {"authorization": "Bearer sk-asb-all", "accept": "application/json, text/event-stream"}
            async with httpx2.AsyncClient(headers=headers) as http:
                running = asyncio.create_task(http.post(url, json=message))
                await until(lambda: server.calls.count("slow") == 3, "all are called")
                running.cancel()
            await until(lambda: server.cancelled == 3, "all are taken back")
            rows = await gateway.recorded(4)
            assert [row["outcome"] for row in rows] == ["cancelled"] * 4
            assert json.dumps(rows).count('"parent_id": "req_') == 3

    asyncio.run(body())


def test_only_calls_of_tools_reach_the_four() -> None:
    """A prompt or a completion of such a name is none."""

    async def body() -> None:
        async with ToolServer() as server, served(server, _key("all", ("*",))) as gateway:
            for method in ("prompts/get", "resources/read"):
                params = {"name": "executeToolCode", "uri": "x:y", "arguments": {"code": "code.add(a=1, b=2)"}}
                asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
                headers = ("accept: application/json, text/event-stream", "mcp-protocol-version: 2025-11-25")
                answer = await gateway.call("/mcp", asked, key="sk-asb-all", headers=headers)
                assert b"error" in answer.body and not server.calls

    asyncio.run(body())
