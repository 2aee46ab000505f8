"""Tools and the choice among them, both ways.

function                                    a canonical tool
custom, namespace                           foreign, with functions that stand in for it elsewhere (`stand_ins`)
any other (web search, shell, apply_patch)  foreign: it stays with providers of this dialect
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from asbru.core.chat import ForeignTool, Raw, Tool, ToolChoice
from asbru.dialects.fields import Fields, kind_of
from asbru.dialects.openai_responses.stand_ins import stand_ins_of
from asbru.dialects.openai_responses.types import NAME
from asbru.dialects.receipt import Receipt
from asbru.dialects.tool_schema import write_schema

_MODES = {"auto": "auto", "none": "none", "required": "any"}
_QUOTE, _BRACE = b'"', b"{"


def read_tools(fields: Fields) -> tuple[Tool | ForeignTool, ...] | None:
    """`tools`; None when not given."""
    items = fields.items("tools")
    if items is None:
        return None
    return tuple(_read_tool(fields.as_object(item, f"tools[{at}]"), item) for at, item in enumerate(items))


def _read_tool(tool: Fields, raw: Raw) -> Tool | ForeignTool:
    kind = tool.need_text("type")
    if kind != "function":
        return ForeignTool(dialect=NAME, kind=kind, raw=raw, stand_ins=stand_ins_of(tool, kind))
    parameters = tool.peek("parameters")
    if parameters is not None and bytes(memoryview(parameters)[:1]) != _BRACE:
        raise tool.wrong("parameters", f"expected a JSON Schema object, got {kind_of(parameters)}")
    return Tool(
        name=tool.need_text("name"),
        description=tool.text("description"),
        parameters=tool.raw("parameters"),
        strict=tool.boolean("strict"),
        extra=tool.rest_set(),
    )


def read_tool_choice(fields: Fields) -> ToolChoice | None:
    """`tool_choice`. Unknown forms are foreign: they ride along."""
    raw = fields.raw("tool_choice")
    if raw is None:
        return None
    if bytes(memoryview(raw)[:1]) == _QUOTE:
        mode = _MODES.get(fields.as_text(raw, "tool_choice"))
        if mode is not None:
            return msgspec.convert({"mode": mode}, ToolChoice)
        return ToolChoice(mode="foreign", raw=raw, dialect=NAME)
    form = fields.as_object(raw, "tool_choice")
    kind = form.text("type")
    if kind == "function":
        return ToolChoice(mode="tool", name=form.need_text("name"))
    if kind == "allowed_tools":
        names = tuple(one.need_text("name") for one in form.children("tools") or () if one.text("type") == "function")
        forced = (form.text("mode") == "required") if names else None
        return ToolChoice(mode="foreign", raw=raw, dialect=NAME, allowed=names or None, forced=forced)
    return ToolChoice(mode="foreign", name=form.text("name") if kind == "custom" else None, raw=raw, dialect=NAME)


def write_tools(tools: Sequence[Tool | ForeignTool], receipt: Receipt) -> list[object]:
    """The `tools` list, without what is foreign here (noted)."""
    written: list[object] = []
    for at, tool in enumerate(tools):
        path = f"tools[{at}]"
        if isinstance(tool, Tool):
            written.append(_write_tool(tool, path, receipt))
        elif tool.dialect == NAME:
            written.append(tool.raw)
        else:
            receipt.dropped(path, f"{tool.kind} is known to {tool.dialect} only")
    return written


def _write_tool(tool: Tool, path: str, receipt: Receipt) -> dict[str, Any]:
    written: dict[str, Any] = {"type": "function", "name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    if tool.parameters is not None:
        schema = tool.parameters
        written["parameters"] = schema if receipt.native else write_schema(schema, f"{path}.parameters", receipt)
    if tool.strict is not None:
        written["strict"] = tool.strict
    elif not receipt.native:
        written["strict"] = False  # absent it means true here, which rewrites the schema
    if tool.cache is not None:
        receipt.dropped(f"{path}.cache", "the Responses API takes no cache marks")
    return written | receipt.riding(path, tool.extra)


def write_tool_choice(choice: ToolChoice, receipt: Receipt) -> object | None:
    """The `tool_choice` value; None (noted) for another dialect's own form."""
    match choice.mode:
        case "auto" | "none":
            return choice.mode
        case "any":
            return "required"
        case "tool":
            return {"type": "function", "name": choice.name or ""}
        case "foreign":
            if choice.dialect == NAME:
                return choice.raw
            if choice.allowed:
                receipt.changed("tool_choice", f"from the form of {choice.dialect}")
                tools = [{"type": "function", "name": name} for name in choice.allowed]
                return {"type": "allowed_tools", "mode": "required" if choice.forced else "auto", "tools": tools}
            receipt.dropped("tool_choice", f"a form known to {choice.dialect} only")
            return None
