"""Tools of the Responses API that others do not have: what is offered in their place."""

from __future__ import annotations

import json
from typing import Any

from asbru.core.chat import ForeignTool, Message, Tool
from asbru.dialects.openai_responses import DIALECT

CUSTOM = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edit files",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}
NAMESPACE = {
    "type": "namespace",
    "name": "mcp__gw",
    "description": "Tools",
    "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}}, {**CUSTOM, "name": "note"}],
}


def tools_of(*tools: dict[str, Any], items: tuple[dict[str, Any], ...] = ()) -> tuple[Tool | ForeignTool, ...]:
    """The canonical tools of a request with these."""
    asked = [*items, {"role": "user", "content": "hi"}]
    body = json.dumps({"model": "m", "input": asked, "tools": tools}).encode()
    return DIALECT.chat.read_request(body).tools or ()


def test_a_custom_tool_is_a_function_with_one_string() -> None:
    """Its grammar is told in words, since a function cannot be held to one."""
    [tool] = tools_of(CUSTOM)
    assert isinstance(tool, ForeignTool)
    [stand_in] = tool.stand_ins
    assert (stand_in.name, stand_in.custom, stand_in.namespace) == ("apply_patch", True, None)
    assert stand_in.tool.parameters is not None
    assert json.loads(bytes(stand_in.tool.parameters))["required"] == ["input"]
    assert "lark grammar:\nstart: /.+/" in (stand_in.tool.description or "")


def test_the_tools_of_a_namespace_are_functions_with_its_name() -> None:
    """Each is known by both names; a custom tool within it is one there, too."""
    [tool] = tools_of(NAMESPACE)
    assert isinstance(tool, ForeignTool)
    found = [(one.tool.name, one.namespace, one.name, one.custom) for one in tool.stand_ins]
    assert found == [("mcp__gw__look", "mcp__gw", "look", False), ("mcp__gw__note", "mcp__gw", "note", True)]


def test_tools_of_a_provider_have_no_stand_in() -> None:
    """What only OpenAI can run is left to its notes."""
    for kind in ("web_search", "shell", "apply_patch"):
        [tool] = tools_of({"type": kind})
        assert isinstance(tool, ForeignTool) and tool.stand_ins == ()


def test_tools_may_come_as_an_item() -> None:
    """Codex offers its tools in the conversation: they are the request's, and no message is left of them."""
    item = {"type": "additional_tools", "role": "developer", "tools": [{"type": "function", "name": "f"}, CUSTOM]}
    first, second, third = tools_of({"type": "function", "name": "g"}, items=(item,))
    assert isinstance(first, Tool) and isinstance(second, Tool) and isinstance(third, ForeignTool)
    assert (first.name, second.name, third.kind) == ("g", "f", "custom")
    body = json.dumps({"model": "m", "input": [item, {"role": "user", "content": "hi"}]}).encode()
    read = DIALECT.chat.read_request(body)
    assert [message.role for message in read.messages] == ["user"]
    assert isinstance(read.messages[0], Message)
