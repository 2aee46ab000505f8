"""The plain case, decoded in one go: text, tool calls, results and thinking with nothing unknown about them.

Every struct here forbids members that it does not name, so that what decodes is understood whole and nothing has to
ride along. The functions give None for all else, wrong or merely unusual, and the readers then take it member by
member (`blocks.py`, `request.py`, `response.py`): they carry what is unknown and find the words for what is wrong.
Both ways give the same; a test holds them to it. Not here: writing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec

from asbru.core.chat import (
    CacheMark,
    Choice,
    Extra,
    Message,
    Part,
    Raw,
    TextPart,
    ThinkingPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from asbru.core.reply import ChatReply
from asbru.dialects.anthropic_messages.blocks import read_thought
from asbru.dialects.anthropic_messages.tool_ids import read_tool_id
from asbru.dialects.anthropic_messages.types import NAME, STOP_READ, CacheCreationWire, OutputDetailsWire, UsageWire
from asbru.dialects.anthropic_messages.usage import usage_extra_raw, usage_from
from asbru.dialects.fields import DECODE_ERRORS, NULL


class CacheWire(msgspec.Struct, forbid_unknown_fields=True):
    """A `cache_control` member."""

    type: str
    ttl: str | None = None

    def mark(self) -> CacheMark:
        """The canonical mark."""
        return CacheMark(kind=self.type or "ephemeral", ttl=self.ttl)


class TextFields(msgspec.Struct, forbid_unknown_fields=True):
    """What a text block without citations holds beside its type."""

    text: str
    cache_control: CacheWire | None = None
    citations: None = None

    def part(self) -> TextPart:
        """The canonical part."""
        cache = self.cache_control
        return TextPart(text=self.text) if cache is None else TextPart(text=self.text, cache=cache.mark())


class TextWire(TextFields, tag="text"):
    """A text block among blocks of other types."""


class OnlyTextWire(TextFields, kw_only=True):
    """A text block where no other is plain. Its type is a member: a tag may be left out where nothing is to choose."""

    type: Literal["text"]


class ThinkingWire(msgspec.Struct, tag="thinking", forbid_unknown_fields=True):
    """A thinking block."""

    thinking: str
    signature: str | None = None

    def part(self) -> ThinkingPart:
        """The canonical part."""
        return read_thought(self.thinking, self.signature, {})


class ToolUseWire(msgspec.Struct, tag="tool_use", forbid_unknown_fields=True):
    """A tool call; its input stays as it came."""

    id: str
    name: str
    input: Raw = NULL
    cache_control: CacheWire | None = None

    def part(self) -> ToolCallPart:
        """The canonical part; `ValidationError` when the input is neither absent nor an object."""
        arguments = "" if self.input == NULL else bytes(self.input).decode()
        if arguments and not arguments.startswith("{"):
            raise msgspec.ValidationError("expected an object as input")
        cache = None if self.cache_control is None else self.cache_control.mark()
        return ToolCallPart(id=read_tool_id(self.id), name=self.name, arguments=arguments, cache=cache)


class ToolResultWire(msgspec.Struct, tag="tool_result", forbid_unknown_fields=True):
    """A tool result that is a string, texts or nothing."""

    tool_use_id: str
    content: str | list[OnlyTextWire] | None = None
    is_error: bool | None = None
    cache_control: CacheWire | None = None

    def part(self) -> ToolResultPart:
        """The canonical part."""
        content = () if self.content is None else parts_of(self.content)
        return ToolResultPart(
            call_id=read_tool_id(self.tool_use_id),
            parts=content,
            plain=not isinstance(self.content, list),
            is_error=self.is_error or False,
            cache=None if self.cache_control is None else self.cache_control.mark(),
        )


BlockWire: TypeAlias = TextWire | ThinkingWire | ToolUseWire | ToolResultWire


class MessageWire(msgspec.Struct, forbid_unknown_fields=True):
    """One turn."""

    role: Literal["user", "assistant", "system"]
    content: str | list[BlockWire]

    def message(self) -> Message:
        """The canonical message."""
        content = self.content
        return Message(role=self.role, parts=parts_of(content), plain=isinstance(content, str))


class ToolWire(msgspec.Struct, forbid_unknown_fields=True):
    """A tool that the caller runs."""

    name: str
    description: str | None = None
    input_schema: Raw = NULL
    strict: bool | None = None
    cache_control: CacheWire | None = None
    type: Literal["custom"] = "custom"

    def tool(self) -> Tool:
        """The canonical tool; `ValidationError` when the schema is neither absent nor an object."""
        schema = self.input_schema
        if schema != NULL and memoryview(schema)[0] != 0x7B:
            raise msgspec.ValidationError("expected an object as input_schema")
        return Tool(
            name=self.name,
            description=self.description,
            parameters=None if schema == NULL else schema,
            strict=self.strict,
            cache=None if self.cache_control is None else self.cache_control.mark(),
        )


class CacheCreationWhole(CacheCreationWire, forbid_unknown_fields=True):
    """Cache writes by lifetime, and no other."""


class OutputDetailsWhole(OutputDetailsWire, forbid_unknown_fields=True):
    """What part of the output was reasoning, and nothing else."""


class UsageWhole(UsageWire, frozen=True, forbid_unknown_fields=True):
    """A usage object: the counts, and what the API says beside them."""

    cache_creation: CacheCreationWhole | None = None
    output_tokens_details: OutputDetailsWhole | None = None
    service_tier: str | None = None
    speed: None = None
    server_tool_use: None = None
    iterations: None = None


class ReplyWire(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A whole answer, its members in the order of the API, in which they are found fastest."""

    id: str | None = None
    type: Literal["message"] = "message"
    role: str | None = None
    model: str | None = None
    content: list[BlockWire]
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: UsageWhole | None = None
    stop_details: None = None
    container: None = None
    context_management: None = None


