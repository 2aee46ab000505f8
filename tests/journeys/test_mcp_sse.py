"""The older transport HTTP+SSE towards callers: the official SDK's client, and whoever does not keep to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult
from tests.fakes.tool_server import ToolServer
from tests.fakes.upstream import FakeUpstream
from tests.fakes.waiting import until
from tests.journeys.mcp_gateway import serving
from tests.journeys.served import Served

from asbru.core.future import Future

FAKES = Path(__file__).parents[1] / "fakes"
KEY = "sk-asb-all"


def _each_alone(headers: Any = None, timeout: Any = None, auth: Any = None) -> httpx2.AsyncClient:
    """A client that keeps no connection, so that each message may come to another worker."""
    limits = httpx2.Limits(max_keepalive_connections=0)
    return httpx2.AsyncClient(headers=headers, timeout=timeout, auth=auth, limits=limits)


@contextlib.asynccontextmanager
async def agent(port: int, path: str = "/mcp/sse", key: str = KEY, **options: Any) -> AsyncIterator[Client]:
    """An agent of the official SDK that speaks HTTP+SSE. `headers`: those that it sends besides."""
    headers = {"authorization": f"Bearer {key}", **options.pop("headers", {})}
    transport = sse_client(f"http://127.0.0.1:{port}{path}", headers=headers, httpx_client_factory=_each_alone)
    async with Client(transport, mode="legacy", **options) as client:
        yield client


def test_an_agent_lists_and_calls_tools() -> None:
    """With the names, grants, prices and records of streamable HTTP; with progress, several calls at once, and what a
    server asks."""

    async def body() -> None:
        async def named(context: Any, params: Any) -> ElicitResult:
            del context, params
            return ElicitResult(action="accept", content={"name": "Ada"})

        progress: list[float] = []

        async def heard(value: float, total: float | None, message: str | None) -> None:
            del total, message
            progress.append(value)

        async with ToolServer() as server, serving(server, stateless=False, all=("*",), few=("one/add",)) as gateway:
            async with agent(gateway.port, elicitation_callback=named) as client:
                assert len((await client.list_tools()).tools) == 16
                calls = (client.call_tool("two__add", {"a": number, "b": 1}) for number in range(5))
                added: list[Any] = [one.structured_content for one in await asyncio.gather(*calls)]
                assert added == [{"result": number + 1} for number in range(5)]
                told = await client.call_tool("one__told", {}, progress_callback=heard)
                assert told.meta is not None and told.meta["example.com/own"] == {"kept": True}
                assert progress == [1]
                asked: Any = (await client.call_tool("one__ask", {})).content[0]
                assert asked.text == "hello Ada"
            async with agent(gateway.port, "/mcp/one/sse", "sk-asb-few") as client:
                assert [tool.name for tool in (await client.list_tools()).tools] == ["add"]
                with pytest.raises(MCPError, match="Unknown tool: told"):
                    await client.call_tool("told", {})
            narrowed = {"x-asbru-mcp-tools": "one__add"}
            async with agent(gateway.port, headers=narrowed) as client:
                assert [tool.name for tool in (await client.list_tools()).tools] == ["one__add"]
            rows = await gateway.recorded(8)
            assert [row["model_served"] for row in rows[:7]] == ["add"] * 5 + ["told", "ask"]
            assert {row["surface"] for row in rows} == {"mcp.tool"}
            assert sum(row["cost_nanousd"] for row in rows[:7]) == 502_000_000

    asyncio.run(body())


@contextlib.asynccontextmanager
async def opened(
    http: httpx2.AsyncClient, port: int, key: str = KEY
) -> AsyncIterator[tuple[str, AsyncIterator[str], httpx2.Response]]:
    """A stream: where to post to, and its lines."""
    base = f"http://127.0.0.1:{port}"
    async with http.stream("GET", f"{base}/mcp/sse", headers={"authorization": f"Bearer {key}"}) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "event: endpoint"
        endpoint = (await anext(lines)).removeprefix("data: ")
        assert endpoint.startswith("/mcp/sse?sessionId=")
        yield base + endpoint, lines, stream


def _post(http: httpx2.AsyncClient, url: str, message: object, key: str = KEY) -> Any:
    data = message if isinstance(message, bytes) else json.dumps(message).encode()
    return http.post(url, content=data, headers={"authorization": f"Bearer {key}"})


async def _next(lines: AsyncIterator[str]) -> Any:
    """The next message."""
    async for line in lines:
        if line.startswith("data: "):
            return json.loads(line[6:])
    return None


_BEGIN = {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2024-11-05"}}
_SLOW = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "one__slow", "arguments": {}}}


def test_what_is_refused() -> None:
    """A message without a key, of another key, for no stream, for a stream of another address; garbage, and a message
    that is too large; a name that is no server's. What a stream cannot serve it says under the message's id."""

    async def body() -> None:
        async with (
            ToolServer() as server,
            serving(server, stateless=True, all=("*",), other=("*",)) as gateway,
            httpx2.AsyncClient() as http,
            opened(http, gateway.port) as (url, lines, _),
        ):
            assert (await _post(http, url, _BEGIN, "sk-asb-nobody")).status_code == 401
            assert (await _post(http, url, _BEGIN, "sk-asb-other")).status_code == 404
            assert (await _post(http, url[:-3], _BEGIN)).status_code == 404
            assert (await _post(http, url.replace("/mcp/sse", "/mcp/one/sse"), _BEGIN)).status_code == 404
            assert (await _post(http, url.partition("?")[0], _BEGIN)).status_code == 405
            assert (await http.delete(url, headers={"authorization": f"Bearer {KEY}"})).status_code == 405
            assert (await _post(http, url, b"{")).status_code == 400
            assert (await _post(http, url, b'"' + b"x" * 5_000_000 + b'"')).status_code == 413
            missing = f"http://127.0.0.1:{gateway.port}/mcp/nobody/sse"
            assert (await http.get(missing, headers={"authorization": f"Bearer {KEY}"})).status_code == 404
            assert (await http.get(url.partition("?")[0])).status_code == 401
            page = {"authorization": f"Bearer {KEY}", "origin": "http://evil.test"}
            assert (await http.get(url.partition("?")[0], headers=page)).status_code == 403
            assert (await _post(http, url, {**_BEGIN, "method": "nothing"})).status_code == 202
            told = await _next(lines)
            assert (told["id"], told["error"]["code"]) == (0, -32601)

    asyncio.run(body())


def test_a_caller_that_leaves_ends_its_calls() -> None:
    """The server is told, and the call recorded as cancelled; so is one that is taken back by its id, whose stream goes
    on."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=False) as gateway, httpx2.AsyncClient() as http:
            async with opened(http, gateway.port) as (url, lines, _):
                await _post(http, url, _BEGIN)
                assert (await _next(lines))["result"]["protocolVersion"] == "2024-11-05"
                await _post(http, url, _SLOW)
                await until(lambda: server.calls == ["slow"], "the tool is called")
                taken_back = {"method": "notifications/cancelled", "params": {"requestId": 1}}
                await _post(http, url, {"jsonrpc": "2.0", **taken_back})
                assert (await _next(lines))["id"] == 1
                await _post(http, url, {**_SLOW, "id": 2})
                await until(lambda: server.calls == ["slow"] * 2, "it is called again")
            await until(lambda: server.cancelled == 2, "both are cancelled")
            rows = await gateway.recorded(2)
            assert [row["outcome"] for row in rows] == ["cancelled", "cancelled"]

    asyncio.run(body())


