"""What a worker remembers of MCP servers has a bound."""

from __future__ import annotations

from typing import Any

import pytest

from asbru.app import mcp_ports
from asbru.app.mcp_ports import LinkPorts


def test_what_calls_demand_of_servers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of keys that came and went, too: nobody asks again for the scope that a call of theirs was refused for."""
    monkeypatch.setattr(mcp_ports, "REMEMBERED_MAX", 5)
    link: Any = None
    ports = LinkPorts(link)
    for number in range(12):
        ports.forget_credential("files", f"key-{number}", b"", "write")
    assert 0 < len(ports._demanded) <= 5
    assert ports._demanded["files", "key-11"] == "write"
