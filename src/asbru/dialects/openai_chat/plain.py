"""The plain case, decoded in one go: texts, tool calls, their results and tools with nothing unknown about them.

Every struct here forbids members that it does not name, so that what decodes is understood whole and nothing has to
ride along. The functions give None for all else, wrong or merely unusual, and the readers then take it member by
member (`request.py`, `parts.py`, `response.py`): they carry what is unknown and find the words for what is wrong.
Both ways give the same; a test holds them to it. Not here: writing, and what a stream's chunks add up to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, ClassVar, Final, Literal, TypeAlias

import msgspec

from asbru.core.chat import (
    ChatRequest,
    Choice,
    Extra,
    Message,
    Part,
    Raw,
    Reasoning,
    RefusalPart,
    Role,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from asbru.core.reply import ChatReply
from asbru.dialects.fields import NULL
from asbru.dialects.openai_chat.reasoning import plain_thought
from asbru.dialects.openai_chat.stops import FAILED, read_stop
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_chat.usage import read_usage

_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_Nothing = Annotated[list[Raw], msgspec.Meta(max_length=0)]


class TextWire(msgspec.Struct, forbid_unknown_fields=True):
    """A text part. Its type is a member, not a tag: a tag may be left out where there is nothing to choose from."""

    text: str
    type: Literal["text"]


class FunctionWire(msgspec.Struct, forbid_unknown_fields=True):
    """The inside of a call."""

    name: str
    arguments: str


class CallWire(msgspec.Struct, forbid_unknown_fields=True):
    """A call of a function. Its index only repeats its place."""

    id: str
    function: FunctionWire
    type: Literal["function"] = "function"
    index: int | None = None

    def part(self) -> ToolCallPart:
        """The canonical part; `ValidationError` where an id must be made up."""
        if not self.id:
            raise msgspec.ValidationError("expected an id")
        return ToolCallPart(id=self.id, name=self.function.name, arguments=self.function.arguments)


class InstructionWire(msgspec.Struct, tag_field="role", forbid_unknown_fields=True):
    """What system, developer and user messages have in common; the tag of each is its role."""

    content: str | list[TextWire]
    name: str | None = None
    tool_calls: None = None

    role: ClassVar[Role]

    def read(self) -> Message:
        """The canonical message."""
        content = self.content
        if isinstance(content, str):
            return Message(role=self.role, parts=(TextPart(text=content),), plain=True, name=self.name)
        return Message(role=self.role, parts=_texts(content), name=self.name)


class SystemWire(InstructionWire, tag="system"):
    """A system message."""

    role = "system"


class DeveloperWire(InstructionWire, tag="developer"):
    """A developer message."""

    role = "developer"


class UserWire(InstructionWire, tag="user"):
    """A user's message."""

    role = "user"


class AssistantWire(msgspec.Struct, tag_field="role", tag="assistant", forbid_unknown_fields=True):
    """An earlier answer."""

    content: str | list[TextWire] | None = None
    name: str | None = None
    tool_calls: list[CallWire] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    refusal: None = None
    audio: None = None
    function_call: None = None

    def read(self) -> Message:
        """The canonical message: reasoning, content, calls."""
        content = self.content
        parts = _texts(content)
        thought = plain_thought(self.reasoning_content, self.reasoning)
        if thought is not None:
            parts = (thought, *parts)
        if self.tool_calls:
            parts = (*parts, *[call.part() for call in self.tool_calls])
        return Message(role="assistant", parts=parts, plain=isinstance(content, str), name=self.name)


class ResultWire(msgspec.Struct, tag_field="role", tag="tool", forbid_unknown_fields=True):
    """The result of a call."""

    content: str | list[TextWire]
    tool_call_id: str
    name: str | None = None

    def read(self) -> ToolResultPart:
        """The canonical result."""
        content = self.content
        return ToolResultPart(
            call_id=self.tool_call_id, parts=_texts(content), plain=isinstance(content, str), name=self.name
        )


MessageWire: TypeAlias = SystemWire | DeveloperWire | UserWire | AssistantWire | ResultWire


def _texts(content: str | list[TextWire] | None) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(text=content),)
    return tuple([TextPart(text=one.text) for one in content]) if content else ()


class FunctionToolWire(msgspec.Struct, forbid_unknown_fields=True):
    """The inside of a tool."""

    name: str
    description: str | None = None
    parameters: Raw = NULL
    strict: bool | None = None