def test_a_stream_tells_that_lists_have_changed() -> None:
    """What a caller of streamable HTTP hears by its GET; once, though the session was begun twice."""

    async def body() -> None:
        async with (
            ToolServer() as server,
            serving(server, stateless=True) as gateway,
            httpx2.AsyncClient() as http,
            opened(http, gateway.port) as (url, lines, _),
        ):
            for _ in range(2):
                await _post(http, url, _BEGIN)
                await _next(lines)
            assert gateway.lasting.tools is not None
            catalogue = gateway.lasting.tools.catalogue
            entry = catalogue.servers["one"].entry
            changed = msgspec.structs.replace(entry, tools=entry.tools[:1])
            catalogue.put("one", msgspec.msgpack.encode(changed))
            assert (await _next(lines))["method"] == "notifications/tools/list_changed"
            await _post(http, url, {"jsonrpc": "2.0", "id": 3, "method": "ping"})
            assert (await _next(lines))["id"] == 3

    asyncio.run(body())


def test_a_message_whose_stream_does_not_answer_is_not_accepted() -> None:
    """The worker that has the stream is asked over the link, which has no answer: 503, with a time to try again."""

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True) as gateway, httpx2.AsyncClient() as http:
            tools = gateway.lasting.tools
            assert tools is not None
            async with opened(http, gateway.port) as (url, _, _):
                answer: Future[bytes | None] = Future()
                answer.resolve(None)
                tools.deliver_between("another", lambda *_: answer, lambda *_: None, lambda: 0.0)
                refused = await _post(http, url, _BEGIN)
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")

    asyncio.run(body())


