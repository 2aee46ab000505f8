"""The MCP Inspector as published on npm, on its command line, with the tools of servers behind Asbru: it speaks
streamable HTTP and the older HTTP+SSE; the servers speak these, and stdio."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from clients.gateway import KEY, Gateway, Served
from clients.npm import NODE, Package

pytestmark = pytest.mark.clients

PACKAGE = Package(
    "@modelcontextprotocol/inspector",
    "2.12.0",
    "mcp-inspector",
    "@modelcontextprotocol/inspector/clients/launcher/build/index.js",
)
FAKES = Path(__file__).parents[1] / "tests" / "fakes"
INSPECT_S = 60
SERVERS = ("http", "sse", "stdio")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Asbru before one server of each transport."""
    served = {
        name: Served([sys.executable, "-m", "clients.counter_server", name], "ready ") for name in ("http", "sse")
    }
    urls = {name: one.wait_ready().split()[1] for name, one in served.items()}
    servers: dict[str, Any] = {
        name: {"url": url, "transport": name, "allow_loopback": True} for name, url in urls.items()
    }
    servers["stdio"] = {"command": [sys.executable, str(FAKES / "sdk_counter.py")]}
    config = {
        "mcp": {"servers": servers},
        "virtual_keys": [{"name": "team", "value": KEY, "mcp": ["http/add", "sse/add", "stdio/add"]}],
    }
    with Gateway(tmp_path_factory.mktemp("inspector"), config) as made:
        _wait_for_tools(made)
        yield made
    for one in served.values():
        one.process.kill()
        one.end()


def _wait_for_tools(gateway: Gateway, count: int = len(SERVERS)) -> None:
    """Servers are connected to while others are served already."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    deadline = time.monotonic() + INSPECT_S
    while True:
        done = httpx2.post(f"{gateway.url}/mcp", json=asked, headers={"authorization": f"Bearer {KEY}"})
        if len(done.json()["result"]["tools"]) == count:
            return
        assert time.monotonic() < deadline, done.text
        time.sleep(0.1)


def inspect(
    gateway: Gateway, path: str, method: str, *more: str, transport: str = "http", status: int | None = 0
) -> Any:
    """What the Inspector prints, as JSON. `status`: with which it has to end; None: any."""
    header = f"Authorization: Bearer {KEY}"
    argv = [str(NODE), str(PACKAGE.bring()), "--cli", f"{gateway.url}/mcp{path}", "--transport", transport]
    argv += ["--header", header, "--method", method, *more]
    done = subprocess.run(  # noqa: S603  # our own command
        argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSPECT_S, check=False
    )
    assert status in (None, done.returncode), done
    return json.loads(done.stdout[done.stdout.index("{") :])


def test_the_inspector_lists_and_calls_tools(gateway: Gateway) -> None:
    """All that its key may use at /mcp, and the tool of each server at the server's own address."""
    listed = inspect(gateway, "", "tools/list")
    assert sorted(tool["name"] for tool in listed["tools"]) == [f"{name}__add" for name in SERVERS]
    for name in SERVERS:
        called = inspect(gateway, f"/{name}", "tools/call", "--tool-name", "add")
        assert called["content"] == [{"type": "text", "text": "1"}], name
    rows = gateway.records(3, surface="mcp.tool")
    assert sorted(row["provider"] for row in rows) == [f"mcp:{name}" for name in SERVERS]


def test_the_inspector_lists_and_calls_tools_over_sse(gateway: Gateway) -> None:
    """The same over HTTP+SSE, at a server's own address too. Since a server here is called `sse`, /mcp/sse is its own
    address, and that of HTTP+SSE ends with one more."""
    for name in SERVERS:
        listed = inspect(gateway, f"/{name}/sse", "tools/list", transport="sse")
        assert [tool["name"] for tool in listed["tools"]] == ["add"]
        called = inspect(gateway, f"/{name}/sse", "tools/call", "--tool-name", "add", transport="sse")
        assert called["content"][0]["type"] == "text"


def test_the_inspector_sees_all_servers_over_sse(tmp_path_factory: pytest.TempPathFactory) -> None:
    """At /mcp/sse, where no server is called so."""
    config = {
        "mcp": {"servers": {"counter": {"command": [sys.executable, str(FAKES / "sdk_counter.py")]}}},
        "virtual_keys": [{"name": "team", "value": KEY, "mcp": ["counter/add"]}],
    }
    with Gateway(tmp_path_factory.mktemp("inspector-sse"), config) as gateway:
        _wait_for_tools(gateway, 1)
        listed = inspect(gateway, "/sse", "tools/list", transport="sse")
        assert [tool["name"] for tool in listed["tools"]] == ["counter__add"]
        called = inspect(gateway, "/sse", "tools/call", "--tool-name", "counter__add", transport="sse")
        assert called["content"] == [{"type": "text", "text": "1"}]


def test_the_inspector_shows_failures_and_pictures(tmp_path: Path) -> None:
    """A tool that fails is no error of the protocol, and an image comes as the server gave it."""
    told = tmp_path / "tools.json"
    told.write_text(json.dumps([{"name": name, "inputSchema": {"type": "object"}} for name in ("fail", "picture")]))
    command = [sys.executable, str(FAKES / "mcp_server.py"), "--tools", str(told)]
    config = {
        "mcp": {"servers": {"odd": {"command": command}}},
        "virtual_keys": [{"name": "team", "value": KEY, "mcp": ["odd"]}],
    }
    with Gateway(tmp_path, config) as gateway:
        _wait_for_tools(gateway, 3)
        failed = inspect(gateway, "/odd", "tools/call", "--tool-name", "fail", status=None)
        assert (failed["isError"], failed["content"][0]["text"]) == (True, "the disk is full")
        (picture,) = inspect(gateway, "/odd", "tools/call", "--tool-name", "picture")["content"]
        assert (picture["type"], picture["mimeType"], bool(picture["data"])) == ("image", "image/png", True)
        rows = gateway.records(2, surface="mcp.tool")
        assert [(row["model_served"], row["outcome"]) for row in rows] == [("fail", "ok"), ("picture", "ok")]