class ToolWire(msgspec.Struct, forbid_unknown_fields=True):
    """A function that may be called."""

    function: FunctionToolWire
    type: Literal["function"] = "function"

    def tool(self) -> Tool:
        """The canonical tool; `ValidationError` when the parameters are neither absent nor an object."""
        function = self.function
        parameters = function.parameters
        if parameters == NULL:
            return Tool(name=function.name, description=function.description, strict=function.strict)
        if memoryview(parameters)[0] != 0x7B:
            raise msgspec.ValidationError("expected an object as parameters")
        return Tool(
            name=function.name, description=function.description, parameters=parameters, strict=function.strict
        )


class StreamOptionsWire(msgspec.Struct, forbid_unknown_fields=True):
    """The option of a stream."""

    include_usage: bool | None = None


class RequestWire(msgspec.Struct, forbid_unknown_fields=True):
    """A whole request with the settings that most have."""

    model: Annotated[str, msgspec.Meta(min_length=1)]
    messages: Annotated[list[MessageWire], msgspec.Meta(min_length=1)]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stream: bool | None = None
    stream_options: StreamOptionsWire | None = None
    tools: list[ToolWire] | None = None
    tool_choice: Literal["auto", "none", "required"] | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: str | None = None
    user: str | None = None


class AnswerWire(msgspec.Struct, forbid_unknown_fields=True):
    """The message of an answer."""

    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    tool_calls: list[CallWire] | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    annotations: _Nothing | None = None
    audio: None = None
    function_call: None = None

    def parts(self) -> tuple[Part, ...]:
        """The canonical parts. An empty text beside something else says nothing."""
        calls = [call.part() for call in self.tool_calls] if self.tool_calls else []
        thought = plain_thought(self.reasoning_content, self.reasoning)
        parts: list[Part] = [] if thought is None else [thought]
        if self.content or (self.content is not None and not (calls or self.refusal or parts)):
            parts.append(TextPart(text=self.content))
        if self.refusal:
            parts.append(RefusalPart(text=self.refusal))
        return (*parts, *calls)


class ChoiceWire(msgspec.Struct, forbid_unknown_fields=True):
    """A choice of an answer."""

    message: AnswerWire
    index: int | None = None
    finish_reason: str | None = None
    logprobs: Raw = NULL


class ReplyWire(msgspec.Struct, forbid_unknown_fields=True):
    """A whole answer, with the members that several providers add."""

    choices: list[ChoiceWire]
    id: str | None = None
    object: Raw = NULL
    model: str | None = None
    created: int | None = None
    usage: Raw = NULL
    service_tier: str | None = None
    system_fingerprint: Raw = NULL
    x_groq: Raw = NULL
    usage_breakdown: Raw = NULL
    prompt_filter_results: Raw = NULL
    provider: Raw = NULL


class ArgumentsWire(msgspec.Struct, forbid_unknown_fields=True):
    """The inside of a call's fragment."""

    arguments: str
    name: None = None


class FragmentWire(msgspec.Struct, forbid_unknown_fields=True):
    """More arguments of a call that has begun."""

    index: int
    function: ArgumentsWire
    id: None = None
    type: Literal["function"] | None = None


