"""Requests of the Messages API: the head alone, the rewrite for pass-through, and the whole read.

Two forms are normalised, because the API means the same by them: an explicit null, `is_error: false`,
`stream: false` and `type: "custom"` on a tool are left out, and the older `output_format` becomes
`output_config.format`. Everything else survives a read and a write. Not here: writing (`request_writer.py`).
"""

from __future__ import annotations

from typing import Final

from asbru.core.chat import (
    ChatRequest,
    Extra,
    ForeignPart,
    ForeignTool,
    Message,
    Raw,
    ResponseFormat,
    Role,
    TextPart,
    Tool,
    ToolChoice,
)
from asbru.core.errors import BadRequest
from asbru.dialects.anthropic_messages.blocks import read_cache, read_content
from asbru.dialects.anthropic_messages.plain import (
    read_plain_content,
    read_plain_message,
    read_plain_messages,
    read_plain_tools,
)
from asbru.dialects.anthropic_messages.reasoning import read_reasoning
from asbru.dialects.anthropic_messages.types import (
    BILLING,
    NAME,
    decode_count,
    decode_flag,
    decode_members,
    decode_text,
    encode,
)
from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.fields import (
    BOOLEAN,
    DECODE_ERRORS,
    INTEGER,
    NUMBER,
    TEXT,
    TEXTS,
    Fields,
    check_spelling,
    kind_of,
    open_body,
    refuse_request,
)
from asbru.dialects.surrogates import mend_surrogates

_SETTINGS: Final = {
    "max_tokens": ("max_tokens", INTEGER),
    "temperature": ("temperature", NUMBER),
    "top_p": ("top_p", NUMBER),
    "top_k": ("top_k", INTEGER),
    "stop_sequences": ("stop", TEXTS),
    "service_tier": ("service_tier", TEXT),
    "stream": ("stream", BOOLEAN),
}
"""Settings that are one value: the canonical name and how they are read."""

_JUDGED: Final = frozenset(("model", "stream", "max_tokens"))
"""What Asbru reads of a body that goes on as it came."""
_PLAIN: Final = frozenset((
    *_SETTINGS, "model", "messages", "system", "tools", "tool_choice", "thinking", "metadata", "output_config",
    "context_management",
))  # fmt: skip
"""Names that need no further look; all others are compared with those that are judged."""

_BILLING: Final = "x-anthropic-billing-header:"
"""How the first system block of Claude Code begins. It changes with every request and means something to Anthropic
only: text for any other model would make each prompt new to its cache."""

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def read_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """Model, stream and max_tokens; `BadRequest` for anything that is not a Messages request at all."""
    del parameters, query  # all of it stands in the body
    try:
        members = decode_members(body)
        model = decode_text(members["model"])
        stream = "stream" in members and decode_flag(members["stream"]) is True
        max_tokens = decode_count(members["max_tokens"]) if "max_tokens" in members else None
        if not _PLAIN.issuperset(members):
            check_spelling(members, _JUDGED)
        if not body.isascii():
            body.decode()
    except (KeyError, *DECODE_ERRORS) as error:
        mended = mend_surrogates(body)
        if mended is not body:
            return read_head(mended)
        raise _why_not(body, error) from None
    if not model:
        raise BadRequest("model: expected the name of a model, got an empty string", param="model")
    return RequestHead(model, stream, True, max_tokens, 1, members)


def _why_not(body: bytes, error: Exception) -> BadRequest:
    """The same again, to say what is wrong in words; `error` is for what only the decoder saw."""
    try:
        fields = open_body(body, refuse_request)
        fields.need_text("model")
        fields.boolean("stream")
        fields.integer("max_tokens")
    except BadRequest as refusal:
        return refusal
    return BadRequest(f"the body: expected a Messages request, got: {error}")


