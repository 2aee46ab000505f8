"""A chat request's body, read into the canonical form; wrong types are complained of with their path.

Consecutive `tool` messages (the results of parallel calls) become one user message of tool results. The
legacy `function` role and `function_call` are read as tool results and calls; since they have no ids, ids
are made from the place of the call. A tool result without an id (Writer) answers the first call that has no
answer yet. Not here: the head alone (`head.py`), writing (`request_body.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from asbru.core.chat import (
    AudioPart,
    ChatRequest,
    Extra,
    Message,
    Part,
    Raw,
    Reasoning,
    RefusalPart,
    ResponseFormat,
    ToolCallPart,
    ToolResultPart,
)
from asbru.dialects.fields import BOOLEAN, INTEGER, NUMBER, TEXT, Fields, kind_of, open_body, refuse_request
from asbru.dialects.openai_chat.parts import raw_starts, read_cache, read_content
from asbru.dialects.openai_chat.plain import merge, read_plain_message, read_plain_messages, read_plain_request
from asbru.dialects.openai_chat.reasoning import read_reasoning
from asbru.dialects.openai_chat.tools import read_tool_calls, read_tool_choice, read_tools
from asbru.dialects.openai_chat.types import NAME

_SETTINGS: Final = {
    "temperature": ("temperature", NUMBER),
    "top_p": ("top_p", NUMBER),
    "top_k": ("top_k", INTEGER),
    "frequency_penalty": ("frequency_penalty", NUMBER),
    "presence_penalty": ("presence_penalty", NUMBER),
    "seed": ("seed", INTEGER),
    "n": ("choices", INTEGER),
    "top_logprobs": ("top_logprobs", INTEGER),
    "user": ("user", TEXT),
    "service_tier": ("service_tier", TEXT),
    "stream": ("stream", BOOLEAN),
    "parallel_tool_calls": ("parallel_tool_calls", BOOLEAN),
}
"""Settings that are one value: the canonical name and how they are read."""

_ROLES = "expected one of system, developer, user, assistant, tool, function"
_THINKING_MODES = {"enabled": "enabled", "disabled": "disabled", "adaptive": "adaptive"}


def read_request(body: bytes) -> ChatRequest:
    """The whole request; `BadRequest` with a path where it is not one."""
    plain = read_plain_request(body)
    if plain is not None:
        return plain
    fields = open_body(body, refuse_request)
    model = fields.need_text("model")
    if not model:
        raise fields.wrong("model", "expected the name of a model, got an empty string")
    messages = _read_messages(fields)
    settings = fields.settings(_SETTINGS)
    limit = fields.integer("max_completion_tokens")  # the modern name wins; the legacy one beside it rides along
    if limit is None or fields.peek("max_tokens") is None:  # null is as good as absent
        legacy = fields.integer("max_tokens")
        limit = legacy if limit is None else limit
    if not fields.rest():
        return ChatRequest(model=model, messages=messages, max_tokens=limit, dialect=NAME, **settings)
    include_usage, stream_extra = _read_stream_options(fields)
    return ChatRequest(
        model=model,
        messages=messages,
        tools=read_tools(fields),
        tool_choice=read_tool_choice(fields),
        response_format=_read_format(fields),
        reasoning=_read_reasoning_wish(fields),
        max_tokens=limit,
        stop=_read_stop(fields),
        logit_bias=fields.raw("logit_bias"),
        logprobs=_read_logprobs(fields),
        include_usage=include_usage,
        dialect=NAME,
        **settings,
        extra=fields.rest() | stream_extra,  # last: what nobody above has taken
    )


def _read_stream_options(fields: Fields) -> tuple[bool, Extra]:
    options = fields.child("stream_options")
    if options is None:
        return False, {}
    include = options.boolean("include_usage") or False
    left = options.rest()
    return include, {"stream_options": Raw(msgspec.json.encode(left))} if left else {}


def _read_stop(fields: Fields) -> tuple[str, ...] | None:
    raw = fields.peek("stop")
    if raw is None:
        return None
    if raw_starts(raw, b'"'):
        return (fields.need_text("stop"),)
    items = fields.items("stop") or []
    return tuple(fields.as_text(item, f"stop[{at}]") for at, item in enumerate(items))


def _read_logprobs(fields: Fields) -> bool | None:
    """The flag; a number (Together: how many) is left in place and rides along."""
    raw = fields.peek("logprobs")
    return fields.boolean("logprobs") if raw is None or kind_of(raw) != "a number" else None


def _read_format(fields: Fields) -> ResponseFormat | None:
    raw = fields.peek("response_format")
    if raw is None:
        return None
    form = fields.as_object(raw, "response_format")
    kind = form.need_text("type")
    if kind not in ("text", "json_object", "json_schema"):
        return None  # a vendor's own (a grammar): left in place, rides along
    fields.raw("response_format")
    if kind in ("text", "json_object"):
        return ResponseFormat(kind=kind, extra=form.rest())
    if "json_schema" not in form and "schema" in form:  # Together's form
        return ResponseFormat(kind=kind, schema=form.raw("schema"), extra=form.rest())
    schema = form.need_child("json_schema")
    return ResponseFormat(
        kind=kind,
        name=schema.text("name"),
        description=schema.text("description"),
        schema=schema.raw("schema"),
        strict=schema.boolean("strict"),
        extra=schema.rest(),
    )


def _read_reasoning_wish(fields: Fields) -> Reasoning | None:
    """How much to think: `reasoning_effort` (OpenAI), `reasoning` {} (OpenRouter), `thinking` {} (DeepSeek,
    Z.ai).

    What is unknown in the objects stays in `extra` under their names; `reasoning` there, even empty, tells
    the writer which form the caller chose.
    """
    effort = fields.text("reasoning_effort")
    extra: Extra = {}
    budget: int | None = None
    mode: str | None = None
    wish = fields.child("reasoning")
    if wish is not None:
        effort = wish.text("effort") or effort
        budget = wish.integer("max_tokens")
        enabled = wish.boolean("enabled")
        mode = None if enabled is None else ("enabled" if enabled else "disabled")
        extra["reasoning"] = Raw(msgspec.json.encode(wish.rest()))
    thinking = fields.child("thinking")
    if thinking is not None:
        word = thinking.text("type")
        mode = _THINKING_MODES.get(word or "")
        budget = thinking.integer("budget_tokens") if budget is None else budget
        left = thinking.rest()
        if word is not None and mode is None:
            left["type"] = Raw(msgspec.json.encode(word))
        if left:
            extra["thinking"] = Raw(msgspec.json.encode(left))
    asks = wish is not None and (effort or budget is not None or mode or wish.rest())
    if effort is None and not asks and thinking is None:
        return None  # an empty object asks for nothing
    return msgspec.convert({"effort": effort, "budget_tokens": budget, "mode": mode, "extra": extra}, Reasoning)


def _read_messages(fields: Fields) -> tuple[Message, ...]:
    raw = fields.raw("messages")
    items = None if raw is None else read_plain_messages(raw) or _open_messages(fields, raw)
    if not items:
        got = "nothing" if items is None else "an empty array"
        raise fields.wrong("messages", f"expected an array of at least one message, got {got}")
    return merge(_read_items(items))


def _read_items(items: Sequence[Message | ToolResultPart | Fields]) -> Iterator[Message | ToolResultPart]:
    legacy_ids: dict[str, str] = {}
    open_ids: list[str] = []  # of the calls that no result has answered yet
    for at, one in enumerate(items):
        item = _read_item(one, at, legacy_ids, open_ids) if isinstance(one, Fields) else one
        if isinstance(item, Message):
            if item.role == "assistant":
                open_ids = [part.id for part in item.parts if isinstance(part, ToolCallPart)]
        elif item.call_id in open_ids:
            open_ids.remove(item.call_id)
        yield item


def _open_messages(fields: Fields, raw: Raw) -> list[Message | ToolResultPart | Fields]:
    """The messages one by one: read where they are plain, else opened."""
    items = enumerate(fields.as_items(raw, "messages"))
    return [read_plain_message(item) or fields.as_object(item, f"messages[{at}]") for at, item in items]


def _read_item(
    item: Fields, at: int, legacy_ids: dict[str, str], open_ids: Sequence[str]
) -> Message | ToolResultPart:
    role = item.need_text("role")
    if role in ("tool", "function"):
        return _read_tool_result(item, role, legacy_ids, open_ids)
    if "function_call" in item:
        legacy_ids[_legacy_name(item)] = f"call_fn_{at}"
    return _read_message(item, role, at)


def _legacy_name(item: Fields) -> str:
    raw = item.peek("function_call")
    form = None if raw is None else item.as_object(raw, "function_call")
    return "" if form is None else form.text("name") or ""


def _read_tool_result(item: Fields, role: str, legacy_ids: dict[str, str], open_ids: Sequence[str]) -> ToolResultPart:
    name = item.text("name")
    if role == "tool":
        if "tool_call_id" in item or not open_ids:
            call_id = item.need_text("tool_call_id")
        else:
            call_id = open_ids[0]
    else:
        call_id = legacy_ids.get(name or "", "call_fn")
    parts, plain = read_content(item)
    return ToolResultPart(
        call_id=call_id, parts=parts, plain=plain, name=name, cache=read_cache(item), extra=item.rest_set()
    )


def _read_message(item: Fields, role: str, at: int) -> Message:
    name = item.text("name")
    if role == "assistant":
        return _read_assistant(item, name, at)
    if role not in ("system", "developer", "user"):
        raise item.wrong("role", f'{_ROLES}, got "{role[:40]}"')
    if "content" not in item:
        raise item.wrong("content", "expected a string or an array of parts, got nothing")
    parts, plain = read_content(item)
    cache = read_cache(item)
    return Message(role=role, parts=parts, plain=plain, name=name, cache=cache, extra=item.rest_set())


def _read_assistant(item: Fields, name: str | None, at: int) -> Message:
    """An earlier answer: reasoning first, then what was said, then calls; chat knows no other order."""
    parts: list[Part] = list(read_reasoning(item))
    content, plain = read_content(item)
    parts += content
    refusal = item.text("refusal")
    if refusal:
        parts.append(RefusalPart(text=refusal))
    audio = item.child("audio")
    if audio is not None:
        parts.append(AudioPart(id=audio.need_text("id"), extra=audio.rest()))
    parts += read_tool_calls(item, f"call_fn_{at}")
    cache = read_cache(item)
    return Message(role="assistant", parts=tuple(parts), plain=plain, name=name, cache=cache, extra=item.rest_set())