class DeltaWire(msgspec.Struct, forbid_unknown_fields=True):
    """More of what is being said, thought or called; `role` and `channel` are no part of it."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: Annotated[list[FragmentWire], msgspec.Meta(min_length=1, max_length=1)] | None = None
    role: str | None = None
    channel: str | None = None
    refusal: None = None
    function_call: None = None


class DeltaChoiceWire(msgspec.Struct):
    """A choice that goes on: without a finish reason its other members are no facts about the answer."""

    delta: DeltaWire
    index: int | None = None
    finish_reason: None = None
    logprobs: None = None
    error: None = None


class ChunkWire(msgspec.Struct):
    """A chunk in the middle of a stream with one choice; its other members were told by the first chunk."""

    choices: Annotated[list[DeltaChoiceWire], msgspec.Meta(min_length=1, max_length=1)]
    usage: None = None
    x_groq: None = None
    error: None = None


_CHOICES: Final[dict[str, ToolChoice]] = {
    "auto": ToolChoice(mode="auto"),
    "none": ToolChoice(mode="none"),
    "required": ToolChoice(mode="any"),
}
_RIDING = ("system_fingerprint", "x_groq", "usage_breakdown", "prompt_filter_results", "provider")
_decode_request = msgspec.json.Decoder(RequestWire).decode
_decode_messages = msgspec.json.Decoder(list[MessageWire]).decode
_decode_message: Callable[[Raw], MessageWire] = msgspec.json.Decoder[Any](MessageWire).decode
_decode_tools = msgspec.json.Decoder(list[ToolWire]).decode
_decode_reply = msgspec.json.Decoder(ReplyWire).decode
_decode_chunk = msgspec.json.Decoder(ChunkWire).decode


def read_plain_request(body: bytes) -> ChatRequest | None:
    """A whole request, if it is plain."""
    try:
        wire = _decode_request(body)
        messages = merge([message.read() for message in wire.messages])
        tools = None if wire.tools is None else tuple([tool.tool() for tool in wire.tools])
    except _ERRORS:
        return None
    limit = wire.max_completion_tokens
    if limit is None:
        limit = wire.max_tokens
    elif wire.max_tokens is not None:
        return None  # the legacy name beside the modern one rides along
    if tools and not _is_utf8(body):  # parameters are kept as they came, and have not been looked at
        return None
    return ChatRequest(
        model=wire.model,
        messages=messages,
        tools=tools,
        tool_choice=None if wire.tool_choice is None else _CHOICES[wire.tool_choice],
        parallel_tool_calls=wire.parallel_tool_calls,
        reasoning=None if wire.reasoning_effort is None else Reasoning(effort=wire.reasoning_effort),
        max_tokens=limit,
        temperature=wire.temperature,
        top_p=wire.top_p,
        user=wire.user,
        stream=wire.stream is True,
        include_usage=wire.stream_options is not None and wire.stream_options.include_usage is True,
        dialect=NAME,
    )


def merge(items: Iterable[Message | ToolResultPart]) -> tuple[Message, ...]:
    """Messages in order; results in a row become one message of the user."""
    messages: list[Message] = []
    results: list[ToolResultPart] = []
    for item in items:
        if isinstance(item, ToolResultPart):
            results.append(item)
            continue
        if results:
            messages.append(Message(role="user", parts=tuple(results)))
            results = []
        messages.append(item)
    if results:
        messages.append(Message(role="user", parts=tuple(results)))
    return tuple(messages)


def read_plain_messages(raw: Raw) -> list[Message | ToolResultPart] | None:
    """The messages, if all of them are plain."""
    try:
        return [wire.read() for wire in _decode_messages(raw)]
    except _ERRORS:
        return None


def read_plain_message(raw: Raw) -> Message | ToolResultPart | None:
    """One message, if it is plain."""
    try:
        return _decode_message(raw).read()
    except _ERRORS:
        return None


def read_plain_tools(raw: Raw) -> tuple[Tool, ...] | None:
    """The tools, if all of them are plain."""
    try:
        return tuple([wire.tool() for wire in _decode_tools(raw)])
    except _ERRORS:
        return None


def read_plain_reply(body: bytes) -> ChatReply | None:
    """A whole answer, if it is plain."""
    try:
        wire = _decode_reply(body)
        choices = tuple([_choice(choice, at) for at, choice in enumerate(wire.choices)])
    except _ERRORS:
        return None
    extra: Extra = {name: raw for name in _RIDING if (raw := getattr(wire, name)) != NULL}
    if not _is_utf8(body):  # what rides along raw has not been looked at
        return None
    return ChatReply(
        id=wire.id or "",
        model=wire.model or "",
        choices=choices,
        usage=read_usage(wire.usage),
        created_s=wire.created,
        service_tier=wire.service_tier or None,
        dialect=NAME,
        extra=extra,
    )


def _choice(wire: ChoiceWire, at: int) -> Choice:
    parts = wire.message.parts()
    if wire.finish_reason in FAILED:
        raise msgspec.ValidationError("expected a choice that did not fail")
    return Choice(
        index=at if wire.index is None else wire.index,
        parts=parts,
        stop=read_stop(wire.finish_reason, bool(wire.message.tool_calls)),
        raw_stop=wire.finish_reason,
        logprobs=None if wire.logprobs == NULL else wire.logprobs,
    )


def read_plain_chunk(data: bytes) -> DeltaChoiceWire | None:
    """The one choice of a chunk that only goes on with a delta."""
    try:
        choice = _decode_chunk(data).choices[0]
    except _ERRORS:
        return None
    return choice if data.isascii() or _is_utf8(data) else None


def _is_utf8(body: bytes) -> bool:
    try:
        return body.isascii() or bool(body.decode())
    except UnicodeDecodeError:
        return False