def test_streams_and_their_messages_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """More callers than there may be are refused, and so are more messages at once, each under its id; a caller that
    never introduces itself is not kept."""
    monkeypatch.setattr("asbru.edge.mcp_sse.STREAMS_MAX", 1)
    monkeypatch.setattr("asbru.edge.mcp_sse.CALLS_MAX", 1)
    monkeypatch.setattr("asbru.edge.mcp_sse.GREETING_S", 0.5)

    async def body() -> None:
        async with ToolServer() as server, serving(server, stateless=True) as gateway, httpx2.AsyncClient() as http:
            headers = {"authorization": f"Bearer {KEY}"}
            address = f"http://127.0.0.1:{gateway.port}/mcp/sse"
            async with opened(http, gateway.port) as (url, lines, _):
                assert (await http.get(address, headers=headers)).status_code == 503
                await _post(http, url, _SLOW)
                await until(lambda: server.calls == ["slow"], "the tool is called")
                await _post(http, url, {**_SLOW, "id": 2})
                refused = await _next(lines)
                assert (refused["id"], refused["error"]["data"]["status"]) == (2, 503)
            await until(lambda: server.cancelled == 1, "the call is cancelled")
            async with opened(http, gateway.port) as (_, lines, _):
                assert await _next(lines) is None

    asyncio.run(body())


async def test_messages_come_to_any_worker_and_what_ends_ends_at_all(tmp_path: Path) -> None:
    """Three workers, agents whose every message is on a connection of its own, and a server on a pipe that counts.
    Messages that are posted one after the other are taken in that order, and a stream that is gone is 404, at whichever
    worker. A session that is ended is known to no worker. A drain closes a stream on which nothing is under way."""
    keys = [{"name": "agents", "value": KEY, "mcp": ["counter"]}]
    command = [sys.executable, str(FAKES / "sdk_counter.py")]
    async with FakeUpstream() as upstream:
        servers = {"counter": {"command": command}}
        settings: dict[str, Any] = {"mcp": {"servers": servers}, "virtual_keys": keys}
        async with Served(tmp_path, upstream.url, workers=3, **settings) as those, httpx2.AsyncClient() as http:
            async with asyncio.timeout(90):
                asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
                at, headers = f"http://127.0.0.1:{those.port}/mcp", {"authorization": f"Bearer {KEY}"}
                while True:
                    if (await http.post(at, json=asked, headers=headers)).json()["result"]["tools"]:
                        break

            async def counted() -> list[int]:
                async with agent(those.port) as client:
                    found = [await client.call_tool("counter__add", {}) for _ in range(10)]
                    return [int(getattr(one.content[0], "text", "0")) for one in found]

            told = await asyncio.gather(*(counted() for _ in range(3)))
            assert sorted(number for numbers in told for number in numbers) == list(range(1, 31))
            await _keeps_order(those.port)
            await _ends_at_every_worker(those.port)
            async with opened(http, those.port):
                assert await those.end(15) == 0


async def _keeps_order(port: int) -> None:
    """Pings come back as they were posted; after the stream each worker says that it is gone."""
    async with _each_alone() as http, asyncio.timeout(30):
        async with opened(http, port) as (url, lines, _):
            for number in range(30):
                ping = {"jsonrpc": "2.0", "id": number, "method": "ping"}
                assert (await _post(http, url, ping)).status_code == 202
            assert [(await _next(lines))["id"] for _ in range(30)] == list(range(30))
        in_a_row = 0
        while in_a_row < 12:
            refused = await _post(http, url, _BEGIN)
            assert refused.status_code in (202, 404)  # a worker may not have seen yet that its caller has left
            in_a_row = in_a_row + 1 if refused.status_code == 404 else 0
        assert refused.json()["error"]["message"].startswith("the stream is unknown")


async def _ends_at_every_worker(port: int) -> None:
    """A session that is ended at one worker, of streamable HTTP: soon no worker knows it."""
    url, ping = f"http://127.0.0.1:{port}/mcp", {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"authorization": f"Bearer {KEY}", "accept": "application/json, text/event-stream"}
    async with _each_alone(headers) as http, asyncio.timeout(90):
        own = {"mcp-session-id": (await http.post(url, json=_BEGIN)).headers["mcp-session-id"]}
        assert (await http.post(url, json=ping, headers=own)).status_code == 200
        assert (await http.delete(url, headers=own)).status_code == 204
        in_a_row = 0
        while in_a_row < 20:
            refused = (await http.post(url, json=ping, headers=own)).status_code == 404
            in_a_row = in_a_row + 1 if refused else 0
