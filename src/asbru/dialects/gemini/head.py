"""The head of a request: what a pass-through call reads of its path and its body, and the rewrite of its few members.

The model and the wish for a stream stand in the path: `/models/{model}:generateContent`. Not here: contents, tools and
the rest (`request.py`).
"""

from __future__ import annotations

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.fields import DECODE_ERRORS, check_utf8, open_body, open_object, refuse_request
from asbru.dialects.gemini.types import WHOLE, camel, decode_members, encode, in_camel
from asbru.dialects.surrogates import mend_surrogates

_CONFIG = ("generationConfig", "generation_config")
_JUDGED = {"maxOutputTokens": ("max_tokens", WHOLE), "candidateCount": ("choices", WHOLE)}
_PREFIX = "models/"
_GOOGLE = "google"
_NESTED = ("requests", "generateContentRequest", "generate_content_request")
_requests = msgspec.json.Decoder(list[dict[str, Raw]]).decode
_MODEL = "model"
"""A member that some servers read beside the path: what was judged is the path."""


def read_head(body: bytes, parameters: PathParameters, query: bytes = b"") -> RequestHead:
    """The head of a request for a whole reply."""
    del query
    return _read(body, parameters, stream=False)


def read_stream_head(body: bytes, parameters: PathParameters, query: bytes = b"") -> RequestHead:
    """The head of a request for a stream."""
    del query
    return _read(body, parameters, stream=True)


def _read(body: bytes, parameters: PathParameters, *, stream: bool) -> RequestHead:
    model = model_of(parameters)
    check_utf8(body, refuse_request)
    body = mend_surrogates(body)
    members = dict(open_object(body, "", refuse_request).rest())
    fields = in_camel(open_body(body, refuse_request))
    config = fields.child("generationConfig")
    max_tokens = choices = None
    if config is not None:
        given = encode(config.rest())
        for name in _CONFIG:
            if name in members:  # as it was read here: a member of it that is given twice goes on once
                members[name] = Raw(given)
        found = in_camel(config).settings(_JUDGED)
        max_tokens, choices = found.get("max_tokens"), found.get("choices")
    return RequestHead(model, stream, True, max_tokens, choices or 1, members)


def read_count_head(body: bytes, parameters: PathParameters, query: bytes = b"") -> RequestHead:
    """The head of a request for a count."""
    del query
    check_utf8(body, refuse_request)
    members = open_body(mend_surrogates(body), refuse_request).rest()
    return RequestHead(model_of(parameters), False, True, None, 1, members)


def model_of(parameters: PathParameters) -> str:
    """The model in the path. SDKs of Vertex AI make a publisher of a provider in its name."""
    model = parameters.get(_MODEL, "").removeprefix(_PREFIX)
    if not model:
        raise BadRequest("model: expected the name of a model in the path, got none", param=_MODEL)
    publisher = parameters.get("publisher", _GOOGLE)
    return model if publisher == _GOOGLE else f"{publisher}/{model}"


def rewrite(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """The members without those called `strip`; None when nothing had to change: the model stands in the path, and
    usage comes unasked. Where requests inside the body name the model again, they name `model`."""
    del ask_usage
    members = head.members
    inner = [name for name in _NESTED if name in members]
    if not (strip or inner or _MODEL in members):
        return None
    kept = {name: raw for name, raw in members.items() if name != _MODEL and camel(name) not in strip}
    for name in inner:
        if name in kept:
            kept[name] = _with_model(kept[name], f"{_PREFIX}{model}")
    return None if kept == members else kept


def _with_model(raw: Raw, model: str) -> Raw:
    """A request, or several, that name `model`."""
    named = {_MODEL: Raw(encode(model))}
    try:
        if bytes(memoryview(raw)[:1]) == b"[":
            return Raw(encode([one | named for one in _requests(raw)]))
        return Raw(encode(decode_members(raw) | named))
    except DECODE_ERRORS:
        return raw  # nonsense, which its provider refuses
