"""A canonical request, written as a body of the Responses API, with a receipt of what it cannot say.

A request of another dialect is not stored by the provider (`store: false`), since its caller did not ask for that; and
where it reasons, the reasoning is asked for in encrypted form, so that it can go back with the next turn.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import ChatRequest, Reasoning, ResponseFormat
from asbru.core.traits import Traits
from asbru.dialects.bounds import fit_output, fit_sampling, fit_user, strip_one
from asbru.dialects.contract import Written
from asbru.dialects.efforts import write_effort
from asbru.dialects.openai_members import CHAT, take_from_chat
from asbru.dialects.openai_responses.item_writer import write_input
from asbru.dialects.openai_responses.request import LOGPROBS
from asbru.dialects.openai_responses.tools import write_tool_choice, write_tools
from asbru.dialects.openai_responses.types import ITEM, NAME, decode_members, encode
from asbru.dialects.receipt import Receipt

ENCRYPTED: Final = "reasoning.encrypted_content"
"""The word in `include` that asks for reasoning that can go back."""
_USER_CHARS_MAX: Final = 64
_NEEDED: Final = frozenset(("model", "input"))
_UNKNOWN_HERE: Final = ("top_k", "frequency_penalty", "presence_penalty", "seed", "logit_bias", "stop")
_texts = msgspec.json.Decoder(list[str]).decode


def write_request(request: ChatRequest, model: str, traits: Traits) -> Written:
    """The body for `model`; see `Codec`."""
    receipt = Receipt(NAME, request.dialect)
    request = fit_sampling(request, traits, receipt)
    body: dict[str, Any] = {"model": model}
    instructions, body["input"] = write_input(request.messages, receipt)
    if instructions is not None:
        body["instructions"] = instructions
    _write_tooling(body, request, receipt)
    _write_settings(body, request, traits, receipt)
    _write_reasoning(body, request, traits, receipt)
    if request.response_format is not None:
        body["text"] = {"format": _write_format(request.response_format, receipt)}
    _write_include(body, request, receipt)
    if request.stream:
        body["stream"] = True
    _write_extra(body, request, receipt)
    if not receipt.native:
        _note_unknown(request, receipt)
        if "store" not in body:
            body["store"] = False
            receipt.added("store", "false: the caller did not ask for it")
    for name in sorted(traits.strip & body.keys()) if traits.strip else ():
        del body[name]
        receipt.dropped(name, "the provider refuses it")
    return Written(encode(body), receipt.notes)


def without(traits: Traits, member: str) -> Traits | None:
    """See `Codec.without`."""
    return None if member in _NEEDED else strip_one(traits, member)


def _write_tooling(body: dict[str, Any], request: ChatRequest, receipt: Receipt) -> None:
    if request.tools is not None:
        tools = write_tools(request.tools, receipt)
        if tools or receipt.native:
            body["tools"] = tools
    if not body.get("tools") and not receipt.native:
        for name in ("tool_choice", "parallel_tool_calls"):
            if getattr(request, name) is not None:
                receipt.dropped(name, "there are no tools to choose from")
        return
    if request.tool_choice is not None:
        choice = write_tool_choice(request.tool_choice, receipt)
        if choice is not None:
            body["tool_choice"] = choice
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls


def _write_settings(body: dict[str, Any], request: ChatRequest, traits: Traits, receipt: Receipt) -> None:
    if request.max_tokens is not None:
        body["max_output_tokens"] = fit_output(request.max_tokens, traits, receipt)
    for name in ("temperature", "top_p", "top_logprobs"):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    tier = request.service_tier
    if tier is not None:
        if tier == "standard_only" and not receipt.native:
            receipt.changed("service_tier", "standard_only becomes default")
            tier = "default"
        body["service_tier"] = tier
    if request.user is not None:
        body["user"] = fit_user(request.user, traits.user_chars_max or _USER_CHARS_MAX, receipt)


def _write_reasoning(body: dict[str, Any], request: ChatRequest, traits: Traits, receipt: Receipt) -> None:
    wish = request.reasoning
    if wish is None:
        return
    if receipt.native:
        body["reasoning"] = _own_wish(wish)
        return
    shown = wish.display == "summarized" and traits.thinking != "none"
    effort = write_effort(msgspec.structs.replace(wish, display=None) if shown else wish, traits, receipt)
    if effort is not None:
        body["reasoning"] = {"effort": effort}
        if effort != "none":
            body["include"] = [ENCRYPTED]
            receipt.added("include", f"{ENCRYPTED}: so that it can go back")
    if shown and effort != "none":
        body["reasoning"] = {**body.get("reasoning", {}), "summary": "auto"}


def _own_wish(wish: Reasoning) -> dict[str, Any]:
    written: dict[str, Any] = {} if wish.effort is None else {"effort": wish.effort}
    return written | {"summary" if name == ITEM else name: raw for name, raw in wish.extra.items()}


def _write_format(form: ResponseFormat, receipt: Receipt) -> dict[str, Any]:
    written: dict[str, Any] = {"type": form.kind}
    if form.kind == "json_schema":
        if form.name is not None:
            written["name"] = form.name
        elif not receipt.native:
            written["name"] = "response"
            receipt.added("response_format.name", "response: the Responses API requires one")
        for name in ("description", "schema", "strict"):
            value: object = getattr(form, name)
            if value is not None:
                written[name] = value
    return written | receipt.riding("response_format", form.extra)


def _write_include(body: dict[str, Any], request: ChatRequest, receipt: Receipt) -> None:
    include: list[str] = list(body.get("include", ()))
    if receipt.native and "include" in request.extra:
        include += _texts(request.extra["include"])
    if request.logprobs:
        include.append(LOGPROBS)
    if include:
        body["include"] = include


def _write_extra(body: dict[str, Any], request: ChatRequest, receipt: Receipt) -> None:
    if not request.extra:
        return
    if receipt.source == CHAT:
        carried = take_from_chat(request.extra, receipt, stream=request.stream)
        if "text" in carried:
            carried["text"] = {**body.get("text", {}), **carried["text"]}
        body |= carried
        return
    for name, raw in receipt.riding("", request.extra).items():
        if name == "text":
            body["text"] = {**body.get("text", {}), **decode_members(raw)}
        elif name != "include":
            body.setdefault(name, raw)


def _note_unknown(request: ChatRequest, receipt: Receipt) -> None:
    for name in _UNKNOWN_HERE:
        if getattr(request, name) is not None:
            receipt.dropped(name, "no equivalent")
    if request.choices is not None and request.choices > 1:
        receipt.dropped("choices", "one answer at a time")
