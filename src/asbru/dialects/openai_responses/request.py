"""A request's body, read into the canonical form; wrong types are complained of with their path.

A conversation that the provider stores (`previous_response_id`, `conversation`, a stored `prompt`) cannot be read: only
that provider has it. Not here: items (`items.py`), the head alone (`head.py`), writing (`request_writer.py`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import ChatRequest, Extra, Message, Raw, Reasoning, ResponseFormat, TextPart, ToolChoice
from asbru.dialects.fields import BOOLEAN, DECODE_ERRORS, INTEGER, NUMBER, TEXT, Fields, open_body, refuse_request
from asbru.dialects.openai_responses.compaction import PROMPT
from asbru.dialects.openai_responses.items import read_input
from asbru.dialects.openai_responses.tools import read_tool_choice, read_tools
from asbru.dialects.openai_responses.types import ITEM, NAME, encode

LOGPROBS: Final = "message.output_text.logprobs"
"""The word in `include` that asks for log probabilities."""

_SETTINGS: Final = {
    "temperature": ("temperature", NUMBER),
    "top_p": ("top_p", NUMBER),
    "max_output_tokens": ("max_tokens", INTEGER),
    "top_logprobs": ("top_logprobs", INTEGER),
    "user": ("user", TEXT),
    "service_tier": ("service_tier", TEXT),
    "stream": ("stream", BOOLEAN),
    "parallel_tool_calls": ("parallel_tool_calls", BOOLEAN),
}
"""Settings that are one value: the canonical name and how they are read."""
_STORED: Final = ("previous_response_id", "conversation", "prompt")
_SUMMARISE: Final = Message(role="user", parts=(TextPart(text=PROMPT),), plain=True)
"""What asks a model for a summary: it must not call a tool in its place."""
_texts = msgspec.json.Decoder(list[str]).decode


def read_request(body: bytes) -> ChatRequest:
    """The whole request; `BadRequest` with a path where it is not one."""
    fields = open_body(body, refuse_request)
    model = fields.need_text("model")
    if not model:
        raise fields.wrong("model", "expected the name of a model, got an empty string")
    for name in _STORED:
        if fields.peek(name) is not None:
            raise fields.wrong(
                name,
                "the provider of this model cannot read what another provider has stored; send all content in `input`",
            )
    if fields.peek("background") is not None and fields.boolean("background"):
        raise fields.wrong("background", "only a provider of this API can answer later; omit it")
    settings = fields.settings(_SETTINGS)
    form, text = _read_text(fields)
    logprobs, include = _read_include(fields)
    messages, added = read_input(fields)
    tools = read_tools(fields)
    choice = read_tool_choice(fields)
    if (tools or added) and messages[-1:] == (_SUMMARISE,):
        choice = ToolChoice(mode="none")
    return ChatRequest(
        model=model,
        messages=messages,
        tools=(*(tools or ()), *added) if added else tools,
        tool_choice=choice,
        response_format=form,
        reasoning=_read_reasoning(fields),
        logprobs=logprobs,
        include_usage=True,
        dialect=NAME,
        **settings,
        extra=fields.rest_set() | text | include,  # last: what nobody above has taken
    )


def _read_text(fields: Fields) -> tuple[ResponseFormat | None, Extra]:
    text = fields.child("text")
    if text is None:
        return None, {}
    form = _read_format(text)
    left = text.rest_set()
    return form, {"text": Raw(encode(left))} if left else {}


def _read_format(text: Fields) -> ResponseFormat | None:
    form = text.child("format")
    if form is None:
        return None
    kind = form.need_text("type")
    if kind in ("text", "json_object"):
        return ResponseFormat(kind=kind, extra=form.rest_set())
    if kind != "json_schema":
        raise form.wrong("type", f'expected text, json_object or json_schema, got "{kind[:40]}"')
    return ResponseFormat(
        kind=kind,
        name=form.text("name"),
        description=form.text("description"),
        schema=form.raw("schema"),
        strict=form.boolean("strict"),
        extra=form.rest_set(),
    )


def _read_include(fields: Fields) -> tuple[bool | None, Extra]:
    """Whether log probabilities are asked for, and what else is."""
    raw = fields.raw("include")
    if raw is None:
        return None, {}
    try:
        words = _texts(raw)
    except DECODE_ERRORS:
        raise fields.wrong("include", "expected an array of strings") from None
    left = [word for word in words if word != LOGPROBS]
    extra: Extra = {"include": Raw(encode(left))} if left else {}
    return (True if len(left) < len(words) else None), extra


def _read_reasoning(fields: Fields) -> Reasoning | None:
    wish = fields.child("reasoning")
    if wish is None:
        return None
    summary = wish.raw("summary")  # which of them, only this API knows
    extra: Extra = {} if summary is None else {ITEM: summary}
    found = Reasoning(
        effort=wish.text("effort"),
        display=None if summary is None else "summarized",
        extra={**wish.rest_set(), **extra},
    )
    return None if found == Reasoning() else found  # an empty object asks for nothing
