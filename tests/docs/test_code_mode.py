"""The guide "Code mode": its configuration compiles, its script does what it says, its table of limits is true."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import msgspec

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.mcp.catalogue import Definition
from asbru.mcp.code import META_TOOLS, Done, Library, Sandbox, Script
from asbru.mcp.code.limits import MODULES
from asbru.mcp.servers.code_settings import CodeModeSettings

TEXT = (Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "code-mode.md").read_text()


def blocks(language: str) -> list[str]:
    """The examples in a language."""
    return re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)


def test_the_configuration_compiles(tmp_path: Path) -> None:
    """It is a configuration by itself."""
    (example,) = blocks("yaml")
    (tmp_path / "config.yaml").write_text(example)
    options = Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml")
    compiled = compile_config(options, {}, dry=True)
    assert compiled.boot.tools and not compiled.warnings


class Tickets:
    """A server with tickets."""

    def __init__(self) -> None:
        self.days = {3: 2, 7: 31, 9: 80}
        self.closed: set[int] = set()

    async def call(self, server: str, tool: str, arguments: bytes, *, approved: bool) -> bytes:
        """As the path does."""
        del approved
        given = msgspec.json.decode(arguments)
        if tool == "close_ticket":
            self.closed.add(given["id"])
            return b'{"content":[{"type":"text","text":"closed"}]}'
        assert (server, tool, given) == ("tickets", "list_tickets", {"state": "open"})
        listed: list[dict[str, Any]] = [{"id": one, "days": days} for one, days in self.days.items()]
        return msgspec.json.encode({"content": [{"type": "text", "text": json.dumps(listed)}]})


def test_the_script_does_what_it_says() -> None:
    """It closes the old tickets, and its result is the one on the page."""
    tools = Tickets()
    definitions = [
        Definition(name, msgspec.json.encode({"name": name, "inputSchema": {"type": "object"}}), name)
        for name in ("list_tickets", "close_ticket")
    ]

    async def body() -> None:
        sandbox = Sandbox(processes_max=1)
        done = await Script(sandbox, Library({"tickets": definitions}), tools).run(*blocks("python"))
        assert isinstance(done, Done) and done.result is not None
        assert json.loads(done.result) == json.loads(blocks("json")[0])
        await sandbox.close()

    asyncio.run(body())
    assert tools.closed == {7, 9}


def test_names_and_limits() -> None:
    """The page names the four tools, every module, and every limit with its default."""
    assert all(f"| `{tool.name}` |" in TEXT for tool in META_TOOLS)
    assert all(f"`{module}`" in TEXT for module in MODULES)
    defaults = CodeModeSettings()
    shown = {
        "time_s": f"| {defaults.time_s:g} seconds",
        "total_s": f"| {defaults.total_s:g} seconds",
        "memory_bytes": f"| {defaults.memory_bytes >> 20} MiB",
        "depth_max": f"| {defaults.depth_max} |",
        "calls_max": f"| {defaults.calls_max} calls",
        "processes": f"| {defaults.processes} scripts",
    }
    assert all(f"| `{name}` {value}" in TEXT for name, value in shown.items())
