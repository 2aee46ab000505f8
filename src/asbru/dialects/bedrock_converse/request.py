"""A request's body, read into the canonical form; wrong types are complained of with their path.

The model and the wish for a stream stand in the path, so the path of the call adds them (`head.py`). Of
`additionalModelRequestFields`, which each model reads in its own way, `thinking` and `top_k` are understood, for they
have a canonical form; all else rides along. Not here: blocks (`blocks.py`), writing (`request_writer.py`).
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import (
    CacheMark,
    ChatRequest,
    Extra,
    ForeignTool,
    Message,
    Raw,
    Reasoning,
    ResponseFormat,
    Role,
    Tool,
    ToolChoice,
)
from asbru.dialects.bedrock_converse.blocks import mark_of, read_blocks
from asbru.dialects.bedrock_converse.types import NAME, as_raw, decode_members, encode
from asbru.dialects.bedrock_converse.usage import read_tier
from asbru.dialects.fields import (
    DECODE_ERRORS,
    INTEGER,
    NUMBER,
    TEXTS,
    Fields,
    kind_of,
    open_body,
    refuse_request,
)

_SETTINGS: Final = {
    "maxTokens": ("max_tokens", INTEGER),
    "temperature": ("temperature", NUMBER),
    "topP": ("top_p", NUMBER),
    "stopSequences": ("stop", TEXTS),
}
"""What stands in `inferenceConfig`: the canonical name and how it is read."""
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
_MODES: Final = ("enabled", "disabled", "adaptive")
_EMPTY: Final = Raw(b"{}")


def read_request(body: bytes) -> ChatRequest:
    """The whole request; `BadRequest` with a path where it is not one. Its model is "" until the path adds it."""
    fields = open_body(body, refuse_request)
    inference = fields.child("inferenceConfig")
    settings: dict[str, Any] = {} if inference is None else inference.settings(_SETTINGS)
    if settings.get("stop") == ():  # as good as none
        del settings["stop"]
    extra: Extra = {}
    _keep(extra, "inferenceConfig", {} if inference is None else inference.rest_set())
    messages = (*_read_system(fields), *_read_messages(fields))
    output = fields.child("outputConfig")
    effort = None if output is None else output.text("effort")
    form = None if output is None else _read_format(output)
    _keep(extra, "outputConfig", {} if output is None else output.rest_set())
    reasoning, top_k, more = _read_additional(fields, effort)
    _keep(extra, "additionalModelRequestFields", more)
    tooling = fields.child("toolConfig")
    tools = None if tooling is None else _read_tools(tooling)
    choice = None if tooling is None else _read_choice(tooling)
    _keep(extra, "toolConfig", {} if tooling is None else tooling.rest_set())
    tier = read_tier(fields.peek("serviceTier"))
    if tier is not None:
        fields.raw("serviceTier")
    return ChatRequest(
        model="",
        messages=messages,
        tools=tools,
        tool_choice=choice,
        response_format=form,
        reasoning=reasoning,
        top_k=top_k,
        service_tier=tier,
        include_usage=True,
        dialect=NAME,
        **settings,
        extra={**fields.rest_set(), **extra},
    )


def _keep(extra: Extra, name: str, members: Extra) -> None:
    """Unknown members of an object whose known ones were read."""
    if members:
        extra[name] = Raw(encode(members))


def _read_system(fields: Fields) -> tuple[Message, ...]:
    items = fields.items("system")
    return (Message(role="system", parts=read_blocks(items, fields, "system")),) if items else ()


def _read_messages(fields: Fields) -> list[Message]:
    read: list[Message] = []
    for message in fields.children("messages") or ():
        word = message.need_text("role")
        role = _ROLES.get(word)
        if role is None:
            raise message.wrong("role", f'expected "user", "assistant" or "system", got "{word[:40]}"')
        parts = read_blocks(message.need_items("content"), message, "content")
        read.append(Message(role=role, parts=parts, extra=message.rest_set()))
    if not read and fields.peek("promptVariables") is None:
        raise fields.wrong("messages", "expected an array of at least one message, got none")
    return read


def _read_format(output: Fields) -> ResponseFormat | None:
    """A structured output format; one of an unknown kind stays where it is, as an unknown field."""
    raw = output.peek("textFormat")
    form = None if raw is None else output.as_object(raw, "textFormat")
    if form is None or form.text("type") != "json_schema":
        return None
    structure = form.need_child("structure")
    told = structure.child("jsonSchema")
    if told is None:
        return None
    text = told.need_text("schema").encode()
    try:
        decode_members(text)
    except DECODE_ERRORS:
        raise told.wrong("schema", "expected a JSON Schema as text, got text that is no JSON object") from None
    found = ResponseFormat(
        kind="json_schema", name=told.text("name"), description=told.text("description"), schema=Raw(text)
    )
    if told.rest_set() or structure.rest_set() or form.rest_set():
        return None
    output.raw("textFormat")
    return found


def _read_additional(fields: Fields, effort: str | None) -> tuple[Reasoning | None, int | None, Extra]:
    """The wish to reason, `top_k`, and what else the model is given in its own words."""
    bare = None if effort is None else Reasoning(effort=effort)
    raw = fields.peek("additionalModelRequestFields")
    if raw is None or kind_of(raw) != "an object":
        return bare, None, {}
    additional = fields.need_child("additionalModelRequestFields")
    top_k = _as_count(additional.peek("top_k"))
    if top_k is not None:
        additional.raw("top_k")
    reasoning = _read_thinking(additional, effort)
    return reasoning or bare, top_k, additional.rest_set()


def _as_count(raw: Raw | None) -> int | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=int)
    except DECODE_ERRORS:
        return None


class _Thinking(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    budget_tokens: int | None = None
    display: str | None = None


def _read_thinking(additional: Fields, effort: str | None) -> Reasoning | None:
    """`thinking` as Claude reads it; None where it is anything else, which then rides along."""
    raw = additional.peek("thinking")
    try:
        told = None if raw is None else msgspec.json.decode(raw, type=_Thinking)
    except DECODE_ERRORS:
        return None
    if told is None or told.type not in _MODES:
        return None
    additional.raw("thinking")
    return Reasoning(effort=effort, mode=told.type, budget_tokens=told.budget_tokens, display=told.display)


def _read_tools(tooling: Fields) -> tuple[Tool | ForeignTool, ...] | None:
    items = tooling.items("tools")
    if items is None:
        return None
    tools: list[Tool | ForeignTool] = []
    for n, raw in enumerate(items):
        tool = tooling.as_object(raw, f"tools[{n}]")
        mark = _mark(tool)
        last = tools[-1] if tools else None
        if mark is not None and isinstance(last, Tool) and last.cache is None:
            tools[-1] = msgspec.structs.replace(last, cache=mark)
        else:
            tools.append(_read_tool(raw, tool))
    return tuple(tools)


def _mark(tool: Fields) -> CacheMark | None:
    point = tool.peek("cachePoint")
    return None if point is None or len(tool.rest_set()) > 1 else mark_of(point)


def _read_tool(raw: Raw, tool: Fields) -> Tool | ForeignTool:
    if tool.peek("toolSpec") is None or len(tool.rest_set()) > 1:
        return ForeignTool(dialect=NAME, kind=next(iter(tool.rest_set()), ""), raw=raw)
    spec = tool.need_child("toolSpec")
    schema = spec.child("inputSchema")
    parameters = None if schema is None else schema.raw("json")
    if parameters is not None and kind_of(parameters) != "an object":
        raise spec.wrong("inputSchema.json", f"expected a JSON Schema object, got {kind_of(parameters)}")
    left = {} if schema is None else schema.rest_set()
    return Tool(
        name=spec.need_text("name"),
        description=spec.text("description"),
        parameters=parameters,
        strict=spec.boolean("strict"),
        extra={**spec.rest_set(), **({"inputSchema": as_raw(left)} if left else {})},
    )


def _read_choice(tooling: Fields) -> ToolChoice | None:
    raw = tooling.peek("toolChoice")
    choice = tooling.child("toolChoice")
    if choice is None or raw is None:
        return None
    named = choice.rest_set()
    if len(named) == 1:
        for mode in ("auto", "any"):
            if named.get(mode) == _EMPTY:
                return ToolChoice(mode=mode)
        tool = choice.child("tool")
        name = None if tool is None else tool.text("name")
        if tool is not None and name is not None and not tool.rest_set():
            return ToolChoice(mode="tool", name=name)
    return ToolChoice(mode="foreign", raw=raw, dialect=NAME)
