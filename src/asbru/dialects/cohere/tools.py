"""Tools, the choice among them and calls of them, both ways.

`strict_tools` is one switch for all tools, `tool_choice` knows no tool by its name, and calls cannot be forbidden to
run in parallel: what is asked for beyond that is noted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from asbru.core.chat import ChatRequest, ForeignTool, Raw, Tool, ToolCallPart, ToolChoice
from asbru.dialects.cohere.types import NAME, decode_members, encode
from asbru.dialects.fields import DECODE_ERRORS, Fields, kind_of
from asbru.dialects.receipt import Receipt
from asbru.dialects.tool_schema import NO_PARAMETERS, write_schema

_STRICT: Final = "strict_tools"
_CHOICES: Final = {"REQUIRED": "any", "NONE": "none"}
_BRACE: Final = b"{"


def read_tools(fields: Fields) -> tuple[Tool | ForeignTool, ...] | None:
    """`tools`, each of them strict where `strict_tools` says so; None when not given."""
    strict = fields.boolean(_STRICT)
    items = fields.items("tools")
    if items is None:
        return None
    return tuple(_read_tool(fields.as_object(item, f"tools[{at}]"), item, strict) for at, item in enumerate(items))


def _read_tool(tool: Fields, raw: Raw, strict: bool | None) -> Tool | ForeignTool:
    kind = tool.text("type")
    if kind not in (None, "function"):
        return ForeignTool(dialect=NAME, kind=kind, raw=raw)
    function = tool.need_child("function")
    parameters = function.peek("parameters")
    if parameters is not None and bytes(memoryview(parameters)[:1]) != _BRACE:
        raise function.wrong("parameters", f"expected a JSON Schema object, got {kind_of(parameters)}")
    read = Tool(
        name=function.need_text("name"),
        description=function.text("description"),
        parameters=function.raw("parameters"),
        strict=strict,
        extra=tool.rest_set(),
    )
    left = function.rest_set()
    return msgspec.structs.replace(read, extra={**read.extra, "function": Raw(encode(left))}) if left else read


def read_tool_choice(fields: Fields) -> ToolChoice | None:
    """`tool_choice`. Unknown words are foreign: they ride along."""
    raw = fields.raw("tool_choice")
    if raw is None:
        return None
    try:
        mode = _CHOICES.get(msgspec.json.decode(raw, type=str))
    except DECODE_ERRORS:
        mode = None
    if mode is None:
        return ToolChoice(mode="foreign", raw=raw, dialect=NAME)
    return msgspec.convert({"mode": mode}, ToolChoice)


def write_tools(body: dict[str, Any], request: ChatRequest, receipt: Receipt) -> None:
    """`tools`, `strict_tools` and `tool_choice`."""
    tools: list[object] = []
    if request.tools is not None:
        tools = [one for at, tool in enumerate(request.tools) if (one := _write_tool(tool, f"tools[{at}]", receipt))]
        if tools or receipt.native:
            body["tools"] = tools
            _write_strict(body, request.tools, receipt)
    if request.parallel_tool_calls is False and tools:
        receipt.dropped("parallel_tool_calls", "Cohere cannot forbid them")
    choice = request.tool_choice
    if choice is None:
        return
    if not tools and not receipt.native:
        receipt.dropped("tool_choice", "there are no tools to choose from")
        return
    written = _write_choice(choice, receipt)
    if written is not None:
        body["tool_choice"] = written


def _write_tool(tool: Tool | ForeignTool, path: str, receipt: Receipt) -> object | None:
    if isinstance(tool, ForeignTool):
        if tool.dialect == NAME:
            return tool.raw
        receipt.dropped(path, f"{tool.kind} is known to {tool.dialect} only")
        return None
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if receipt.native:
        if tool.parameters is not None:
            function["parameters"] = tool.parameters
    else:
        given = NO_PARAMETERS if tool.parameters is None else tool.parameters
        function["parameters"] = write_schema(given, f"{path}.parameters", receipt)
    if tool.cache is not None:
        receipt.dropped(f"{path}.cache", "Cohere takes no cache marks")
    extra = receipt.riding(path, tool.extra)
    if "function" in extra:
        function |= decode_members(extra["function"])
    return {"type": "function", "function": function, **{k: raw for k, raw in extra.items() if k != "function"}}


def _write_strict(body: dict[str, Any], tools: Sequence[Tool | ForeignTool], receipt: Receipt) -> None:
    wishes = [tool.strict for tool in tools if isinstance(tool, Tool)]
    if wishes and all(wishes):
        body[_STRICT] = True
        return
    if receipt.native:
        if wishes and wishes[0] is not None:
            body[_STRICT] = False
        return
    for at, tool in enumerate(tools):
        if isinstance(tool, Tool) and tool.strict:
            receipt.dropped(f"tools[{at}].strict", "either all tools are strict or none is")


def _write_choice(choice: ToolChoice, receipt: Receipt) -> object | None:
    match choice.mode:
        case "auto":
            return None
        case "none":
            return "NONE"
        case "any":
            return "REQUIRED"
        case "tool":
            receipt.changed("tool_choice", "any tool: Cohere cannot be told which")
            return "REQUIRED"
        case "foreign":
            if choice.dialect == NAME:
                return choice.raw
            receipt.dropped("tool_choice", f"a form known to {choice.dialect} only")
            return None


def read_calls(message: Fields) -> list[ToolCallPart]:
    """The calls of a message."""
    return [read_call(call) for call in message.children("tool_calls") or ()]


def read_call(call: Fields) -> ToolCallPart:
    """One call."""
    call.raw("type")
    function = call.need_child("function")
    name, arguments = function.need_text("name"), function.text("arguments")
    return ToolCallPart(id=call.need_text("id"), name=name, arguments=arguments or "", extra=call.rest_set())


def write_call(part: ToolCallPart, path: str, receipt: Receipt) -> dict[str, Any]:
    """One call. Arguments are an object: the free text of a custom tool becomes one."""
    arguments = part.arguments
    if part.custom:
        receipt.changed(path, "free text became an object")
        arguments = encode({"input": arguments}).decode()
    elif not arguments.strip() and not receipt.native:
        arguments = "{}"
    if part.cache is not None:
        receipt.dropped(f"{path}.cache", "Cohere takes no cache marks")
    function = {"name": part.name, "arguments": arguments}
    return {"id": part.id, "type": "function", "function": function, **receipt.riding(path, part.extra)}
