"""Tools that a target does not have, offered to it as functions, and known again in its reply.

    to the target       a custom tool, the tools of a namespace: the functions that stand in for them (`ForeignTool`);
                        earlier calls of them: calls of those functions
    to the caller       calls of those functions: calls of the caller's own tools; free text comes out of its JSON whole

A stand-in depends on nothing but its tool, so that the same tool is offered alike in every turn.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from asbru.core.chat import (
    ChatRequest,
    ForeignTool,
    Message,
    Part,
    StandIn,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from asbru.core.reply import PartDelta, PartStart, PartStop, StreamEvent

_INPUT: Final = "input"
_CUSTOM_MARK: Final = "type"
"""In the `extra` of a result: that a custom tool's call is answered."""
_replace = msgspec.structs.replace


def stand_ins_of(request: ChatRequest) -> dict[str, StandIn]:
    """The functions that stand in for tools of the request, by the name that they are offered by."""
    tools = request.tools or ()
    found = (one for tool in tools if isinstance(tool, ForeignTool) for one in tool.stand_ins)
    return {one.tool.name: one for one in found}


def with_stand_ins(request: ChatRequest) -> ChatRequest:
    """The request as targets of other dialects take it; the same object where there is nothing to change."""
    tools = request.tools
    offered = stand_ins_of(request)
    if tools is not None and offered:
        tools = tuple(one for tool in tools for one in _offered(tool))
    messages = request.messages
    if any(_is_ours(part) for message in messages for part in message.parts):
        messages = tuple(_with_functions(message) for message in messages)
    choice = _chosen(request.tool_choice, offered.values())
    if tools is request.tools and choice is request.tool_choice and messages is request.messages:
        return request
    return _replace(request, tools=tools, messages=messages, tool_choice=choice)


def _offered(tool: Tool | ForeignTool) -> Iterator[Tool | ForeignTool]:
    if isinstance(tool, ForeignTool) and tool.stand_ins:
        yield from (one.tool for one in tool.stand_ins)
    else:
        yield tool


def _chosen(choice: ToolChoice | None, offered: Iterable[StandIn]) -> ToolChoice | None:
    if choice is None or choice.mode != "foreign" or choice.name is None:
        return choice
    name = next((one.tool.name for one in offered if one.custom and one.name == choice.name), None)
    return choice if name is None else ToolChoice(mode="tool", name=name)


def _is_ours(part: Part) -> bool:
    """Whether `_with_function` changes the part."""
    if isinstance(part, ToolCallPart):
        return part.custom or bool(part.namespace)
    return isinstance(part, ToolResultPart) and _CUSTOM_MARK in part.extra


def _with_functions(message: Message) -> Message:
    parts = tuple(_with_function(part) for part in message.parts)
    return (
        message
        if all(new is old for new, old in zip(parts, message.parts, strict=True))
        else _replace(message, parts=parts)
    )


def _with_function(part: Part) -> Part:
    if not _is_ours(part):
        return part
    if isinstance(part, ToolResultPart):
        return _replace(part, extra={name: raw for name, raw in part.extra.items() if name != _CUSTOM_MARK})
    assert isinstance(part, ToolCallPart), "the rest are no call's"
    name = f"{part.namespace}__{part.name}" if part.namespace else part.name
    arguments = msgspec.json.encode({_INPUT: part.arguments}).decode() if part.custom else part.arguments
    return _replace(part, name=name, arguments=arguments, custom=False, namespace=None)


def own_call(call: ToolCallPart, stand_in: StandIn) -> ToolCallPart:
    """A whole call of a function, as the call of the caller's own tool that it stands for."""
    arguments = text_of(call.arguments) if stand_in.custom else call.arguments
    return _replace(
        call, name=stand_in.name, namespace=stand_in.namespace, custom=stand_in.custom, arguments=arguments
    )


def text_of(arguments: str) -> str:
    """The free text in the arguments of a function that stands in for a custom tool; what is none is left alone."""
    try:
        members: object = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    if not isinstance(members, dict):
        return arguments
    values = cast("dict[str, Any]", members)
    text = values.get(_INPUT, next(iter(values.values()), None) if len(values) == 1 else None)
    return text if isinstance(text, str) else arguments


class OwnCalls:
    """Events of a stream with calls of stand-ins as calls of the caller's own tools. The arguments of a custom tool are
    held until they are whole, since JSON that has not ended is no text yet."""

    __slots__ = ("_held", "_stand_ins")

    def __init__(self, stand_ins: Mapping[str, StandIn]) -> None:
        self._stand_ins = stand_ins
        self._held: dict[tuple[int, int], list[str]] = {}

    def take(self, event: StreamEvent) -> Iterator[StreamEvent]:
        """What the caller gets for an event."""
        match event:
            case PartStart(part=ToolCallPart(name=name) as call) if name in self._stand_ins:
                stand_in = self._stand_ins[name]
                if stand_in.custom:
                    self._held[event.choice, event.index] = [call.arguments]
                    call = _replace(call, arguments="")
                    yield _replace(event, part=_replace(own_call(call, stand_in), arguments=""))
                else:
                    yield _replace(event, part=own_call(call, stand_in))
            case PartDelta(text=str(text)) if (event.choice, event.index) in self._held:
                self._held[event.choice, event.index].append(text)
            case PartStop() if (event.choice, event.index) in self._held:
                text = text_of("".join(self._held.pop((event.choice, event.index))))
                if text:
                    yield PartDelta(index=event.index, choice=event.choice, text=text)
                yield event
            case _:
                yield event
