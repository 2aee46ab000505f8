"""The guide "Running MCP servers": its configurations compile, and its table names every state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from asbru.app.boot import Options
from asbru.app.compile import ConfigRefusedError, compile_config
from asbru.mcp.catalogue import State

TEXT = (Path(__file__).resolve().parent.parent.parent / "docs" / "guides" / "mcp-servers.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_configurations_compile(tmp_path: Path, example: str) -> None:
    """Each example is a configuration by itself, which has the supervisor start the tools process."""
    (tmp_path / "config.yaml").write_text(example)
    options = Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml")
    compiled = compile_config(options, {"FILES_TOKEN": "t", "SEARCH_TOKEN": "t"}, dry=True)
    assert compiled.boot.tools


@pytest.mark.parametrize("server", ["{command: [x]}", "{url: https://x.example/sse, transport: sse}"])
def test_servers_with_one_connection_are_not_per_user(tmp_path: Path, server: str) -> None:
    """One connection has one credential, so users could not be told apart: it is an error of the configuration."""
    options = Options(data_dir=tmp_path / "data", config=tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_text(f"mcp: {{servers: {{files: {server}}}}}")
    compile_config(options, {}, dry=True)
    (tmp_path / "config.yaml").write_text(f"mcp: {{servers: {{files: {server[:-1]}, per_user: true}}}}}}")
    with pytest.raises(ConfigRefusedError, match="needs streamable HTTP"):
        compile_config(options, {}, dry=True)


def test_every_state_is_explained() -> None:
    """The table has the states that entries may have, and no other."""
    assert set(re.findall(r"^\| `([a-z]+)` \|", TEXT, re.MULTILINE)) == set(get_args(State))