_decode_messages = msgspec.json.Decoder(list[MessageWire]).decode
_decode_message = msgspec.json.Decoder(MessageWire).decode
_decode_tools = msgspec.json.Decoder(list[ToolWire]).decode
_decode_content: Callable[[Raw], str | list[BlockWire]] = msgspec.json.Decoder[Any](str | list[BlockWire]).decode
_decode_reply = msgspec.json.Decoder(ReplyWire).decode


def parts_of(content: str | list[BlockWire] | list[OnlyTextWire]) -> tuple[Part, ...]:
    """The canonical parts of a `content` member."""
    if isinstance(content, str):
        return (TextPart(text=content),)
    return tuple([block.part() for block in content])


def read_plain_messages(raw: Raw) -> list[Message] | None:
    """The messages, if all of them are plain."""
    try:
        return [wire.message() for wire in _decode_messages(raw)]
    except DECODE_ERRORS:
        return None


def read_plain_message(raw: Raw) -> Message | None:
    """One message, if it is plain."""
    try:
        return _decode_message(raw).message()
    except DECODE_ERRORS:
        return None


def read_plain_content(raw: Raw) -> tuple[tuple[Part, ...], bool] | None:
    """The parts of a `content` or `system` member, if they are plain, and whether it was one string."""
    try:
        content = _decode_content(raw)
        return parts_of(content), isinstance(content, str)
    except DECODE_ERRORS:
        return None


def read_plain_tools(raw: Raw) -> tuple[Tool, ...] | None:
    """The tools, if all of them are plain."""
    try:
        return tuple([wire.tool() for wire in _decode_tools(raw)])
    except DECODE_ERRORS:
        return None


def read_plain_reply(body: bytes) -> ChatReply | None:
    """A whole answer, if it is plain."""
    try:
        wire = _decode_reply(body)
        parts = parts_of(wire.content)
    except DECODE_ERRORS:
        return None
    extra: Extra = {}
    usage = wire.usage
    if usage is not None and usage.inference_geo != NULL:
        extra = usage_extra_raw({"inference_geo": usage.inference_geo})
        if not _is_utf8(body):  # what rides along raw has not been looked at
            return None
    word = wire.stop_reason
    choice = Choice(
        index=0,
        parts=parts,
        stop=None if word is None else STOP_READ.get(word, "other"),
        raw_stop=word,
        stop_sequence=wire.stop_sequence,
    )
    return ChatReply(
        id=wire.id or "",
        model=wire.model or "",
        choices=(choice,),
        usage=usage_from(usage),
        service_tier=None if usage is None else usage.service_tier,
        dialect=NAME,
        extra=extra,
    )


def _is_utf8(body: bytes) -> bool:
    try:
        return body.isascii() or bool(body.decode())
    except UnicodeDecodeError:
        return False