def rewrite(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """The members with another model and without those in `strip`; None when nothing changes.

    `ask_usage` has no meaning here: the API reports usage in every stream.
    """
    del ask_usage
    gone = strip & head.members.keys() if strip else strip
    if head.model == model and not gone:
        return None
    members = head.members.copy()
    members["model"] = Raw(encode(model))
    for name in gone:
        del members[name]
    return members


def read_request(body: bytes) -> ChatRequest:
    """The whole request; `BadRequest` names the path, what was expected and what came.

    Serves count_tokens too: `max_tokens` may be absent.
    """
    fields = open_body(body, refuse_request)
    model = fields.need_text("model")
    if not model:
        raise fields.wrong("model", "expected the name of a model, got an empty string")
    system, turns = _read_system(fields), _read_messages(fields)
    if not turns:
        raise fields.wrong("messages", "expected an array of at least one message, got an empty array")
    extra: Extra = {}
    response_format = None
    effort = None
    config = fields.child("output_config")
    if config is not None:
        effort = config.text("effort")
        response_format = _read_format(config, "format")
        if config.rest():
            extra["output_config"] = Raw(encode(config.rest()))
    if response_format is None:
        response_format = _read_format(fields, "output_format")
    user = None
    metadata = fields.child("metadata")
    if metadata is not None:
        user = metadata.text("user_id")
        if metadata.rest():
            extra["metadata"] = Raw(encode(metadata.rest()))
    tool_choice, parallel = _read_tool_choice(fields)
    return ChatRequest(
        model=model,
        messages=(*system, *turns),
        tools=_read_tools(fields),
        tool_choice=tool_choice,
        parallel_tool_calls=parallel,
        response_format=response_format,
        reasoning=read_reasoning(fields.child("thinking"), effort),
        user=user,
        include_usage=True,
        dialect=NAME,
        **fields.settings(_SETTINGS),
        extra={**fields.rest(), **extra},
    )


def _read_system(fields: Fields) -> tuple[Message, ...]:
    raw = fields.peek("system")
    if raw is None:
        return ()
    content = read_plain_content(raw)
    if content is None:
        content = read_content(fields, "system")
    else:
        fields.raw("system")
    parts, plain = content
    if not plain and parts and isinstance(parts[0], TextPart) and parts[0].text.startswith(_BILLING):
        first = fields.as_items(raw, "system")[0]
        parts = (ForeignPart(dialect=NAME, kind=BILLING, raw=first), *parts[1:])
    return (Message(role="system", parts=parts, plain=plain),)


def _read_messages(fields: Fields) -> list[Message]:
    raw = fields.peek("messages")
    plain = None if raw is None else read_plain_messages(raw)
    if plain is not None:
        fields.raw("messages")
        return plain
    items = enumerate(fields.need_items("messages"))
    return [read_plain_message(item) or _read_message(fields.as_object(item, f"messages[{n}]")) for n, item in items]


def _read_message(message: Fields) -> Message:
    word = message.need_text("role")
    role = _ROLES.get(word)
    if role is None:
        raise message.wrong("role", f'expected "user", "assistant" or "system", got "{word[:40]}"')
    parts, plain = read_content(message, "content")
    return Message(role=role, parts=parts, plain=plain, extra=message.rest())


def _read_format(fields: Fields, name: str) -> ResponseFormat | None:
    """A structured output format; one of an unknown type stays where it is, as an unknown field."""
    raw = fields.peek(name)
    fmt = None if raw is None else fields.as_object(raw, name)
    if fmt is None or fmt.text("type") != "json_schema":
        return None
    fields.raw(name)
    schema = fmt.raw("schema")
    return ResponseFormat(kind="json_schema", schema=schema, extra=fmt.rest())


def _read_tools(fields: Fields) -> tuple[Tool | ForeignTool, ...] | None:
    raw = fields.raw("tools")
    if raw is None:
        return None
    plain = read_plain_tools(raw)
    if plain is not None:
        return plain
    tools = enumerate(fields.as_items(raw, "tools"))
    return tuple(_read_tool(tool, fields.as_object(tool, f"tools[{n}]")) for n, tool in tools)


def _read_tool(raw: Raw, fields: Fields) -> Tool | ForeignTool:
    kind = fields.text("type") or "custom"
    if kind != "custom":
        return ForeignTool(dialect=NAME, kind=kind, raw=raw)
    schema = fields.raw("input_schema")
    if schema is not None and kind_of(schema) != "an object":
        raise fields.wrong("input_schema", f"expected a JSON Schema object, got {kind_of(schema)}")
    return Tool(
        name=fields.need_text("name"),
        description=fields.text("description"),
        parameters=schema,
        strict=fields.boolean("strict"),
        cache=read_cache(fields),
        extra=fields.rest(),
    )


def _read_tool_choice(fields: Fields) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether parallel calls are allowed where it says so."""
    raw = fields.peek("tool_choice")
    choice = fields.child("tool_choice")
    if choice is None or raw is None:
        return None, None
    kind = choice.need_text("type")
    disabled = choice.boolean("disable_parallel_tool_use")
    parallel = None if disabled is None else not disabled
    name = choice.need_text("name") if kind == "tool" else None
    if choice.rest() or kind not in ("auto", "any", "none", "tool"):
        return ToolChoice(mode="foreign", raw=raw, dialect=NAME), None
    return ToolChoice(mode=kind, name=name), parallel
