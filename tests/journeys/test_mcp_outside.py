"""A server with sessions asks on the stream of its GET, behind `asbru serve` with three workers: whom?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import ElicitResult
from tests.fakes.mcp_asking import AskingServer
from tests.fakes.mcp_http import served
from tests.fakes.upstream import FakeUpstream
from tests.fakes.waiting import until
from tests.journeys.served import Served

KEYS = {name: f"sk-asb-{name}-0123456789abcdef" for name in ("ada", "bob")}
AGENTS = 6
"""Connections of their own, so that they come to several workers."""


@contextlib.asynccontextmanager
async def agent(port: int, name: str, asked: list[str], logged: list[Any] | None = None) -> AsyncIterator[Client]:
    """An agent that gives its name where it is asked, and notes that it was, and what is logged."""

    async def heard(params: Any) -> None:
        if logged is not None:
            logged.append((name, params.data))

    async def named(context: Any, params: Any) -> ElicitResult:
        del context
        assert params.message == "Your name?"
        asked.append(name)
        return ElicitResult(action="accept", content={"name": name})

    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {KEYS[name]}"}) as http:
        transport = streamable_http_client(f"http://127.0.0.1:{port}/mcp/asking", http_client=http)
        async with Client(transport, mode="legacy", elicitation_callback=named, logging_callback=heard) as client:
            yield client


async def text_of(client: Client, tool: str) -> str:
    """What a tool says."""
    found: Any = (await client.call_tool(tool, {})).content[0]
    return str(found.text)


async def test_the_one_caller_is_asked_and_of_several_nobody(tmp_path: Path) -> None:
    """Whichever worker has the one call: its caller is asked, and its answer reaches the server. While another call is
    under way in that session, at any worker, the server is refused, and nobody is asked."""
    server = AskingServer()
    keys = [{"name": name, "value": value, "mcp": ["asking"]} for name, value in KEYS.items()]
    async with served(server.application) as url, FakeUpstream() as upstream:
        servers = {"asking": {"url": f"{url}/mcp", "allow_loopback": True}}
        async with (
            Served(tmp_path, upstream.url, workers=3, mcp={"servers": servers}, virtual_keys=keys) as those,
            asyncio.timeout(150),
        ):
            await server.listening.wait()
            asked: list[str] = []
            for number in range(AGENTS):
                name = ("ada", "bob")[number % 2]
                async with agent(those.port, name, asked) as client:
                    assert await text_of(client, "ask") == f"hello {name}"
            assert asked == ["ada", "bob"] * (AGENTS // 2)
            async with agent(those.port, "ada", asked) as other:
                waits = asyncio.create_task(text_of(other, "wait"))
                await until(lambda: server.waiting == 1, "a call is under way")
                for _ in range(AGENTS):
                    async with agent(those.port, "bob", asked) as client:
                        assert "while there is only one" in await text_of(client, "ask")
                assert len(asked) == AGENTS
                server.go.set()
                assert await waits == "waited"


async def test_in_the_session_of_a_user_the_user_is_asked_whatever_is_under_way(tmp_path: Path) -> None:
    """Of a server that is `per_user`: without any call, on the stream of an agent of that key, at whichever worker; the
    answer reaches the server, in the session in which it asked. What it logs comes there too. Another key hears
    nothing of it, and a key whose agents have all left is not asked."""
    server = AskingServer()
    keys = [{"name": name, "value": value, "mcp": ["asking"]} for name, value in KEYS.items()]
    async with served(server.application) as url, FakeUpstream() as upstream:
        servers = {"asking": {"url": f"{url}/mcp", "allow_loopback": True, "per_user": True}}
        async with (
            Served(tmp_path, upstream.url, workers=3, mcp={"servers": servers}, virtual_keys=keys) as those,
            asyncio.timeout(60),
        ):
            await server.listening.wait()
            asked, logged = list[str](), list[Any]()
            async with agent(those.port, "ada", asked, logged) as ada, agent(those.port, "bob", asked, logged) as bob:
                sessions: dict[str, str] = {}
                for name, client in (("ada", ada), ("bob", bob)):
                    before = set(server.sessions)
                    assert await text_of(client, "ask") == f"hello {name}"
                    (sessions[name],) = set(server.sessions) - before
                waits = asyncio.gather(*(text_of(one, "wait") for one in (ada, ada, bob)))
                await until(lambda: server.waiting == 3, "calls of both are under way")
                for name in ("ada", "bob"):
                    assert await server.nudge(sessions[name]) == f"hello {name}"
                server.go.set()
                await waits
                for name in ("bob", "ada"):
                    assert await server.nudge(sessions[name]) == f"hello {name}"
                assert asked == ["ada", "bob", "ada", "bob", "bob", "ada"]
                expected = [(name, f"hello {sessions[name]}") for name in ("ada", "bob", "bob", "ada")]
                await until(lambda: len(logged) == 4, "all is logged")
                assert sorted(logged) == sorted(expected)
            in_vain = ""
            while "while there is only one" not in in_vain:  # a worker may not have seen yet that its caller has left
                in_vain = await server.nudge(sessions["ada"])
            assert asked[6:] == []
