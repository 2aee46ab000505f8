"""Images of the OpenAI surface in canonical form: generations.

Source: https://platform.openai.com/docs/api-reference/images/create
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.shapes import image
from asbru.dialects.contract import Shape, WrittenForm
from asbru.dialects.fields import open_body, refuse_request
from asbru.dialects.openai_chat.types import NAME
from asbru.dialects.spoken import Spoken, spoken_at

_FORMATS: Final = {"url": False, "b64_json": True}


def read_request(body: bytes, content_type: bytes = b"") -> image.ImageRequest:
    """The request; `BadRequest` for anything else."""
    del content_type  # JSON
    fields = open_body(body, refuse_request)
    word = fields.text("response_format")
    if word is not None and word not in _FORMATS:
        raise fields.wrong("response_format", f"expected url or b64_json, got '{word[:20]}'")
    return image.ImageRequest(
        model=fields.need_text("model"),
        prompt=fields.need_text("prompt"),
        count=max(1, fields.integer("n") or 1),
        size=fields.text("size"),
        as_data=None if word is None else _FORMATS[word],
        stream=fields.boolean("stream") or False,
        dialect=NAME,
        extra=fields.rest_set(),
    )


def write_reply(reply: image.ImageReply, request: image.ImageRequest) -> WrittenForm:
    """The body for the caller who sent `request`."""
    del request
    body: dict[str, Any] = {"created": reply.created_s or 0, "data": [_written(one) for one in reply.images]}
    return WrittenForm(msgspec.json.encode(body))


def _written(one: image.Image) -> dict[str, str | None]:
    return {"b64_json": one.data} if one.data is not None else {"url": one.url}


SHAPE: Final = Shape(read_request=read_request, write_reply=write_reply)
SPOKEN: Final = Spoken(read=spoken_at("data.*.revised_prompt"))
