"""Moderations to and from canonical form. Source: https://platform.openai.com/docs/api-reference/moderations

`input` is a text, a list of texts (a result for each), or a list of parts, texts and images (one result). Categories
are the provider's own; Mistral's results have no `flagged`: one whose categories hold a true one counts as flagged.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.shapes import moderation
from asbru.core.traits import Traits
from asbru.dialects.contract import Shape, WrittenForm
from asbru.dialects.fields import Fields, Kind, kind_of, open_body, refuse_reply, refuse_request
from asbru.dialects.openai_chat.head import MODERATION_MODEL
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.openai_chat.usage import read_usage
from asbru.dialects.receipt import Receipt

_refuse = refuse_reply(NAME)
_FLAGS: Final = Kind(msgspec.json.Decoder(dict[str, bool | None]).decode, "an object of booleans")
_SCORES: Final = Kind(msgspec.json.Decoder(dict[str, float | None]).decode, "an object of numbers")
_encode = msgspec.json.encode


def read_request(body: bytes, content_type: bytes = b"") -> moderation.ModerationRequest:
    """The request; `BadRequest` for anything else."""
    del content_type  # JSON
    fields = open_body(body, refuse_request)
    model, raw = fields.text("model") or MODERATION_MODEL, fields.raw("input")
    if raw is None:
        raise fields.wrong("input", "expected a text or a list, got nothing")
    return moderation.ModerationRequest(
        model=model, inputs=_inputs(fields, raw), dialect=NAME, extra=fields.rest_set()
    )


def write_request(request: moderation.ModerationRequest, model: str, traits: Traits) -> WrittenForm:
    """The body for `model`. Images are judged in a call of their own: beside other inputs they are left out."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    given: list[Any]
    if len(request.inputs) == 1:
        (only,) = request.inputs
        given = [{"type": "text", "text": text} for text in only.texts]
        given += [{"type": "image_url", "image_url": {"url": url}} for url in only.images]
        if len(only.texts) == 1 and not only.images:
            given = [only.texts[0]]
    else:
        given = ["\n".join(one.texts) for one in request.inputs]
        for at, one in enumerate(request.inputs):
            if one.images:
                receipt.dropped(f"input[{at}].images", "images are moderated one input at a time")
    body: dict[str, object] = {"model": model, "input": given}
    body |= receipt.riding("", request.extra)
    return WrittenForm(_encode(body), notes=receipt.notes)


def read_reply(body: bytes, content_type: bytes = b"") -> moderation.ModerationReply:
    """The reply; `UpstreamError` for anything else."""
    del content_type
    fields = open_body(body, _refuse)
    results = fields.children("results")
    if not results:
        raise fields.wrong("results", "expected a result for each input, got none")
    return moderation.ModerationReply(
        results=tuple(_result(item) for item in results),
        id=fields.text("id") or "",
        model=fields.text("model") or "",
        usage=read_usage(fields.raw("usage")),
    )


def write_reply(reply: moderation.ModerationReply, request: moderation.ModerationRequest) -> WrittenForm:
    """The body for the caller who sent `request`."""
    body: dict[str, Any] = {
        "id": reply.id,
        "model": reply.model or request.model,
        "results": [
            {"flagged": one.flagged, "categories": one.categories, "category_scores": one.scores}
            for one in reply.results
        ],
    }
    return WrittenForm(_encode(body))


def _inputs(fields: Fields, raw: Raw) -> tuple[moderation.ModerationInput, ...]:
    if kind_of(raw) == "a string":
        return (moderation.ModerationInput((fields.as_text(raw, "input"),)),)
    items = fields.as_items(raw, "input")
    if not items:
        raise fields.wrong("input", "expected at least one input, got none")
    if kind_of(items[0]) == "a string":
        return tuple(
            moderation.ModerationInput((fields.as_text(item, f"input[{at}]"),)) for at, item in enumerate(items)
        )
    texts: list[str] = []
    images: list[str] = []
    for at, item in enumerate(items):
        part = fields.as_object(item, f"input[{at}]")
        image = part.child("image_url")
        if image is not None:
            images.append(image.need_text("url"))
        else:
            texts.append(part.need_text("text"))
    return (moderation.ModerationInput(tuple(texts), tuple(images)),)


def _result(item: Fields) -> moderation.ModerationResult:
    flags = _of(item, "categories", _FLAGS)
    categories = {name: value for name, value in flags.items() if value is not None}
    scores = _of(item, "category_scores", _SCORES)
    flagged = item.boolean("flagged")
    return moderation.ModerationResult(
        any(categories.values()) if flagged is None else flagged,
        categories,
        {name: value for name, value in scores.items() if value is not None},
    )


def _of(item: Fields, name: str, kind: Kind[dict[str, Any]]) -> dict[str, Any]:
    raw = item.raw(name)
    return {} if raw is None else item.read(raw, name, kind)


SHAPE: Final = Shape(
    read_request=read_request, write_request=write_request, read_reply=read_reply, write_reply=write_reply
)
