"""An HTTP API as tools: a document in the configuration, the official MCP client, an API that remembers requests."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import uvicorn
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from tests.fakes.tool_server import DirectPorts, feed
from tests.fakes.upstream import FakeUpstream
from tests.journeys.gateway import PEPPER, Gateway, openai
from tests.journeys.talk import CHAT_PATH, chat
from tests.journeys.test_agent_loop import said, words

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.tools.api_entry import entry_of
from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry
from asbru.mcp.catalogue import MCP_SERVER
from asbru.pipeline.tools import Toolbox

DOCUMENT = """
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "http://never.example"}]
security: [{token: []}]
paths:
  /pets/{id}:
    get:
      operationId: get_pet
      parameters:
        - {name: id, in: path, required: true, schema: {type: string}}
        - {name: X-Api-Team, in: header, schema: {type: string}}
      responses: {200: {description: A pet, content: {application/json: {schema: {type: object}}}}}
  /pets:
    post:
      operationId: add_pet
      requestBody: {required: true, content: {application/json: {schema: {type: object}}}}
      responses: {200: {description: Added}}
  /pets/all:
    delete: {operationId: drop_pets, responses: {204: {description: Gone}}}
  /large:
    get: {operationId: large, responses: {200: {description: Large}}}
  /quotes:
    get: {operationId: quotes, security: [{key: []}], responses: {200: {description: Quotes}}}
components: {securitySchemes: {token: {type: http, scheme: bearer}, key: {type: apiKey, in: query, name: key}}}
"""


class Pets:
    """The API."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            return
        body, more = b"", True
        while more:
            event = await receive()
            body += event.get("body", b"")
            more = event.get("more_body", False)
        path = scope["raw_path"].decode() + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["method"], path, headers, body))
        status, reply = (404, b'{"error": "no such pet"}') if path == "/v1/pets/none" else (200, b'{"name": "Rex"}')
        if path.startswith("/v1/quotes"):
            status, reply = 403, f'{{"error": "{path} is refused"}}'.encode()
        if path == "/v1/large":
            reply = b"x" * 5000
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]}
        )
        await send({"type": "http.response.body", "body": reply})


