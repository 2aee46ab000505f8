"""MCP servers as they are published on npm, run by Asbru and called by agents of both eras."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from clients.gateway import KEY, Gateway
from clients.npm import NODE, Package
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

VERSION = "2026.8.31"
READY_S = 60.0
MODES = ("legacy", "2026-07-28")


def program(name: str) -> list[str]:
    """The command of a server."""
    full = f"@modelcontextprotocol/server-{name}"
    return [str(NODE), str(Package(full, VERSION, f"mcp-{name}", f"{full}/dist/index.js").bring())]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Path]]:
    """Asbru with three servers, and the folder that one of them may use."""
    folder = tmp_path_factory.mktemp("mcp")
    files = folder / "files"
    files.mkdir()
    servers = {
        "everything": {"command": [*program("everything"), "stdio"]},
        "filesystem": {"command": program("filesystem"), "args": [str(files)]},
        "memory": {"command": program("memory"), "env": {"MEMORY_FILE_PATH": str(folder / "memory.json")}},
    }
    keys = [{"name": "agents", "value": KEY, "mcp": list(servers)}]
    with Gateway(folder, {"mcp": {"servers": servers}, "virtual_keys": keys, "listen": {"workers": 2}}) as made:
        yield made, files


@asynccontextmanager
async def agent(gateway: Gateway, server: str, mode: str) -> Any:
    """An agent, once the server is ready."""
    async with httpx2.AsyncClient(headers={"authorization": f"Bearer {KEY}"}) as http:
        url = f"{gateway.url}/mcp/{server}"
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            async with asyncio.timeout(READY_S):
                while True:
                    if (await client.list_tools()).tools:
                        break
            yield client


def text(result: Any) -> str:
    """The text of a result."""
    assert not result.is_error, result
    return str(result.content[0].text)


def content(path: str) -> str:
    """What is in a file."""
    return Path(path).read_text(encoding="utf-8")


@pytest.mark.parametrize("mode", MODES)
def test_files_are_written_and_read(gateway: tuple[Gateway, Path], mode: str) -> None:
    """A file that an agent writes is there, and is read back; a path outside the folder is refused by the server, whose
    refusal the agent sees."""
    served, folder = gateway

    async def body() -> None:
        async with agent(served, "filesystem", mode) as client:
            path = str(folder / f"{mode}.txt")
            await client.call_tool("write_file", {"path": path, "content": "hällo"})
            assert content(path) == "hällo"
            assert text(await client.call_tool("read_text_file", {"path": path})) == "hällo"
            refused = await client.call_tool("read_text_file", {"path": "/etc/passwd"})
            assert refused.is_error
            assert "outside allowed directories" in refused.content[0].text

    asyncio.run(body())


def test_what_one_agent_remembers_another_knows(gateway: tuple[Gateway, Path]) -> None:
    """One server serves all connections and workers: agents of both eras share its memory."""
    served, _ = gateway

    async def remember(mode: str) -> None:
        entity = {"name": mode, "entityType": "era", "observations": ["seen"]}
        async with agent(served, "memory", mode) as client:
            await client.call_tool("create_entities", {"entities": [entity]})

    async def body() -> None:
        for mode in MODES:  # one after the other: this server reads and writes its file without a lock
            await remember(mode)
        async with agent(served, "memory", MODES[0]) as client:
            graph = await client.call_tool("read_graph", {})
            assert {one["name"] for one in graph.structured_content["entities"]} == set(MODES)
            assert json.loads(text(graph))["entities"]

    asyncio.run(body())


@pytest.mark.parametrize("mode", MODES)
def test_everything_that_servers_offer_comes_through(gateway: tuple[Gateway, Path], mode: str) -> None:
    """Tools with images and structured content, resources, templates and prompts; progress of a long call."""
    served, _ = gateway

    async def body() -> None:
        async with agent(served, "everything", mode) as client:
            tools = {tool.name for tool in (await client.list_tools()).tools}
            assert text(await client.call_tool("echo", {"message": "hi"})) == "Echo: hi"
            image = await client.call_tool("get-tiny-image", {})
            assert "image" in {one.type for one in image.content}
            weather = await client.call_tool("get-structured-content", {"location": "Chicago"})
            assert weather.structured_content["conditions"]
            assert (await client.list_resources()).resources
            assert (await client.list_resource_templates()).resource_templates
            assert (await client.list_prompts()).prompts
            told: list[float] = []

            async def progress(done: float, total: float | None, message: str | None) -> None:
                told.append(done)

            long = {"duration": 1, "steps": 3}
            assert "trigger-long-running-operation" in tools
            await client.call_tool("trigger-long-running-operation", long, progress_callback=progress)
            assert told == [1, 2, 3]

    asyncio.run(body())
