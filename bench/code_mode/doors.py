"""How a model's tools are reached: through a gateway that runs, at its `/mcp`.

The configuration is the same for both ways, except for `code_mode` of each server.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from bench.code_mode.model import Offered

KEY = "sk-asb-codemode0123456789abcdef0123456789abcd"
VERSION = "2025-11-25"
LIST = "listToolFiles"
_FILE_TOOLS = re.compile(r"\((\d+) tools\)")
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 20.0


class Door(Protocol):
    """Where tools are listed and called."""

    def tools(self) -> dict[str, Offered]:
        """The tools that a model is offered."""
        ...

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """The text of a result."""
        ...


class GatewayDoor:
    """The `/mcp` of a gateway, by one connection with a session."""

    def __init__(self, port: int) -> None:
        self._link = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {
            "Authorization": f"Bearer {KEY}",
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        self._count = 0
        info = {"name": "bench", "version": "1"}
        self._ask("initialize", protocolVersion=VERSION, capabilities={}, clientInfo=info)
        self._headers["MCP-Protocol-Version"] = VERSION

    def close(self) -> None:
        """Hang up."""
        self._link.close()

    def _ask(self, method: str, **params: Any) -> dict[str, Any]:
        self._count += 1
        message = {"jsonrpc": "2.0", "id": self._count, "method": method, "params": params}
        self._link.request("POST", "/mcp", json.dumps(message), self._headers)
        response = self._link.getresponse()
        body = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{method}: status {response.status}: {body[:300]!r}")
        session = response.headers.get("mcp-session-id")
        if session:
            self._headers["Mcp-Session-Id"] = session
        if response.headers.get_content_type() == "text/event-stream":
            data = [line[5:].strip() for line in body.decode().splitlines() if line.startswith("data:")]
            answer: dict[str, Any] = json.loads(data[-1])
        else:
            answer = json.loads(body)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def tools(self) -> dict[str, Offered]:
        """All pages of `tools/list`."""
        found: dict[str, Offered] = {}
        page = self._ask("tools/list")
        while True:
            for one in page["tools"]:
                found[one["name"]] = Offered(one["name"], one.get("description", ""), one["inputSchema"])
            if "nextCursor" not in page:
                return found
            page = self._ask("tools/list", cursor=page["nextCursor"])

    def call(self, name: str, arguments: dict[str, Any]) -> str:
        """`tools/call`."""
        result = self._ask("tools/call", name=name, arguments=arguments)
        return "\n".join(one["text"] for one in result["content"] if one["type"] == "text")


def tools_behind(door: Door) -> int:
    """How many tools there are: those that are listed, or with code mode those of the files that are."""
    listed = door.tools()
    if LIST in listed:
        return sum(map(int, _FILE_TOOLS.findall(door.call(LIST, {}))))
    return len(listed)


def configuration(urls: dict[str, str], *, code_mode: bool) -> dict[str, Any]:
    """A gateway in front of servers, with one key that may use all of them."""
    servers = {
        name: {"url": url, "allow_loopback": True} | ({"code_mode": True} if code_mode else {})
        for name, url in urls.items()
    }
    key = {"name": "bench", "value": KEY, "mcp": ["*"], "auto_approve": ["*"]}
    return {"providers": {}, "virtual_keys": [key], "mcp": {"servers": servers}}


@contextlib.contextmanager
def gateway(folder: Path, document: dict[str, Any], tools: int) -> Iterator[GatewayDoor]:
    """A gateway with one worker, until the end of the block; begins when it has so many tools."""
    folder.mkdir(parents=True)
    config, log = folder / "config.json", folder / "log"
    config.write_text(json.dumps(document))
    command = [sys.executable, "-m", "asbru", "serve", "--port", "0", "--workers", "1"]
    command += ["--config", str(config), "--data-dir", str(folder / "data")]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env={**os.environ}, stdin=subprocess.DEVNULL)
    try:
        with contextlib.closing(GatewayDoor(_port(process, log))) as door:
            end = time.monotonic() + _START_DEADLINE_S
            while (found := tools_behind(door)) < tools:
                if time.monotonic() > end:
                    raise RuntimeError(f"the gateway has {found} tools of {tools}: {log.read_text()[-600:]}")
                time.sleep(0.1)
            yield door
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_DEADLINE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    end = time.monotonic() + _START_DEADLINE_S
    while time.monotonic() < end and process.poll() is None:
        _, found, rest = log.read_text().partition("ready: http://127.0.0.1:")
        if found and rest.split():
            return int(rest.split()[0])
        time.sleep(0.05)
    raise RuntimeError(f"the gateway does not start: {log.read_text()[-600:]}")
