"""The section `mcp`: what could never work is refused when the configuration is compiled."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from asbru.app.boot import Options
from asbru.app.compile import ConfigRefusedError, compile_config


def compiled(folder: Path, **server: Any) -> object:
    """A configuration with one server."""
    (folder / "config.json").write_text(json.dumps({"mcp": {"servers": {"files": server}}}))
    return compile_config(Options(data_dir=folder / "data", config=folder / "config.json"), {}, dry=True)


@pytest.mark.parametrize("server", [{"command": ["x"]}, {"url": "https://x.example/sse", "transport": "sse"}])
def test_servers_with_one_connection_are_not_per_user(tmp_path: Path, server: dict[str, Any]) -> None:
    """One connection has one credential, so users could not be told apart."""
    compiled(tmp_path, **server)
    with pytest.raises(ConfigRefusedError, match="needs streamable HTTP"):
        compiled(tmp_path, **server, per_user=True)
