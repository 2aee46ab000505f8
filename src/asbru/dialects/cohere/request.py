"""A request of Cohere's chat (v2), read into the canonical form. What is unknown rides along (`safety_mode`,
`citation_options`, `priority` ...). Not here: the head alone (`head.py`), writing (`request_writer.py`).

Source: https://docs.cohere.com/reference/chat
"""

from __future__ import annotations

from typing import Final, Literal

from asbru.core.chat import ChatRequest, Reasoning, ResponseFormat
from asbru.dialects.cohere.messages import read_messages
from asbru.dialects.cohere.tools import read_tool_choice, read_tools
from asbru.dialects.cohere.types import NAME
from asbru.dialects.fields import BOOLEAN, INTEGER, NUMBER, TEXTS, Fields, Settings, open_body, refuse_request

SETTINGS: Final[Settings] = {
    "max_tokens": ("max_tokens", INTEGER),
    "temperature": ("temperature", NUMBER),
    "p": ("top_p", NUMBER),
    "k": ("top_k", INTEGER),
    "stop_sequences": ("stop", TEXTS),
    "frequency_penalty": ("frequency_penalty", NUMBER),
    "presence_penalty": ("presence_penalty", NUMBER),
    "seed": ("seed", INTEGER),
    "logprobs": ("logprobs", BOOLEAN),
    "stream": ("stream", BOOLEAN),
}
"""Settings that are one value: the canonical name and how they are read."""
_SCHEMAS: Final = ("json_schema", "schema")
"""Where a format has its schema, by the API's two versions."""
_MODES: Final[dict[str, Literal["enabled", "disabled"]]] = {"enabled": "enabled", "disabled": "disabled"}


def read_request(body: bytes) -> ChatRequest:
    """The whole request; `BadRequest` names the path, what was expected and what came."""
    fields = open_body(body, refuse_request)
    model = fields.need_text("model")
    if not model:
        raise fields.wrong("model", "expected the name of a model, got an empty string")
    settings = fields.settings(SETTINGS)
    settings["stop"] = settings.get("stop") or None  # none at all
    return ChatRequest(
        model=model,
        messages=read_messages(fields),
        tools=read_tools(fields),
        tool_choice=read_tool_choice(fields),
        response_format=_read_format(fields),
        reasoning=_read_thinking(fields),
        include_usage=True,
        dialect=NAME,
        **settings,
        extra=fields.rest_set(),  # last: what nobody above has taken
    )


def _read_format(fields: Fields) -> ResponseFormat | None:
    form = fields.child("response_format")
    if form is None:
        return None
    kind = form.need_text("type")
    if kind not in ("text", "json_object"):
        raise form.wrong("type", f'expected text or json_object, got "{kind[:40]}"')
    name = next((name for name in _SCHEMAS if name in form), None)
    if name is None or kind == "text":
        return ResponseFormat(kind="text" if kind == "text" else "json_object", extra=form.rest_set())
    return ResponseFormat(kind="json_schema", schema=form.raw(name), extra=form.rest_set())


def _read_thinking(fields: Fields) -> Reasoning | None:
    wish = fields.child("thinking")
    if wish is None:
        return None
    word = wish.need_text("type")
    mode = _MODES.get(word)
    if mode is None:
        raise wish.wrong("type", f'expected enabled or disabled, got "{word[:40]}"')
    return Reasoning(mode=mode, budget_tokens=wish.integer("token_budget"), extra=wish.rest_set())
