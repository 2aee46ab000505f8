"""A gateway before a tool server, and agents of the official SDK that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import msgspec
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from tests.fakes.tool_server import DirectPorts, ToolServer, feed
from tests.journeys.gateway import PEPPER, Gateway

from asbru.core.secret_text import SecretText
from asbru.governance import digest_of
from asbru.governance.entries import KeyEntry
from asbru.guardrails import GuardrailRule, GuardrailSettings
from asbru.mcp.catalogue import MCP_SERVER
from asbru.mcp.servers import McpSettings, ServerSettings
from asbru.mcp.servers.rule import McpRule
from asbru.pipeline.tools import Subscriptions, Toolbox

ERAS = ("legacy", "2026-07-28")


def keys_of(**keys: tuple[str, ...]) -> dict[str, bytes]:
    return {
        digest_of(f"sk-asb-{name}".encode(), PEPPER): msgspec.msgpack.encode(KeyEntry(name, ("*",), mcp=tools))
        for name, tools in keys.items()
    }


@asynccontextmanager
async def serving(
    server: ToolServer,
    *,
    stateless: bool,
    both: bool = False,
    rules: tuple[GuardrailRule, ...] = (),
    argument_rules: tuple[McpRule, ...] = (),
    subscriptions: Subscriptions | None = None,
    **keys: tuple[str, ...],
) -> AsyncIterator[Gateway]:
    """A gateway before a server that is called `one`, and `two` as well."""
    entries = [await server.entry(name, stateless=stateless) for name in ("one", "two")]
    ports = DirectPorts({"one": server.url, "two": server.url}, none=stateless and not both)
    settings = McpSettings(
        servers={
            "one": ServerSettings(url=server.url, allow_loopback=True, price_usd=0.002, prices_usd={"told": 0.5}),
            "two": ServerSettings(
                url=server.url, allow_loopback=True, headers={"authorization": SecretText(f"Bearer {SECRET}")}
            ),
        },
        groups={"sums": ("*/add",)},
        rules=argument_rules,
    )
    gateway = Gateway(
        tools=Toolbox(ports, subscriptions),
        declared={MCP_SERVER: feed(*entries)},
        mcp=settings,
        guardrails=GuardrailSettings(rules=rules),
        virtual_keys=keys_of(**(keys or {"all": ("*",)})),
    )
    async with gateway:
        yield gateway


SECRET = "sk-of-the-server-0123456789"


@asynccontextmanager
async def client_of(
    gateway: Gateway, mode: str, key: str = "sk-asb-all", path: str = "", **options: Any
) -> AsyncIterator[Client]:
    headers = {"authorization": f"Bearer {key}", **options.pop("headers", {})}
    async with httpx2.AsyncClient(headers=headers) as http:
        url = f"http://127.0.0.1:{gateway.port}/mcp{path}"
        async with Client(streamable_http_client(url, http_client=http), mode=mode, **options) as client:
            yield client