@asynccontextmanager
async def _serving(pets: Pets) -> AsyncIterator[str]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(pets, log_level="error", lifespan="off", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = True
        await task
        listener.close()


@asynccontextmanager
async def _gateway(folder: Path, url: str, providers: tuple[Any, ...] = (), **changes: Any) -> AsyncIterator[Gateway]:
    """A gateway with the API as the server `pets`, compiled from a file."""
    (folder / "pets.yaml").write_text(DOCUMENT)
    api = {
        "file": str(folder / "pets.yaml"),
        "base_url": url,
        "operations": ["*_pet", "large"],
        "credentials": {"token": "t-1"},
    }
    server = {"openapi": {**api, **changes}, "headers": {"x-api-team": "ours"}, "allow_loopback": True}
    config = {"mcp": {"servers": {"pets": server}, "result_bytes_max": 1024}}
    (folder / "config.json").write_text(json.dumps(config))
    snapshot = compile_config(Options(data_dir=folder, config=folder / "config.json"), {}, dry=True).snapshot
    (server_of,) = snapshot.mcp.named()
    gateway = Gateway(
        *providers,
        tools=Toolbox(DirectPorts({})),
        declared={MCP_SERVER: feed(entry_of(server_of, snapshot.apis["pets"]))},
        mcp=snapshot.mcp,
        apis=snapshot.apis,
        virtual_keys={
            digest_of(b"sk-asb-all", PEPPER): msgspec.msgpack.encode(
                KeyEntry("all", ("*",), mcp=("pets",), auto_approve=("*",))
            )
        },
    )
    async with gateway:
        yield gateway


@asynccontextmanager
async def _client(gateway: Gateway, mode: str = "2026-07-28", **headers: str) -> AsyncIterator[Client]:
    given = {"authorization": "Bearer sk-asb-all", **{name.replace("_", "-"): one for name, one in headers.items()}}
    async with httpx2.AsyncClient(headers=given) as http:
        url = f"http://127.0.0.1:{gateway.port}/mcp"
        async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            yield client


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_operations_of_an_api_are_tools(tmp_path: Path, mode: str) -> None:
    """The chosen ones are listed; a call is one plain request with the credential of its scheme and the fixed headers,
    which no argument replaces; errors of the API are results; arguments that cannot be are refused and not sent."""

    async def body() -> None:
        pets = Pets()
        async with _serving(pets) as url, _gateway(tmp_path, url) as gateway, _client(gateway, mode) as client:
            listed = [tool.name for tool in (await client.list_tools()).tools]
            assert listed == ["pets__get_pet", "pets__add_pet", "pets__large"]
            found = await client.call_tool("pets__get_pet", {"id": "a/../b", "X-Api-Team": "theirs"})
            assert found.structured_content == {"name": "Rex"}
            method, path, headers, sent = pets.asked[-1]
            assert (method, path, sent) == ("GET", "/v1/pets/a%2F..%2Fb", b"")
            assert (headers["authorization"], headers["x-api-team"]) == ("Bearer t-1", "ours")
            await client.call_tool("pets__add_pet", {"body": {"name": "Tom"}})
            method, path, headers, sent = pets.asked[-1]
            assert (method, path, json.loads(sent)) == ("POST", "/v1/pets", {"name": "Tom"})
            assert headers["content-type"] == "application/json"
            absent = await client.call_tool("pets__get_pet", {"id": "none"})
            assert absent.is_error and "no such pet" in str(absent.content)
            asked = len(pets.asked)
            for name, arguments in (("get_pet", {}), ("get_pet", {"id": ".."}), ("drop_pets", {})):
                with pytest.raises(MCPError):
                    await client.call_tool(f"pets__{name}", arguments)
            assert len(pets.asked) == asked
            with pytest.raises(MCPError, match="1024 bytes"):
                await client.call_tool("pets__large", {})
        rows = [(row["provider"], row["model_served"], row["status"]) for row in gateway.rows]
        assert rows[:3] == [("mcp:pets", "get_pet", 200), ("mcp:pets", "add_pet", 200), ("mcp:pets", "get_pet", 200)]

    asyncio.run(body())


def test_headers_of_the_caller_by_template(tmp_path: Path) -> None:
    """Only what a template names is sent; a caller without that header is refused before anything is sent."""

    async def body() -> None:
        pets = Pets()
        forward = {"authorization": "Bearer {X-Crm-Token}"}
        async with _serving(pets) as url, _gateway(tmp_path, url, forward=forward) as gateway:
            async with _client(gateway, x_crm_token="mine", x_other="no") as client:
                await client.call_tool("pets__get_pet", {"id": "1"})
            assert pets.asked[0][2]["authorization"] == "Bearer mine"
            assert "x-crm-token" not in pets.asked[0][2] and "x-other" not in pets.asked[0][2]
            async with _client(gateway) as client:
                with pytest.raises(MCPError, match="x-crm-token"):
                    await client.call_tool("pets__get_pet", {"id": "1"})
            body = {"name": "pets__get_pet", "arguments": {"id": "1"}}
            headers = {"authorization": "Bearer sk-asb-all", "x-crm-token": "bare"}
            async with httpx2.AsyncClient(headers=headers) as http:
                bare = await http.post(f"http://127.0.0.1:{gateway.port}/v1/mcp/tools/call", json=body)
            assert bare.json()["structuredContent"] == {"name": "Rex"}
            assert [asked[2]["authorization"] for asked in pets.asked] == ["Bearer mine", "Bearer bare"]

    asyncio.run(body())


def test_an_error_that_quotes_a_credential_does_not_show_it(tmp_path: Path) -> None:
    """Wherever the document has it sent: here in the query."""
    secret = "k-0123456789-0123456789"

    async def body() -> None:
        pets = Pets()
        changes = {"operations": ["quotes"], "credentials": {"key": secret}}
        async with _serving(pets) as url, _gateway(tmp_path, url, **changes) as gateway:
            answer = await gateway.call("/v1/mcp/tools/call", {"name": "pets__quotes"}, key="sk-asb-all")
            assert pets.asked[0][1] == f"/v1/quotes?key={secret}"
            assert answer.json()["isError"] and secret not in answer.body.decode()

    asyncio.run(body())


def test_templates_hold_in_the_agent_loop(tmp_path: Path) -> None:
    """A tool that is called within a call to a model gets the headers that its templates name, credentials too, of
    whoever sent that call; the provider gets none of them."""

    async def body() -> None:
        pets = Pets()
        changes = {"forward": {"authorization": "Bearer {X-Crm-Token}"}, "operations": ["get_pet"]}
        async with FakeUpstream() as model, _serving(pets) as url:
            called = ("call_p", "pets__get_pet", '{"id": "1"}')
            model.queue(said("", called), said("Rex."))
            async with _gateway(tmp_path, url, providers=(openai(model.url),), **changes) as gateway:
                headers = ("x-crm-token: mine-0123456789",)
                answer = await gateway.call(CHAT_PATH, chat(), key="sk-asb-all", headers=headers)
                assert words(answer.body) == "Rex."
            assert [asked[2]["authorization"] for asked in pets.asked] == ["Bearer mine-0123456789"]
            assert not [one for one in model.requests if "mine-" in f"{one.headers} {one.body}"]

    asyncio.run(body())
