"""The canonical chat format: what every dialect is read into and written from.

One request, one reply, one stream of events. It is a union wide enough that what two dialects can both express
survives a trip through it; what only one dialect knows rides along as `extra` (unknown fields), `ForeignPart` or
`ForeignTool` (unknown members of an open set), tagged with the dialect that understands it, so that it is written
back unchanged there and named in a `Note` everywhere else. Not here: how any of it looks on a wire.

Invariants a reader of a dialect establishes:
- `messages` holds the conversation in order. System text that leads the conversation is a `system`/`developer`
  message like any other; a dialect with a top-level system field writes leading ones there.
- Tool results are parts of a `user` message (role "user"), several results of parallel calls in one message.
- `ToolCall.arguments` and `Tool.parameters` are JSON text as it came (never re-serialised by the core).
- Base64 data is carried as it came: text, never decoded.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Raw: TypeAlias = msgspec.Raw
Extra: TypeAlias = dict[str, Raw]
"""Members of a JSON object that the canonical form has no place for, as raw JSON, by name."""

Role: TypeAlias = Literal["system", "developer", "user", "assistant"]
StopReason: TypeAlias = Literal[
    "stop", "length", "tool_calls", "stop_sequence", "refusal", "pause", "context_window", "other"
]
"""`stop`: the model ended its turn. `length`: a token limit. `other`: see the raw value in `extra`."""


class CacheMark(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt-cache border after the part that carries it. `ttl` is the provider's word ("5m", "1h") or None."""

    kind: str = "ephemeral"
    ttl: str | None = None
    extra: Extra = {}


class TextPart(msgspec.Struct, frozen=True, kw_only=True, tag="text"):
    """Plain text. `citations` is raw JSON (a list) in the dialect named by `citations_dialect`."""

    text: str
    cache: CacheMark | None = None
    citations: Raw | None = None
    citations_dialect: str | None = None
    extra: Extra = {}


class MediaSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where bytes come from: exactly one of `url`, `data` (base64 text) or `file_id` is set."""

    media_type: str | None = None
    url: str | None = None
    data: str | None = None
    file_id: str | None = None


class ImagePart(msgspec.Struct, frozen=True, kw_only=True, tag="image"):
    """An image. `detail` is OpenAI's hint ("low", "high", "auto")."""

    source: MediaSource
    detail: str | None = None
    cache: CacheMark | None = None
    extra: Extra = {}


class DocumentPart(msgspec.Struct, frozen=True, kw_only=True, tag="document"):
    """A document (PDF or text). `text` holds a plain-text document; `parts` one made of content parts."""

    source: MediaSource | None = None
    text: str | None = None
    parts: tuple[Part, ...] | None = None
    title: str | None = None
    context: str | None = None
    citations: Raw | None = None
    cache: CacheMark | None = None
    extra: Extra = {}


class AudioPart(msgspec.Struct, frozen=True, kw_only=True, tag="audio"):
    """Audio in a request (`data` base64, `format` such as "wav") or in a reply (`id`, `transcript`)."""

    data: str | None = None
    format: str | None = None
    id: str | None = None
    transcript: str | None = None
    extra: Extra = {}


class ThinkingPart(msgspec.Struct, frozen=True, kw_only=True, tag="thinking"):
    """The model's reasoning as it is shown. `signature` proves it to the provider that made it (`dialect`)."""

    text: str
    signature: str | None = None
    dialect: str | None = None
    extra: Extra = {}


class RedactedThinkingPart(msgspec.Struct, frozen=True, kw_only=True, tag="redacted_thinking"):
    """Reasoning only the provider can read; `data` must go back to it unchanged."""

    data: str
    dialect: str | None = None
    extra: Extra = {}


class RefusalPart(msgspec.Struct, frozen=True, kw_only=True, tag="refusal"):
    """The model's own words for declining (OpenAI `refusal`)."""

    text: str


class ToolCallPart(msgspec.Struct, frozen=True, kw_only=True, tag="tool_call"):
    """The assistant asks for a tool. `arguments` is JSON text ("" when none); `custom` marks free-text input;
    `namespace` is the group that the tool belongs to, in dialects that group tools."""

    id: str
    name: str
    arguments: str
    custom: bool = False
    namespace: str | None = None
    cache: CacheMark | None = None
    extra: Extra = {}


