"""The guide "Running MCP servers": its configurations compile, and its table names every state."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from asbru.app.boot import Options
from asbru.app.compile import compile_config
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


def test_every_state_is_explained() -> None:
    """The table has the states that entries may have, and no other."""
    assert set(re.findall(r"^\| `([a-z]+)` \|", TEXT, re.MULTILINE)) == set(get_args(State))
