"""A canonical request, written as a body of Cohere's chat, with a receipt of what it cannot say.

Values of another dialect are brought into the ranges that Cohere takes. Source: https://docs.cohere.com/reference/chat
"""

from __future__ import annotations

from typing import Any, Final

from asbru.core.chat import ChatRequest, Reasoning, ResponseFormat
from asbru.core.traits import Traits
from asbru.dialects.allowed_tools import fit_choice
from asbru.dialects.bounds import fit_output, fit_sampling, strip_one
from asbru.dialects.cohere.messages import MessageWriter
from asbru.dialects.cohere.request import SETTINGS
from asbru.dialects.cohere.tools import write_tools
from asbru.dialects.cohere.types import NAME, encode
from asbru.dialects.contract import Written
from asbru.dialects.efforts import note_unknown
from asbru.dialects.receipt import Receipt

_NEEDED: Final = frozenset(("model", "messages", "stream", "tools", "documents"))
"""What a request says that must not be lost for the sake of a reply."""
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "top_p": (0.01, 0.99),
    "top_k": (0, 500),
    "frequency_penalty": (0.0, 1.0),
    "presence_penalty": (0.0, 1.0),
}
_STOPS_MAX: Final = 5
_UNKNOWN_HERE: Final = ("top_logprobs", "logit_bias", "user", "service_tier")


def write_request(request: ChatRequest, model: str, traits: Traits) -> Written:
    """The body for `model`, as its traits allow; see `Codec`."""
    receipt = Receipt(NAME, request.dialect)
    request = fit_choice(fit_sampling(request, traits, receipt), receipt)
    messages = MessageWriter(receipt, thinks=traits.thinking != "none")
    body: dict[str, Any] = {"model": model, "messages": messages.write(request.messages)}
    if messages.documents:
        body["documents"] = messages.documents
    write_tools(body, request, receipt)
    if request.response_format is not None:
        body["response_format"] = _write_format(request.response_format, receipt)
    _write_settings(body, request, traits, receipt)
    if request.reasoning is not None:
        _write_thinking(body, request.reasoning, traits, receipt)
    if not receipt.native:
        _note_unknown(request, receipt)
    for name, raw in receipt.riding("", request.extra).items() if request.extra else ():
        body.setdefault(name, raw)
    for name in sorted(traits.strip & body.keys()) if traits.strip else ():
        del body[name]
        receipt.dropped(name, "the provider refuses it")
    return Written(encode(body), receipt.notes)


def without(traits: Traits, member: str) -> Traits | None:
    """See `Codec.without`."""
    return None if member in _NEEDED else strip_one(traits, member)


def _write_format(form: ResponseFormat, receipt: Receipt) -> dict[str, Any]:
    written: dict[str, Any] = {"type": "text" if form.kind == "text" else "json_object"}
    if form.kind == "json_schema" and form.schema is not None:
        written["json_schema"] = form.schema
    if not receipt.native:
        for name in ("name", "description"):
            if getattr(form, name) is not None:
                receipt.dropped(f"response_format.{name}", "there is no such member")
        if form.strict is False:
            receipt.dropped("response_format.strict", "a schema always holds")
        if form.kind == "json_schema" and form.schema is None:
            receipt.changed("response_format", "no schema was given")
    return written | receipt.riding("response_format", form.extra)


def _write_settings(body: dict[str, Any], request: ChatRequest, traits: Traits, receipt: Receipt) -> None:
    for member, (name, _) in SETTINGS.items():
        value = getattr(request, name)
        if value is None or (name == "stream" and not value):
            continue
        if not receipt.native:
            value = _fitted(name, value, receipt)
            if name == "max_tokens":
                value = fit_output(value, traits, receipt)
        if value is not None:
            body[member] = value


def _fitted(name: str, value: Any, receipt: Receipt) -> Any:
    """A setting of another dialect as Cohere takes it; None where it is left out."""
    if name == "logprobs":
        if value:
            receipt.dropped(name, "Cohere returns them in another form")
        return None
    if name == "top_p" and value == 1:
        return None  # no limit, which is the default
    if name == "stop" and len(value) > _STOPS_MAX:
        receipt.changed(name, f"only the first {_STOPS_MAX} of {len(value)}")
        return value[:_STOPS_MAX]
    low, high = _RANGES.get(name, (value, value))
    fitted = min(max(value, low), high) if name in _RANGES else value
    if fitted != value:
        receipt.changed(name, f"{value} became {fitted}")
    return fitted


def _write_thinking(body: dict[str, Any], wish: Reasoning, traits: Traits, receipt: Receipt) -> None:
    if receipt.native:
        written: dict[str, Any] = {"type": wish.mode}
        if wish.budget_tokens is not None:
            written["token_budget"] = wish.budget_tokens
        body["thinking"] = written | wish.extra
        return
    if traits.thinking == "none":
        receipt.dropped("reasoning", "the model does not reason")
        return
    note_unknown(wish, receipt)
    if wish.display is not None:
        receipt.dropped("reasoning.display", "there is no such member")
    disabled = wish.mode == "disabled" or wish.effort == "none"
    if wish.effort is not None:
        receipt.changed("reasoning.effort", f"{wish.effort} becomes {'disabled' if disabled else 'enabled'}")
    if wish.mode == "adaptive":
        receipt.changed("reasoning.mode", "adaptive becomes enabled")
    if disabled:
        body["thinking"] = {"type": "disabled"}
    elif wish.budget_tokens is not None:
        body["thinking"] = {"type": "enabled", "token_budget": wish.budget_tokens}
    elif wish.mode is not None or wish.effort is not None:
        body["thinking"] = {"type": "enabled"}


def _note_unknown(request: ChatRequest, receipt: Receipt) -> None:
    for name in _UNKNOWN_HERE:
        if getattr(request, name) is not None:
            receipt.dropped(name, "no equivalent")
    if request.choices is not None and request.choices > 1:
        receipt.dropped("choices", "one answer at a time")
