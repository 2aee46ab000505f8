"""A canonical request written as a chat body for one target, with the receipt of what could not be carried.

| canonical                      | chat                                                                    |
|--|--|
| max_tokens                     | `max_completion_tokens` (`max_tokens` for targets with the old word)    |
| reasoning.effort               | `reasoning_effort`, the nearest that the target takes (noted)           |
| reasoning.budget_tokens alone  | effort: below 4,096 low, below 16,384 medium, else high (noted)         |
| reasoning disabled             | the weakest effort where the target's are known, else nothing (noted)   |
| reasoning adaptive             | nothing: the model's own default holds (noted)                          |
| any reasoning                  | nothing where the target does not reason (noted)                        |
| tools, with or without it      | the only effort that the target takes with tools, where it has one      |
| stream                         | usage is asked for where the target allows; the writer withholds it     |
| user                           | its digest where it is longer than OpenAI takes (noted)                 |
| top_k                          | for callers of this dialect, and where the target has it; else dropped  |
| more than four stops           | only for callers of this dialect; else cut (noted)                      |
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import ChatRequest, Raw, Reasoning, ResponseFormat
from asbru.core.traits import Traits
from asbru.dialects.allowed_tools import fit_choice
from asbru.dialects.bounds import fit_output, fit_sampling, fit_user, strip_one
from asbru.dialects.contract import Written
from asbru.dialects.efforts import write_effort
from asbru.dialects.openai_chat.messages import write_messages
from asbru.dialects.openai_chat.parts import PartWriter
from asbru.dialects.openai_chat.tool_ids import fit_tool_ids
from asbru.dialects.openai_chat.tools import write_tool_choice, write_tools
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_members import RESPONSES, take_from_responses
from asbru.dialects.receipt import Receipt

_encode = msgspec.json.Encoder().encode
_LIMITS: Final = ("max_tokens", "max_completion_tokens")
_NEEDED: Final = frozenset(("model", "messages", "stream", "tools", "n", "response_format"))
"""What a request says that must not be lost for the sake of an answer."""
_STOPS_MAX: Final = 4
_USER_CHARS_MAX: Final = 64
_PLAIN: Final = (
    ("temperature", "temperature"),
    ("top_p", "top_p"),
    ("frequency_penalty", "frequency_penalty"),
    ("presence_penalty", "presence_penalty"),
    ("seed", "seed"),
    ("choices", "n"),
    ("logprobs", "logprobs"),
    ("top_logprobs", "top_logprobs"),
    ("logit_bias", "logit_bias"),
)


def write_request(request: ChatRequest, model: str, traits: Traits) -> Written:
    """The body for `model`, as its traits allow."""
    receipt = Receipt(NAME, request.dialect)
    request = fit_choice(fit_sampling(request, traits, receipt), receipt)
    writer = PartWriter(receipt, traits)
    body: dict[str, Any] = {
        "model": model,
        "messages": write_messages(
            fit_tool_ids(request.messages, traits, receipt), writer, system_anywhere=traits.system_anywhere
        ),
    }
    if request.tools is not None or request.tool_choice is not None or request.parallel_tool_calls is not None:
        body |= _write_tooling(request, writer)
    if request.response_format is not None:
        body["response_format"] = _write_format(request.response_format, writer)
    if traits.effort_with_tools is not None and body.get("tools") and not writer.own:
        body["reasoning_effort"] = _effort_beside_tools(request, traits.effort_with_tools, receipt)
    elif request.reasoning is not None:
        body |= _write_wish(request.reasoning, traits, writer)
    body |= _write_limits(request, traits, writer)
    body |= _write_plain(request, writer)
    body |= _write_stream(request, traits, writer)
    if receipt.source == RESPONSES:
        carried = take_from_responses(request.extra, receipt, stream=request.stream)
        if "stream_options" in carried:
            carried["stream_options"] |= body.get("stream_options", {})
        body |= carried
    else:
        for name, raw in receipt.riding("", request.extra).items():
            body.setdefault(name, raw)
    if gone := traits.strip.union(traits.refuse_members):
        for name in sorted(gone & body.keys()):
            del body[name]
            receipt.dropped(name, "the provider refuses it")
    return Written(_encode(body), receipt.notes)


def without(traits: Traits, member: str) -> Traits | None:
    """See `Codec.without`. The token limit goes by its other name; without one there would be no limit."""
    if member in _LIMITS:
        old = member == "max_completion_tokens"
        return None if traits.legacy_max_tokens is old else msgspec.structs.replace(traits, legacy_max_tokens=old)
    return None if member in _NEEDED else strip_one(traits, member)


def _write_plain(request: ChatRequest, writer: PartWriter) -> dict[str, object]:
    body: dict[str, object] = {}
    for field, name in _PLAIN:
        value: object = getattr(request, field)
        if value is not None:
            body[name] = value
    if request.top_logprobs and request.logprobs is None and not writer.own:
        body["logprobs"] = True  # chat refuses their number without it
    return body


def _write_stream(request: ChatRequest, traits: Traits, writer: PartWriter) -> dict[str, object]:
    """The stream flag, and usage asked for: by us where the target allows it, by a caller of this dialect always."""
    if not request.stream and not (writer.own and request.include_usage):
        return {}
    options: dict[str, object] = {}
    may_ask = request.stream and traits.ask_stream_usage and "stream_options" not in traits.strip
    if may_ask or (writer.own and request.include_usage):
        options["include_usage"] = True
        if not request.include_usage:
            writer.receipt.added("stream_options.include_usage", "for accounting")
    elif request.include_usage:
        writer.receipt.dropped("stream_options.include_usage", "the provider is not asked for it")
    if writer.own and "stream_options" in request.extra:
        options |= msgspec.json.decode(request.extra["stream_options"], type=dict[str, Raw])
    stream: dict[str, object] = {"stream": True} if request.stream else {}
    return stream | {"stream_options": options} if options else stream


def _write_tooling(request: ChatRequest, writer: PartWriter) -> dict[str, object]:
    """Tools, the choice and the parallel flag; chat refuses the latter two without tools."""
    body: dict[str, object] = {}
    if request.tools is not None:
        tools = write_tools(request.tools, writer)
        if tools or writer.own:
            body["tools"] = tools
    if not body and not writer.own:
        for name in ("tool_choice", "parallel_tool_calls"):
            if getattr(request, name) is not None:
                writer.receipt.dropped(name, "there are no tools to choose from")
        return body
    if request.tool_choice is not None:
        choice = write_tool_choice(request.tool_choice, writer)
        if choice is not None:
            body["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    return body


def _write_format(form: ResponseFormat, writer: PartWriter) -> dict[str, object]:
    extra = writer.receipt.riding("response_format", form.extra)
    if form.kind != "json_schema":
        return {"type": form.kind, **extra}
    schema: dict[str, object] = {}
    if form.name is not None:
        schema["name"] = form.name
    elif not writer.own:
        schema["name"] = "response"
        writer.receipt.added("response_format.name", "response: chat requires one")
    for name in ("description", "schema", "strict"):
        value: object = getattr(form, name)
        if value is not None:
            schema[name] = value
    return {"type": "json_schema", "json_schema": {**schema, **extra}}


def _write_wish(wish: Reasoning, traits: Traits, writer: PartWriter) -> dict[str, object]:
    """How much to think, in the form it came in, or as an effort that the target takes."""
    if writer.own:
        return _write_own_wish(wish)
    effort = write_effort(wish, traits, writer.receipt)
    return {} if effort is None else {"reasoning_effort": effort}


def _effort_beside_tools(request: ChatRequest, only: str, receipt: Receipt) -> str:
    """The one effort that the target takes with tools; it must be named, for the default may be another."""
    reason = f"{only}: the model takes no other effort with tools"
    if request.reasoning is None:
        receipt.added("reasoning_effort", reason)
    else:
        receipt.changed("reasoning", f"effort {reason}")
    return only


def _write_own_wish(wish: Reasoning) -> dict[str, object]:
    members: dict[str, object] = {}
    if "reasoning" in wish.extra:
        form: dict[str, object] = {}
        if wish.effort is not None:
            form["effort"] = wish.effort
        if wish.budget_tokens is not None:
            form["max_tokens"] = wish.budget_tokens
        if wish.mode is not None:
            form["enabled"] = wish.mode != "disabled"
        return {"reasoning": form | msgspec.json.decode(wish.extra["reasoning"], type=dict[str, Raw])}
    if wish.effort is not None:
        members["reasoning_effort"] = wish.effort
    thinking: dict[str, object] = {}
    if wish.mode is not None:
        thinking["type"] = wish.mode
    if wish.budget_tokens is not None:
        thinking["budget_tokens"] = wish.budget_tokens
    if "thinking" in wish.extra:
        thinking |= msgspec.json.decode(wish.extra["thinking"], type=dict[str, Raw])
    if thinking:
        members["thinking"] = thinking
    return members


def _write_limits(request: ChatRequest, traits: Traits, writer: PartWriter) -> dict[str, object]:
    """Token limit, stops, top_k, tier and user: where dialects differ in what they take."""
    body: dict[str, object] = {}
    if request.max_tokens is not None:
        name = "max_tokens" if traits.legacy_max_tokens else "max_completion_tokens"
        body[name] = fit_output(request.max_tokens, traits, writer.receipt)
    if request.stop is not None:
        stops = request.stop
        if len(stops) > _STOPS_MAX and not writer.own:
            writer.receipt.changed("stop", f"{len(stops)} sequences, chat takes {_STOPS_MAX}")
            stops = stops[:_STOPS_MAX]
        body["stop"] = stops
    if request.top_k is not None:
        if writer.own or traits.top_k:
            body["top_k"] = request.top_k
        else:
            writer.receipt.dropped("top_k", "chat has no such member")
    tier = request.service_tier
    if tier is not None:
        if tier == "standard_only" and not writer.own:
            writer.receipt.changed("service_tier", "standard_only becomes default")
            tier = "default"
        body["service_tier"] = tier
    if request.user is not None:
        body["user"] = fit_user(request.user, traits.user_chars_max or _USER_CHARS_MAX, writer.receipt)
    return body
