"""Tools and `toolConfig`, both ways. An object in `tools` may hold several kinds; each declared function is a tool, and
each other member (`googleSearch`, `codeExecution` ...) is foreign: it rides along.

Parameters are JSON Schema (`parametersJsonSchema`) or this API's own kind of schema (`parameters`), which is read as
JSON Schema and kept beside it for the way back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from asbru.core.chat import Extra, ForeignTool, Raw, Tool, ToolChoice
from asbru.dialects.fields import Fields, kind_of
from asbru.dialects.gemini.own_schema import read_schema
from asbru.dialects.gemini.types import MARK, NAME, child, decode_members, encode, in_camel, listed
from asbru.dialects.receipt import Receipt
from asbru.dialects.tool_schema import write_schema

_FUNCTIONS = "functionDeclarations"
_MODES = {"AUTO": "auto", "ANY": "any", "NONE": "none"}
_WORDS = {mode: word for word, mode in _MODES.items()}
_BRACE = b"{"


def read_tools(fields: Fields) -> tuple[Tool | ForeignTool, ...] | None:
    """`tools`; None when not given."""
    if fields.peek("tools") is None:
        return None
    found: list[Tool | ForeignTool] = []
    for at, raw in enumerate(listed(fields, "tools")):
        tool = in_camel(fields.as_object(raw, f"tools[{at}]"))
        for n, declared in enumerate(listed(tool, _FUNCTIONS)):
            found.append(_read_function(in_camel(tool.as_object(declared, f"{_FUNCTIONS}[{n}]"))))
        for name, member in tool.rest_set().items():
            found.append(ForeignTool(dialect=NAME, kind=name, raw=Raw(encode({name: member}))))
    return tuple(found)


def _read_function(function: Fields) -> Tool:
    own, plain = function.raw("parameters"), function.raw("parametersJsonSchema")
    for name, raw in (("parameters", own), ("parametersJsonSchema", plain)):
        if raw is not None and bytes(memoryview(raw)[:1]) != _BRACE:
            raise function.wrong(name, f"expected a schema object, got {kind_of(raw)}")
    extra: Extra = {}
    if plain is None and own is not None:
        extra[MARK] = own
        plain = read_schema(own)
    elif own is not None:
        raise function.wrong("parameters", "expected one of parameters and parametersJsonSchema, got both")
    return Tool(
        name=function.need_text("name"),
        description=function.text("description"),
        parameters=plain,
        extra={**function.rest_set(), **extra},
    )


def read_tool_config(fields: Fields) -> tuple[ToolChoice | None, Extra]:
    """The choice of a tool, and what else `toolConfig` holds."""
    config = child(fields, "toolConfig")
    if config is None:
        return None, {}
    raw = config.peek("functionCallingConfig")
    calling = child(config, "functionCallingConfig")
    choice = None if calling is None or raw is None else _read_choice(calling, raw)
    left = config.rest_set()
    return choice, {"toolConfig": Raw(encode(left))} if left else {}


def _read_choice(calling: Fields, raw: Raw) -> ToolChoice:
    mode = _MODES.get(calling.text("mode") or "")
    names = [calling.as_text(name, "allowedFunctionNames") for name in listed_texts(calling, "allowedFunctionNames")]
    if mode is not None and not calling.rest_set():
        if not names:
            return msgspec.convert({"mode": mode}, ToolChoice)
        if mode == "any" and len(names) == 1:
            return ToolChoice(mode="tool", name=names[0])
    forced = mode == "any" if names else None
    return ToolChoice(mode="foreign", raw=raw, dialect=NAME, allowed=tuple(names) or None, forced=forced)


def listed_texts(fields: Fields, name: str) -> Iterable[Raw]:
    """The items of a list; none where it is absent."""
    return fields.items(name) or ()


def write_tools(tools: Sequence[Tool | ForeignTool], receipt: Receipt) -> list[object]:
    """The `tools` list, without what is foreign here (noted)."""
    functions: list[dict[str, Any]] = []
    written: list[object] = []
    for at, tool in enumerate(tools):
        path = f"tools[{at}]"
        if isinstance(tool, Tool):
            if not functions:
                written.append({_FUNCTIONS: functions})
            functions.append(_write_function(tool, path, receipt))
        elif tool.dialect == NAME:
            written.append(tool.raw)
        else:
            receipt.dropped(path, f"{tool.kind} is known to {tool.dialect} only")
    return written


def _write_function(tool: Tool, path: str, receipt: Receipt) -> dict[str, Any]:
    written: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        written["description"] = tool.description
    extra = receipt.riding(path, tool.extra) if tool.extra else {}
    if MARK in extra:
        written["parameters"] = extra[MARK]
    elif tool.parameters is not None:
        schema = tool.parameters
        written["parametersJsonSchema"] = (
            schema if receipt.native else write_schema(schema, f"{path}.parameters", receipt)
        )
    if tool.strict is not None:
        receipt.dropped(f"{path}.strict", "no equivalent")
    if tool.cache is not None:
        receipt.dropped(f"{path}.cache", "the Gemini API takes no cache marks")
    return written | {name: raw for name, raw in extra.items() if name != MARK}


def write_tool_config(choice: ToolChoice | None, extra: Extra, receipt: Receipt) -> dict[str, Any]:
    """`toolConfig`; empty where there is nothing to say."""
    config: dict[str, Any] = dict(decode_members(extra["toolConfig"])) if "toolConfig" in extra else {}
    calling = None if choice is None else _write_choice(choice, receipt)
    if calling is not None:
        config["functionCallingConfig"] = calling
    return config


def _write_choice(choice: ToolChoice, receipt: Receipt) -> object | None:
    match choice.mode:
        case "auto" | "any" | "none":
            return {"mode": _WORDS[choice.mode]}
        case "tool":
            return {"mode": "ANY", "allowedFunctionNames": [choice.name or ""]}
        case "foreign":
            if choice.dialect == NAME:
                return choice.raw
            if choice.allowed and choice.forced:
                receipt.changed("tool_choice", f"from the form of {choice.dialect}")
                return {"mode": "ANY", "allowedFunctionNames": choice.allowed}
            receipt.dropped("tool_choice", f"a form known to {choice.dialect} only")
            return None
