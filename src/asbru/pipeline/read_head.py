"""The head of a call: what the path must know of its route, query and body, whose coding is taken off here.

A body is a form where its operation takes forms and its type says that it is one. Not here: what a head holds, which is
the dialect's business, and large bodies (`large_bodies`).
"""

from __future__ import annotations

from asbru.core.errors import BadRequest, TooLarge
from asbru.dialects import RequestHead
from asbru.pipeline.call import Call
from asbru.pipeline.deployments import name_model
from asbru.pipeline.rooms import Rooms
from asbru.wire.content_coding import CODINGS, RATIO_MAX, CodingError, DecodedTooLargeError, decode
from asbru.wire.multipart import FORM_TYPE, FormError, is_form, read_form

MODEL_NAME_CHARS_MAX = 512
"""Names of models are what many tables go by: callers choose them, so they are bounded."""


def read_head(call: Call, rooms: Rooms) -> RequestHead:
    """The head of the call, by its operation. From here on its body is as the caller meant it: it is copied, where
    that is wanted."""
    if call.content_coding:
        call.body = decode_body(call.content_coding.strip().lower(), call.body, rooms.body_bytes_max)
        call.body_bytes = len(call.body)
    if call.parameters:
        name_model(call)
    if rooms.bodies is not None:
        rooms.bodies.begin(call)
    operation = call.operation
    if operation.read_form is None:
        head = operation.read_head(call.body, call.parameters, call.query)
    else:
        head = _read_any_head(call)
    if len(head.model) > MODEL_NAME_CHARS_MAX:
        raise BadRequest(
            f"expected at most {MODEL_NAME_CHARS_MAX} characters in 'model', got {len(head.model)}", param="model"
        )
    if head.stream and not operation.streams:
        raise BadRequest(f"{operation.words} cannot be streamed; omit 'stream'", param="stream")
    return head


def _read_any_head(call: Call) -> RequestHead:
    """The head of a body that may be a form, by its type, which from here on says no more than that."""
    operation, content_type = call.operation, call.content_type
    assert operation.read_form is not None
    if not is_form(content_type):
        if operation.takes == "form":
            raise BadRequest(
                f"expected `Content-Type: {FORM_TYPE.decode()}`, got {content_type[:200].decode('latin-1') or 'none'}",
                status=415,
                code="form_expected",
            )
        call.content_type = b"application/json"
        return operation.read_head(call.body, call.parameters, call.query)
    try:
        form = read_form(call.body, content_type)
        call.content_type = form.content_type
        return operation.read_form(form, call.body)
    except FormError as error:
        raise BadRequest(f"the body is not a form that can be sent on: {error}", code="invalid_form") from None


def decode_body(coding: bytes, body: bytes, bytes_max: int) -> bytes:
    """A caller's body without its content coding; raises `BadRequest` or `TooLarge`."""
    if coding == b"identity":
        return body
    if coding not in CODINGS:
        raise BadRequest(
            f"expected a Content-Encoding of gzip, deflate, br, zstd or none, got '{coding.decode('latin-1')}'",
            status=415,
            code="unsupported_content_encoding",
        )
    try:
        return decode(coding, body, bytes_max)
    except CodingError as error:
        raise BadRequest(f"the body is not valid {coding.decode('latin-1')}: {error}") from error
    except DecodedTooLargeError:
        raise TooLarge(
            f"the request body is larger than {bytes_max} bytes after decoding (limits.body_bytes_max), or more than "
            f"{RATIO_MAX} times as large as it was sent"
        ) from None
