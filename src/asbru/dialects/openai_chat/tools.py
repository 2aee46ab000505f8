"""Tools, the choice among them and calls of them, both ways.

Functions are canonical tools; custom tools (free text, grammars) and vendors' own (`openrouter:web_search`) are foreign
and ride along, and a function stands in for a custom tool elsewhere. The legacy `functions`/`function_call` are read as
tools and written as `tools`: only the modern words leave here.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from asbru.core.chat import ForeignTool, Raw, StandIn, Tool, ToolCallPart, ToolChoice
from asbru.dialects.custom_tools import stand_in_of
from asbru.dialects.fields import Fields, kind_of
from asbru.dialects.openai_chat.parts import PartWriter, raw_starts, read_arguments, read_cache
from asbru.dialects.openai_chat.plain import read_plain_tools
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.tool_schema import write_schema

_MODES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
_CUSTOM = "custom"
_FUNCTION = Raw(b'"function"')
_ALLOWED = Raw(b'"allowed_tools"')
_TEXT = msgspec.json.Decoder(str)


def read_tools(fields: Fields) -> tuple[Tool | ForeignTool, ...] | None:
    """`tools`, else the legacy `functions`; None when neither was given."""
    raw = fields.raw("tools")
    if raw is not None:
        plain = read_plain_tools(raw)
        if plain is not None:
            return plain
        items = fields.as_items(raw, "tools")
        fields_of = [fields.as_object(item, f"tools[{at}]") for at, item in enumerate(items)]
        return tuple(_read_tool(tool, raw) for tool, raw in zip(fields_of, items, strict=True))
    functions = fields.children("functions")
    return None if functions is None else tuple(_read_function(function) for function in functions)


def _read_tool(tool: Fields, raw: Raw) -> Tool | ForeignTool:
    kind = tool.text("type")
    if kind is not None and kind != "function":
        return ForeignTool(dialect=NAME, kind=kind, raw=raw, stand_ins=_read_custom(tool) if kind == _CUSTOM else ())
    function = tool.need_child("function")  # a missing type is met in the wild and means a function
    cache = read_cache(tool)
    read = _read_function(function)
    extra = tool.rest()
    if read.extra:
        extra["function"] = Raw(msgspec.json.encode(read.extra))
    return msgspec.structs.replace(read, cache=cache, extra=extra)


def _read_custom(tool: Fields) -> tuple[StandIn, ...]:
    """The function that stands in for a custom tool elsewhere."""
    custom = tool.child(_CUSTOM)
    if custom is None or custom.peek_text("name") is None:  # an odd spelling, which its own provider may know
        return ()
    form = custom.child("format")
    return (stand_in_of(custom, None if form is None else form.child("grammar")),)


def _read_function(function: Fields) -> Tool:
    parameters = function.peek("parameters")
    if parameters is not None and not raw_starts(parameters, b"{"):
        raise function.wrong("parameters", f"expected a JSON Schema object, got {kind_of(parameters)}")
    return Tool(
        name=function.need_text("name"),
        description=function.text("description"),
        parameters=function.raw("parameters"),
        strict=function.boolean("strict"),
        extra=function.rest(),
    )


def read_tool_choice(fields: Fields) -> ToolChoice | None:
    """`tool_choice`, else the legacy `function_call`. Unknown forms are foreign: they ride along."""
    name = "tool_choice"
    raw = fields.peek(name)
    if raw is None:
        name = "function_call"
        raw = fields.peek(name)
    if raw is None:
        return None
    if raw_starts(raw, b'"'):
        mode = _MODES.get(fields.as_text(raw, name))
        fields.raw(name)
        if mode is None:
            return ToolChoice(mode="foreign", raw=raw, dialect=NAME)
        return msgspec.convert({"mode": mode}, ToolChoice)
    form = fields.as_object(raw, name)
    fields.raw(name)
    if name == "function_call":
        return ToolChoice(mode="tool", name=form.need_text("name"))
    if form.peek("type") in (None, _FUNCTION) and "function" in form:
        return ToolChoice(mode="tool", name=form.need_child("function").need_text("name"))
    custom = form.child(_CUSTOM) if form.peek_text("type") == _CUSTOM else None
    chosen = None if custom is None else custom.text("name")
    allowed, forced = _read_allowed(form)
    return ToolChoice(mode="foreign", name=chosen, raw=raw, dialect=NAME, allowed=allowed, forced=forced)


def _read_allowed(form: Fields) -> tuple[tuple[str, ...] | None, bool | None]:
    """The functions of an `allowed_tools`, and whether one must be called; None of any other form."""
    inner = form.child("allowed_tools") if form.peek("type") == _ALLOWED else None
    if inner is None:
        return None, None
    functions = (one.child("function") for one in inner.children("tools") or ())
    names = tuple(one.need_text("name") for one in functions if one is not None)
    return names or None, (inner.text("mode") == "required") if names else None


def write_tools(tools: Sequence[Tool | ForeignTool], writer: PartWriter) -> list[object]:
    """The `tools` list, without what is foreign here (noted)."""
    written: list[object] = []
    for at, tool in enumerate(tools):
        path = f"tools[{at}]"
        if isinstance(tool, Tool):
            written.append(_write_tool(tool, path, writer))
        elif tool.dialect == NAME:
            written.append(tool.raw)
        else:
            writer.receipt.dropped(path, f"{tool.kind} is known to {tool.dialect} only")
    return written


def _write_tool(tool: Tool, path: str, writer: PartWriter) -> dict[str, object]:
    function: dict[str, object] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = _parameters(tool.parameters, path, writer)
    if tool.strict is not None:
        function["strict"] = tool.strict
    written: dict[str, object] = {"type": "function", "function": function}
    if tool.cache is not None:
        written |= writer.cache(tool.cache, path)
    if not writer.own:
        writer.receipt.foreign(path, tool.extra)
        return written
    inner = tool.extra.get("function")
    if inner is not None:
        function |= msgspec.json.decode(inner, type=dict[str, Raw])
    return written | {name: raw for name, raw in tool.extra.items() if name != "function"}


def _parameters(schema: Raw, path: str, writer: PartWriter) -> Raw:
    return schema if writer.own else write_schema(schema, f"{path}.parameters", writer.receipt)


def write_tool_choice(choice: ToolChoice, writer: PartWriter) -> object | None:
    """The `tool_choice` value; None (noted) for another dialect's own form."""
    match choice.mode:
        case "auto" | "none":
            return choice.mode
        case "any":
            return "required"
        case "tool":
            return {"type": "function", "function": {"name": choice.name or ""}}
        case "foreign":
            if choice.dialect == NAME:
                return choice.raw
            writer.receipt.dropped("tool_choice", f"a form known to {choice.dialect} only")
            return None


