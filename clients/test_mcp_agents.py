"""Claude Code and Codex, as published, with the tools of an MCP server behind Asbru: registered as `asbru mcp connect`
says, and called because the model asks for it; also where a tool fails, shows a picture, waits for an approval that
nobody gives, or appears while the agent is connected."""

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
STEPS = ("picture", "fail", "grow")
ROUNDS_MAX = 100
"""Calls until the model is offered what is new."""


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


def _claude(gateway: Gateway, folder: Path) -> claude_code.Run:
    """A run of Claude Code with Asbru's tools, that has ended well."""
    header = {"Authorization": f"Bearer {KEY}"}
    servers = {"asbru": {"type": "http", "url": f"{gateway.url}/mcp", "headers": header}}
    told = folder / "mcp.json"
    told.write_text(json.dumps({"mcpServers": servers}))
    env = {
        "ANTHROPIC_BASE_URL": f"{gateway.url}/anthropic",
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_MODEL": MODEL,
        "ENABLE_TOOL_SEARCH": "false",  # or tools are offered only once the model has searched for them
    }
    run = claude_code.run(PROMPT, folder, "--mcp-config", str(told), "--strict-mcp-config", env=env)
    assert run.status == 0, run
    return run


def test_claude_code_takes_whatever_a_tool_returns(tmp_path: Path) -> None:
    """A failure is one, and the model is shown the picture. A tool that the server has from then on is called as soon
    as the model is offered it, without connecting again."""

    def speak(turn: Turn) -> str | ToolCall:
        if not any(name.endswith("local__add") for name in turn.tools):
            return "A title"
        if len(turn.results) < len(STEPS):
            return ToolCall(f"mcp__asbru__local__{STEPS[len(turn.results)]}", {})
        if "mcp__asbru__local__grown" in turn.tools:
            return "It has grown"
        return ToolCall("mcp__asbru__local__add", {}) if len(turn.results) < ROUNDS_MAX else "It has not"

    tools = tmp_path / "tools.json"
    tools.write_text(json.dumps([{"name": name, "inputSchema": {"type": "object"}} for name in STEPS]))
    with FakeUpstream() as upstream:
        config = _config(upstream)
        config["virtual_keys"][0]["mcp"] = ["local"]
        config["mcp"]["servers"]["local"]["command"] += ["--tools", str(tools)]
        with Gateway(tmp_path, config) as gateway:
            upstream.otherwise = StrictProvider("anthropic", speak)
            run = _claude(gateway, tmp_path)
            picture, failure, *_ = run.blocks("tool_result")
            assert picture["content"][0]["type"] == "image", picture
            assert failure["is_error"] and "the disk is full" in json.dumps(failure["content"]), failure
            assert "It has grown" in run.result["result"], run.result


def test_claude_code_is_told_what_needs_an_approval(tmp_path: Path) -> None:
    """A script of code mode calls a tool that is on no list of the key. The agent is asked, and headless it declines:
    the model is shown so, the tool is not called, and the run ends."""
    script = {"code": "result = local.add()"}

    def speak(turn: Turn) -> str | ToolCall:
        tool = next((name for name in turn.tools if name.endswith("executeToolCode")), None)
        if tool is None:
            return "A title"
        return f"The script: {turn.results[-1]}" if turn.results else ToolCall(tool, script)

    with FakeUpstream() as upstream:
        config = _config(upstream)
        config["mcp"]["servers"]["local"]["code_mode"] = True
        with Gateway(tmp_path, config) as gateway:
            upstream.otherwise = StrictProvider("anthropic", speak)
            run = _claude(gateway, tmp_path)
            assert "the call was not approved" in run.result["result"], run.result
            rows = gateway.records(1, surface="mcp.tool")
            assert "mcp:local" not in {row["provider"] for row in rows}, rows


def test_claude_code_uses_a_tool(tmp_path: Path) -> None:
    """It lists the tools of its key, calls the one that the model asks for, and tells what it returned."""
    with FakeUpstream() as upstream, Gateway(tmp_path, _config(upstream)) as gateway:
        upstream.otherwise = StrictProvider("anthropic", _speak)
        run = _claude(gateway, tmp_path)
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