class ToolResultPart(msgspec.Struct, frozen=True, kw_only=True, tag="tool_result"):
    """The answer to a `ToolCallPart`. `plain` tells that the wire held one string, not a list of parts."""

    call_id: str
    parts: tuple[Part, ...] = ()
    plain: bool = True
    is_error: bool = False
    name: str | None = None
    cache: CacheMark | None = None
    extra: Extra = {}


class ForeignPart(msgspec.Struct, frozen=True, kw_only=True, tag="foreign"):
    """A part that only `dialect` understands, as raw JSON; `kind` is its type there. `text`: what it says, where it can
    be said in words to others."""

    dialect: str
    kind: str
    raw: Raw
    text: str | None = None


Part: TypeAlias = (
    TextPart
    | ImagePart
    | DocumentPart
    | AudioPart
    | ThinkingPart
    | RedactedThinkingPart
    | RefusalPart
    | ToolCallPart
    | ToolResultPart
    | ForeignPart
)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. `plain` tells that the wire held one string; writers may use the shorter form. `cache`: a cache mark on
    the message as a whole, as gateways of the OpenAI family take it."""

    role: Role
    parts: tuple[Part, ...]
    plain: bool = False
    name: str | None = None
    cache: CacheMark | None = None
    extra: Extra = {}


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function the model may call. `parameters` is raw JSON Schema; None means no parameters were given."""

    name: str
    description: str | None = None
    parameters: Raw | None = None
    strict: bool | None = None
    cache: CacheMark | None = None
    extra: Extra = {}


class StandIn(msgspec.Struct, frozen=True, kw_only=True):
    """A function that other dialects are offered in place of a tool that they do not have.

    `tool`: the function as it is offered. `name`, `namespace`: what the caller calls it. `custom`: its input is free
    text, which the function takes as one string.
    """

    tool: Tool
    name: str
    namespace: str | None = None
    custom: bool = False


class ForeignTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that only `dialect` understands (a server-side tool, a custom grammar), as raw JSON. `stand_ins`: the
    functions that others can be offered in its place."""

    dialect: str
    kind: str
    raw: Raw
    stand_ins: tuple[StandIn, ...] = ()


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """`mode`: auto, any (must call some tool), none, or tool (must call `name`). `raw`: a foreign form; `allowed`: the
    functions among which it lets the model choose, and `forced` that it must call one."""

    mode: Literal["auto", "any", "none", "tool", "foreign"]
    name: str | None = None
    raw: Raw | None = None
    dialect: str | None = None
    allowed: tuple[str, ...] | None = None
    forced: bool | None = None


class ResponseFormat(msgspec.Struct, frozen=True, kw_only=True):
    """Structured output. `schema` is raw JSON Schema and is set for json_schema only."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: Raw | None = None
    strict: bool | None = None
    extra: Extra = {}


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model should think. Any of the fields may be set; a writer uses what its dialect has.

    `effort`: none, minimal, low, medium, high, xhigh, max. `budget_tokens`: Anthropic's budget.
    `mode`: enabled, disabled, adaptive. `display`: how thinking is shown (summarized, omitted).
    """

    effort: str | None = None
    budget_tokens: int | None = None
    mode: Literal["enabled", "disabled", "adaptive"] | None = None
    display: str | None = None
    extra: Extra = {}


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A chat call. Fields that are None were absent: the dialect's default holds."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool | ForeignTool, ...] | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: Reasoning | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    choices: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    logit_bias: Raw | None = None
    user: str | None = None
    service_tier: str | None = None
    stream: bool = False
    include_usage: bool = False
    dialect: str = ""
    """The dialect this was read from: whose fields `extra` holds."""
    extra: Extra = {}


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of a reply. `raw_stop` is the provider's own word for why it stopped."""

    index: int
    parts: tuple[Part, ...]
    stop: StopReason | None
    raw_stop: str | None = None
    stop_sequence: str | None = None
    logprobs: Raw | None = None
    extra: Extra = {}
