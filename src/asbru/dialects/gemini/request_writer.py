"""A canonical request, written as a body of the Gemini API, with a receipt of what it cannot say.

The model and the wish for a stream stand in the path, which is the business of whoever sends it.
"""

from __future__ import annotations

from typing import Any, Final

from asbru.core.chat import ChatRequest, Extra, ResponseFormat
from asbru.core.traits import Traits
from asbru.dialects.bounds import fit_output, fit_sampling, strip_one
from asbru.dialects.contract import Written
from asbru.dialects.gemini.contents import write_contents
from asbru.dialects.gemini.request import JSON_TYPE, SETTINGS, TEXT_TYPE
from asbru.dialects.gemini.thinking import write_reasoning
from asbru.dialects.gemini.tools import write_tool_config, write_tools
from asbru.dialects.gemini.types import MARK, NAME, decode_members, encode
from asbru.dialects.receipt import Receipt

_NEEDED: Final = frozenset(("contents",))
_UNKNOWN_HERE: Final = ("logit_bias", "user", "service_tier")
_STOPS_MAX: Final = 5
"""https://ai.google.dev/api/generate-content#generationconfig"""
_SEED_MAX: Final = 2**31 - 1


def write_request(request: ChatRequest, model: str, traits: Traits) -> Written:
    """The body for `model`; see `Codec`."""
    del model
    receipt = Receipt(NAME, request.dialect)
    request = fit_sampling(request, traits, receipt)
    body: dict[str, Any] = {}
    system, body["contents"] = write_contents(request.messages, receipt, traits.call_signature)
    if system is not None:
        body["systemInstruction"] = system
    extra = receipt.riding("", request.extra) if request.extra else {}
    _write_tooling(body, request, extra, receipt)
    config = _write_config(request, traits, extra, receipt)
    if config:
        body["generationConfig"] = config
    for name, raw in extra.items():
        body.setdefault(name, raw)
    if not receipt.native:
        _note_unknown(request, receipt)
    for name in sorted(traits.strip & body.keys()) if traits.strip else ():
        del body[name]
        receipt.dropped(name, "the provider refuses it")
    return Written(encode(body), receipt.notes)


def without(traits: Traits, member: str) -> Traits | None:
    """See `Codec.without`."""
    return None if member in _NEEDED else strip_one(traits, member)


def _write_tooling(body: dict[str, Any], request: ChatRequest, extra: Extra, receipt: Receipt) -> None:
    if request.tools is not None:
        tools = write_tools(request.tools, receipt)
        if tools or receipt.native:
            body["tools"] = tools
    choice = request.tool_choice
    if choice is not None and not body.get("tools") and not receipt.native:
        receipt.dropped("tool_choice", "there are no tools to choose from")
        choice = None
    config = write_tool_config(choice, extra, receipt)
    if config:
        body["toolConfig"] = config
    if request.parallel_tool_calls is not None:
        receipt.dropped("parallel_tool_calls", "no equivalent")


def _write_config(request: ChatRequest, traits: Traits, extra: Extra, receipt: Receipt) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, (canonical, _) in SETTINGS.items():
        value = getattr(request, canonical)
        if value is not None:
            config[name] = value
    if request.top_logprobs and request.logprobs is None and not receipt.native:
        config["responseLogprobs"] = True  # the API refuses their number without it
    if request.max_tokens is not None:
        config["maxOutputTokens"] = fit_output(request.max_tokens, traits, receipt)
    if not receipt.native:
        _fit(config, receipt)
    if request.response_format is not None:
        config |= _write_format(request.response_format, receipt)
    if request.reasoning is not None:
        thinking = write_reasoning(request.reasoning, traits, receipt)
        if thinking is not None:
            config["thinkingConfig"] = thinking
    if "generationConfig" in extra:
        config |= decode_members(extra["generationConfig"])
    return config


def _fit(config: dict[str, Any], receipt: Receipt) -> None:
    """Bounds of this API that other dialects do not have."""
    stops = config.get("stopSequences", ())
    if not stops and config.pop("stopSequences", None) is not None:
        receipt.dropped("stop", "no sequence")
    if len(stops) > _STOPS_MAX:
        receipt.changed("stop", f"the first {_STOPS_MAX} of {len(stops)}")
        config["stopSequences"] = stops[:_STOPS_MAX]
    seed = config.get("seed", 0)
    if not -_SEED_MAX <= seed <= _SEED_MAX:
        receipt.changed("seed", "to 31 bits")
        config["seed"] = seed & _SEED_MAX


def _write_format(form: ResponseFormat, receipt: Receipt) -> dict[str, Any]:
    for name in ("name", "description", "strict"):
        if getattr(form, name) is not None:
            receipt.dropped(f"response_format.{name}", "no equivalent")
    extra = receipt.riding("response_format", form.extra) if form.extra else {}
    if form.kind == "text":
        return {"responseMimeType": TEXT_TYPE} if receipt.native else {}
    written: dict[str, Any] = {"responseMimeType": JSON_TYPE}
    if MARK in extra:
        written["responseSchema"] = extra[MARK]
    elif form.schema is not None:
        written["responseJsonSchema"] = form.schema
    elif form.kind == "json_schema":
        receipt.changed("response_format", "it has no schema, so any JSON fits")
    return written


def _note_unknown(request: ChatRequest, receipt: Receipt) -> None:
    for name in _UNKNOWN_HERE:
        if getattr(request, name) is not None:
            receipt.dropped(name, "no equivalent")
