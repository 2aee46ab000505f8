"""The items of a conversation, read into canonical messages.

    item                                      becomes
    message (user, system, developer)         a message
    message (assistant), reasoning, a call    parts of an assistant's message; neighbours make one
    an output of a call                       a tool result; neighbours make one user message
    a call of a tool of OpenAI's, any other   a foreign part of the assistant's message
    additional_tools                          tools of the request, wherever in the conversation it stands
    compaction_trigger                        the user's wish for a summary
    compaction                                refused: only the provider that made it reads it (Asbru's own are opened
                                              before: `compaction`)
    item_reference                            refused: only the provider that stored the item has it

Neighbours are joined because other dialects want all calls of a turn in one message. A message item tells by its
`ITEM` mark, or by standing after another, where it began. Writing: `item_writer.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from asbru.core.chat import (
    Extra,
    ForeignPart,
    ForeignTool,
    Message,
    Part,
    Raw,
    RedactedThinkingPart,
    Role,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.fields import Fields
from asbru.dialects.openai_responses.carrier import uncarry
from asbru.dialects.openai_responses.compaction import PROMPT
from asbru.dialects.openai_responses.parts import read_content
from asbru.dialects.openai_responses.tools import read_tools
from asbru.dialects.openai_responses.types import ITEM, NAME, decode_members, encode, take_item, take_message

CUSTOM: Final = "custom_tool_call_output"
"""The `type` of the result of a custom tool, kept in the `extra` of the result."""
BEGINS: Final[Extra] = {ITEM: Raw(b"{}")}
"""What marks the first part of a message item that follows another and has no id of its own."""
SUMMARY: Final = "summary"
ADDITIONAL_TOOLS: Final = Raw(b'"additional_tools"')
"""The item by which clients offer tools within the conversation (Codex offers all of its tools so)."""
_ROLES = "expected one of user, assistant, system, developer"


def read_input(fields: Fields) -> tuple[tuple[Message, ...], tuple[Tool | ForeignTool, ...]]:
    """`instructions` and `input` as messages, and the tools that stand among the items."""
    messages: list[Message] = []
    instructions = fields.peek("instructions")
    if instructions is not None:
        text = fields.need_text("instructions")
        messages.append(Message(role="system", parts=(TextPart(text=text),), plain=True))
    raw = fields.peek("input")
    if raw is None:
        raise fields.wrong("input", "expected a string or an array of items, got nothing")
    if bytes(memoryview(raw)[:1]) == b'"':
        text = fields.need_text("input")
        messages.append(Message(role="user", parts=(TextPart(text=text),), plain=True))
        return tuple(messages), ()
    items = fields.items("input") or []
    if not items:
        raise fields.wrong("input", "expected at least one item, got an empty array")
    tools: list[Tool | ForeignTool] = []
    read = _read_items(fields, items, tools)
    return (*messages, *_joined(read)), tuple(tools)


def _read_items(fields: Fields, items: Sequence[Raw], tools: list[Tool | ForeignTool]) -> Iterator[Message]:
    for at, raw in enumerate(items):
        item = fields.as_object(raw, f"input[{at}]")
        if item.peek("type") == ADDITIONAL_TOOLS:
            tools += read_tools(item) or ()
        else:
            yield read_item(item, raw)


def _joined(items: Iterator[Message]) -> Iterator[Message]:
    """The messages with neighbours of one kind put together."""
    last: Message | None = None
    for item in items:
        if last is not None and _continues(last, item):
            parts = item.parts
            if _is_said(last.parts[-1]) and _is_said(parts[0]) and isinstance(parts[0], TextPart):
                first = parts[0] if ITEM in parts[0].extra else _marked(parts[0], BEGINS)
                parts = (first, *parts[1:])
            last = msgspec.structs.replace(last, parts=last.parts + parts, plain=False)
            continue
        if last is not None:
            yield last
        last = item
    if last is not None:
        yield last


def _continues(last: Message, item: Message) -> bool:
    if not (last.parts and item.parts) or last.role != item.role or last.extra or item.extra:
        return False
    if item.role == "assistant":
        return True
    return isinstance(last.parts[-1], ToolResultPart) and isinstance(item.parts[0], ToolResultPart)


def _is_said(part: Part) -> bool:
    """Whether a part stands in a message item."""
    return not isinstance(part, (ThinkingPart, ToolCallPart, ForeignPart))


def _marked(part: TextPart, marks: Extra) -> TextPart:
    return msgspec.structs.replace(part, extra={**part.extra, **marks})


def read_item(item: Fields, raw: Raw) -> Message:
    """One item as a message of its own."""
    kind = item.text("type") or "message"
    match kind:
        case "message":
            return _read_message(item)
        case "function_call_output" | "custom_tool_call_output":
            return Message(role="user", parts=(_read_output(item, kind),))
        case "compaction_trigger":
            return Message(role="user", parts=(TextPart(text=PROMPT),), plain=True)
        case "compaction":
            raise item.wrong(
                "type", "a conversation that another provider has compacted; only that provider reads it"
            )
        case "item_reference":
            raise item.wrong("type", "a reference to an item that another provider may have stored; send the item")
        case _:
            return Message(role="assistant", parts=(read_said(item, kind, raw),))


def read_said(item: Fields, kind: str, raw: Raw) -> Part:
    """An item that is one part of what the assistant says: reasoning, a call, or one that is foreign."""
    match kind:
        case "reasoning":
            return _read_reasoning(item)
        case "function_call":
            marks = take_item(item)
            name, call_id = item.need_text("name"), item.need_text("call_id")
            arguments, namespace = item.text("arguments") or "", item.text("namespace")
            extra = {**item.rest_set(), **marks}
            return ToolCallPart(id=call_id, name=name, arguments=arguments, namespace=namespace, extra=extra)
        case "custom_tool_call":
            marks = take_item(item)
            name, call_id = item.need_text("name"), item.need_text("call_id")
            text, namespace = item.text("input") or "", item.text("namespace")
            extra = {**item.rest_set(), **marks}
            return ToolCallPart(id=call_id, name=name, arguments=text, custom=True, namespace=namespace, extra=extra)
        case _:
            return ForeignPart(dialect=NAME, kind=kind, raw=raw)


def _read_message(item: Fields) -> Message:
    role = item.need_text("role")
    if role not in ("user", "assistant", "system", "developer"):
        raise item.wrong("role", f'{_ROLES}, got "{role[:40]}"')
    parts, plain = read_content(item, "content")
    if role == "assistant" and parts and isinstance(parts[0], TextPart):
        return Message(role="assistant", parts=mark_first(parts, take_message(item)), plain=plain)
    marks = take_item(item)
    return Message(role=_role(role), parts=mark_first(parts, marks), plain=plain, extra=item.rest_set())


def _role(role: str) -> Role:
    return msgspec.convert(role, Role)


def mark_first(parts: tuple[Part, ...], marks: Extra) -> tuple[Part, ...]:
    """The parts of a message item, the first of which carries its marks, where it can."""
    if marks and parts and isinstance(parts[0], TextPart):
        return (_marked(parts[0], marks), *parts[1:])
    return parts


def _read_output(item: Fields, kind: str) -> ToolResultPart:
    call_id = item.need_text("call_id")
    parts, plain = read_content(item, "output")
    extra = take_item(item)
    if kind == CUSTOM:
        extra = {**extra, "type": Raw(encode(kind))}
    return ToolResultPart(call_id=call_id, parts=parts, plain=plain, extra={**item.rest_set(), **extra})


def _read_reasoning(item: Fields) -> ThinkingPart | RedactedThinkingPart:
    """Reasoning: what is shown of it (the summary, else its text), signed by what is encrypted of it. How the summary
    is split stays in `extra`, where it is more than one text."""
    extra: Extra = {}
    summary = item.raw(SUMMARY)
    texts = _texts(item, summary, SUMMARY)
    content = item.raw("content")
    if not texts and content is not None:
        texts = _texts(item, content, "content")
        extra["format"] = Raw(b'"content"')
    if len(texts) > 1:
        extra["index"] = Raw(encode([len(text) for text in texts]))
    signature = item.text("encrypted_content")
    marks = take_item(item)
    return uncarry(
        ThinkingPart(
            text="\n\n".join(texts),
            signature=signature,
            dialect=NAME,
            extra={**item.rest_set(), **extra, **marks},
        )
    )


def _texts(item: Fields, raw: Raw | None, name: str) -> list[str]:
    if raw is None:
        return []
    found: list[str] = []
    for at, one in enumerate(item.as_items(raw, name)):
        text = decode_members(one).get("text") if bytes(memoryview(one)[:1]) == b"{" else None
        if text is None:
            raise item.wrong(f"{name}[{at}]", "expected an object with a text")
        found.append(item.as_text(text, f"{name}[{at}].text"))
    return found
