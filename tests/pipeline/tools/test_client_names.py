"""Names that agents give to tools of /mcp."""

from __future__ import annotations

import pytest

from asbru.core.chat import ForeignTool, Raw, StandIn, Tool
from asbru.pipeline.tools.client_names import folded, known_again

OFFERED = {folded("files__read"), folded("my-db__get_rows")}


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("files__read", "files__read"),
        ("mcp__asbru__files__read", "files__read"),
        ("mcp__files__read", "files__read"),
        ("mcp_asbru_files__read", "files__read"),
        ("asbru__files__read", "files__read"),
        ("asbru_files__read", "files__read"),
        ("mcp__asbru__my_db__get_rows", "my_db__get_rows"),
        ("my-db__get_rows", "my_db__get_rows"),
        ("read", ""),
        ("files__read_all", ""),
        ("xfiles__read", ""),
        ("_", ""),
    ],
)
def test_a_tool_that_an_agent_has_already_is_known_again(name: str, known: str) -> None:
    """As each agent writes it, and nothing that merely looks alike."""
    assert known_again([Tool(name=name)], OFFERED) == ({known} if known else set())


@pytest.mark.parametrize("namespace", ["mcp__asbru", "mcp__asbru__"])
def test_a_tool_in_a_namespace_is_known_again(namespace: str) -> None:
    """Codex groups the tools of a server."""
    stand_in = StandIn(tool=Tool(name="x"), name="files__read", namespace=namespace)
    group = ForeignTool(dialect="openai_responses", kind="namespace", raw=Raw(b"{}"), stand_ins=(stand_in,))
    assert known_again([group], OFFERED) == {"files__read"}
