"""A request's body, read into the canonical form; wrong types are complained of with their path.

Model and stream stand in the path: they are the call's. Content that the provider keeps (`cachedContent`) cannot be
read: only that provider has it. Not here: contents (`contents.py`), the head alone (`head.py`), writing
(`request_writer.py`).
"""

from __future__ import annotations

from typing import Final

from asbru.core.chat import ChatRequest, Extra, Raw, ResponseFormat
from asbru.dialects.fields import BOOLEAN, INTEGER, NUMBER, TEXTS, Fields, open_body, refuse_request
from asbru.dialects.gemini.contents import read_contents
from asbru.dialects.gemini.own_schema import read_schema
from asbru.dialects.gemini.thinking import read_reasoning
from asbru.dialects.gemini.tools import read_tool_config, read_tools
from asbru.dialects.gemini.types import MARK, NAME, WHOLE, child, encode, in_camel

SETTINGS: Final = {
    "temperature": ("temperature", NUMBER),
    "topP": ("top_p", NUMBER),
    "topK": ("top_k", WHOLE),
    "maxOutputTokens": ("max_tokens", WHOLE),
    "stopSequences": ("stop", TEXTS),
    "candidateCount": ("choices", WHOLE),
    "presencePenalty": ("presence_penalty", NUMBER),
    "frequencyPenalty": ("frequency_penalty", NUMBER),
    "seed": ("seed", INTEGER),
    "responseLogprobs": ("logprobs", BOOLEAN),
    "logprobs": ("top_logprobs", WHOLE),
}
"""Members of `generationConfig` that are one value: the canonical name and how they are read."""
JSON_TYPE: Final = "application/json"
TEXT_TYPE: Final = "text/plain"
_KEPT: Final = "cachedContent"


def read_request(body: bytes) -> ChatRequest:
    """The whole request; `BadRequest` with a path where it is not one."""
    fields = in_camel(open_body(body, refuse_request))
    fields.raw("model")
    if fields.peek(_KEPT) is not None:
        raise fields.wrong(
            _KEPT, "only the provider that keeps this content can read it; send all of it in `contents`"
        )
    config = child(fields, "generationConfig") or Fields({}, "generationConfig", refuse_request)
    settings = config.settings(SETTINGS)
    if settings.get("stop") == ():
        del settings["stop"]
    reasoning = read_reasoning(config)
    form = _read_format(config)
    choice, left_of_tools = read_tool_config(fields)
    left = config.rest_set()
    left_of_config: Extra = {"generationConfig": Raw(encode(left))} if left else {}
    return ChatRequest(
        model="",
        messages=read_contents(fields),
        tools=read_tools(fields),
        tool_choice=choice,
        response_format=form,
        reasoning=reasoning,
        include_usage=True,
        dialect=NAME,
        **settings,
        extra=fields.rest_set() | left_of_config | left_of_tools,  # last: what nobody above has taken
    )


def read_count_request(body: bytes) -> ChatRequest:
    """What is to be counted: contents alone, or a whole request in `generateContentRequest`."""
    fields = in_camel(open_body(body, refuse_request))
    raw = fields.raw("generateContentRequest")
    return read_request(body if raw is None else bytes(raw))


def _read_format(config: Fields) -> ResponseFormat | None:
    """What a reply must look like. A type of which nothing is known stays where it is."""
    kind = config.peek_text("responseMimeType")
    plain, own = config.peek("responseJsonSchema"), config.peek("responseSchema")
    if kind == TEXT_TYPE and plain is None and own is None:
        config.raw("responseMimeType")
        return ResponseFormat(kind="text")
    if kind != JSON_TYPE or (plain is not None and own is not None):
        return None
    config.raw("responseMimeType")
    if plain is None and own is None:
        return ResponseFormat(kind="json_object")
    if plain is not None:
        return ResponseFormat(kind="json_schema", schema=config.raw("responseJsonSchema"))
    schema = config.raw("responseSchema") or Raw(b"{}")
    return ResponseFormat(kind="json_schema", schema=read_schema(schema), extra={MARK: schema})
