"""Images: a prompt in canonical form, written as a prediction, and its output read.

The request is held until the prediction is done, for as long as the provider allows; after that it is asked for
(`pending`). Sizes are said otherwise by every model, so the caller says them as the model does.

Source: https://replicate.com/docs/topics/predictions/create-a-prediction
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, cast

import msgspec

from asbru.core.errors import UnsupportedByProvider
from asbru.core.shapes import image
from asbru.core.traits import Traits
from asbru.core.usage import Usage
from asbru.dialects.contract import PathParameters, RequestHead, Shape, WrittenForm
from asbru.dialects.fields import DECODE_ERRORS, open_body, refuse_request
from asbru.dialects.receipt import Receipt
from asbru.dialects.replicate.types import BEGUN, NAME, REFUSE_REPLY, read_prediction

_OPENAI_ONLY: Final = (
    *(
        "quality",
        "style",
        "background",
        "moderation",
        "output_compression",
        "partial_images",
        "user",
        "output_format",
    ),
)
"""Members of OpenAI's that no model of Replicate's has by this name and meaning."""
_ID: Final = re.compile(r"[a-z0-9]{1,64}")
_DATA: Final = "base64,"


class _Input(msgspec.Struct):
    num_outputs: int = 1


_input = msgspec.json.Decoder(_Input).decode


def write_request(request: image.ImageRequest, model: str, traits: Traits) -> WrittenForm:
    """The body of a prediction by `model` ("owner/name", or the id of a version)."""
    del traits
    receipt = Receipt(NAME, request.dialect)
    if request.stream:
        raise UnsupportedByProvider("the provider makes images whole, not as a stream")
    if request.as_data:
        raise UnsupportedByProvider("response_format: the provider returns addresses of images, not b64_json")
    asked: dict[str, Any] = {"prompt": request.prompt}
    if request.count > 1:
        asked["num_outputs"] = request.count
    if request.size not in (None, "auto"):
        receipt.dropped("size", "models have other members for it, such as aspect_ratio, or width and height")
    for name, raw in request.extra.items():
        if name in _OPENAI_ONLY:
            receipt.dropped(name, "no equivalent")
        else:
            asked[name] = raw
    return WrittenForm(msgspec.json.encode({"version": model, "input": asked}), notes=receipt.notes)


def pending(body: bytes) -> str:
    """Where a prediction that is not done is asked for."""
    found = read_prediction(body)
    if found is None or found.status not in BEGUN:
        return ""
    if not _ID.fullmatch(found.id):
        raise REFUSE_REPLY("id", "expected the id of a prediction")
    return f"/predictions/{found.id}"


def read_reply(body: bytes, content_type: bytes = b"") -> image.ImageReply:
    """The images; `UpstreamError` for anything else."""
    del content_type
    found = read_prediction(body)
    if found is None:
        raise REFUSE_REPLY("", "expected a prediction")
    images = tuple(_image(text) for text in _outputs(found.output))
    if not images:
        raise REFUSE_REPLY("output", "expected the address of at least one image")
    return image.ImageReply(images=images, created_s=_created(found.created_at), usage=usage_of(body))


def usage_of(body: bytes) -> Usage | None:
    """The images that were made, which are charged."""
    found = read_prediction(body)
    count = 0 if found is None else len(_outputs(found.output))
    return Usage(units=(("image", count),)) if count else None


def _outputs(output: Any) -> list[str]:
    """The addresses in an output, which is one or a list."""
    items = cast("list[object]", output) if isinstance(output, list) else [output]
    return [item for item in items if isinstance(item, str) and item.startswith(("https://", "data:"))]


def _image(text: str) -> image.Image:
    head, marker, data = text.partition(_DATA)
    return image.Image(data=data) if marker and head.startswith("data:") else image.Image(url=text)


def _created(text: str | None) -> int | None:
    try:
        when = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())


def read_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """What passthrough must know of a body."""
    del parameters, query
    fields = open_body(body, refuse_request)
    return RequestHead(fields.need_text("version"), False, True, None, 1, fields.rest())


def charge(head: RequestHead, body: bytes) -> Usage:
    """The images asked for."""
    del body
    try:
        count = _input(head.members["input"]).num_outputs
    except (KeyError, *DECODE_ERRORS):
        count = 1
    return Usage(units=(("image", max(1, count)),))


SHAPE: Final = Shape(write_request=write_request, read_reply=read_reply, pending=pending)
