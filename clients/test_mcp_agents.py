"""Claude Code and Codex, as published, with the tools of an MCP server behind Asbru: registered as `asbru mcp connect`
says, and called because the model asks for it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from clients import claude_code
from clients.agents import Target, codex
from clients.gateway import KEY, Gateway, loopback
from tests.fakes.strict.provider import StrictProvider, ToolCall, Turn
from tests.fakes.upstream import FakeUpstream

pytestmark = pytest.mark.clients

SERVER = Path(__file__).parents[1] / "tests" / "fakes" / "mcp_server.py"
PROMPT = "Count once"
MODEL = "anthropic/claude-haiku-4-5"


def _speak(turn: Turn) -> str | ToolCall:
    """A model that asks for the tool once, under whatever name the agent gives it."""
    tool = next((name for name in turn.tools if name.endswith("local__add")), None)
    if tool is None:
        return "A title"
    if turn.results:
        return f"The tool returned: {turn.results[-1]}"
    return ToolCall(tool, {})


def _config(upstream: FakeUpstream) -> dict[str, Any]:
    return {
        "providers": {"anthropic": loopback(f"{upstream.url}/v1")},
        "mcp": {"servers": {"local": {"command": [sys.executable, str(SERVER)]}}},
        "virtual_keys": [{"name": "team", "value": KEY, "mcp": ["local/add"]}],
    }


def _line(agent: str, gateway: Gateway) -> str:
    argv = [sys.executable, "-m", "asbru", "mcp", "connect", agent, "--url", gateway.url, "--key", KEY]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout  # noqa: S603  # our own command


def _check(gateway: Gateway) -> None:
    rows = gateway.records(1, surface="mcp.tool")
    assert [(row["caller"], row["provider"], row["model_served"], row["status"]) for row in rows] == [
        ("team", "mcp:local", "add", 200)
    ]


def test_claude_code_uses_a_tool(tmp_path: Path) -> None:
    """It lists the tools of its key, calls the one that the model asks for, and tells what it returned."""
    with FakeUpstream() as upstream, Gateway(tmp_path, _config(upstream)) as gateway:
        upstream.otherwise = StrictProvider("anthropic", _speak)
        header = {"Authorization": f"Bearer {KEY}"}
        servers = {"asbru": {"type": "http", "url": f"{gateway.url}/mcp", "headers": header}}
        told = tmp_path / "mcp.json"
        told.write_text(json.dumps({"mcpServers": servers}))
        env = {
            "ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic",
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_MODEL": MODEL,
            "ENABLE_TOOL_SEARCH": "false",  # or tools are offered only once the model has searched for them
        }
        run = claude_code.run(PROMPT, tmp_path, "--mcp-config", str(told), "--strict-mcp-config", env=env)
        assert run.status == 0, run
        assert [block["name"] for block in run.blocks("tool_use")] == ["mcp__asbru__local__add"]
        assert "The tool returned" in run.result["result"], run.result
        _check(gateway)


def test_claude_code_takes_the_line_that_is_printed(tmp_path: Path) -> None:
    """`asbru mcp connect claude` registers Asbru, and Claude Code reaches it."""
    with FakeUpstream() as upstream, Gateway(tmp_path, _config(upstream)) as gateway:
        line = _line("claude", gateway)
        program = claude_code.PACKAGE.bring()
        (tmp_path / "home").mkdir()
        env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "home"), **claude_code.SWITCHES}
        shell = f"cd {tmp_path} && {line.replace('claude', str(program), 1).strip()} && {program} mcp list"
        argv = ["/bin/sh", "-c", shell]
        done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603  # our own command
        assert done.returncode == 0, done
        assert f"{gateway.url}/mcp" in done.stdout and "Connected" in done.stdout, done


def test_codex_uses_a_tool(tmp_path: Path) -> None:
    """The same for Codex, registered by the line that `asbru mcp connect codex` prints."""
    with FakeUpstream() as upstream, Gateway(tmp_path, _config(upstream)) as gateway:
        upstream.otherwise = StrictProvider("anthropic", _speak)
        target = Target(gateway.url, KEY, MODEL)
        printed = codex(PROMPT, tmp_path, target, before=_line("codex", gateway))
        assert "The tool returned" in printed, printed
        _check(gateway)