def read_tool_calls(message: Fields, fallback_id: str) -> list[ToolCallPart]:
    """The calls of an assistant message or an answer. A call without an id gets `fallback_id` and its
    number."""
    calls = [
        _read_tool_call(call, f"{fallback_id}_{at}") for at, call in enumerate(message.children("tool_calls") or ())
    ]
    legacy = message.child("function_call")
    if legacy is not None and not calls:
        name = legacy.text("name")
        if name:  # Snowflake sends an empty one beside real calls
            calls.append(ToolCallPart(id=fallback_id, name=name, arguments=read_arguments(legacy)))
    return calls


def _read_tool_call(call: Fields, fallback_id: str) -> ToolCallPart:
    kind = call.text("type")
    custom = kind == "custom" or (kind is None and "custom" in call and "function" not in call)
    inner = call.need_child("custom" if custom else "function")
    call.raw("function" if custom else "custom")
    call.raw("index")  # its place in the list, which the list tells
    arguments = inner.text("input") if custom else read_arguments(inner)
    return ToolCallPart(
        id=call.text("id") or fallback_id,
        name=inner.need_text("name"),
        arguments=arguments or "",
        custom=custom,
        cache=read_cache(call),
        extra=call.rest_set(),
    )


def write_call(call: ToolCallPart, path: str, writer: PartWriter) -> dict[str, object]:
    """An item of `tool_calls`, with what rides along."""
    written = write_tool_call(call)
    return written if call.cache is None and not call.extra else written | writer.ride_along(call, path)


def write_tool_call(call: ToolCallPart) -> dict[str, object]:
    """An item of `tool_calls`, without what rides along."""
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}
