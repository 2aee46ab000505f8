"""The head of a call: what the path must know of its route, query and body, whose coding is taken off here."""

from __future__ import annotations

from asbru.core.errors import BadRequest, TooLarge
from asbru.dialects import RequestHead
from asbru.pipeline.call import Call
from asbru.pipeline.rooms import Rooms
from asbru.wire.content_coding import CODINGS, RATIO_MAX, CodingError, DecodedTooLargeError, decode

MODEL_NAME_CHARS_MAX = 512
"""Names of models are what many tables go by: callers choose them, so they are bounded."""


def read_head(call: Call, rooms: Rooms) -> RequestHead:
    """The head of the call, by its operation. From here on its body is as the caller meant it: it is copied, where
    that is wanted."""
    if call.content_coding:
        call.body = decode_body(call.content_coding.strip().lower(), call.body, rooms.body_bytes_max)
        call.body_bytes = len(call.body)
    if rooms.bodies is not None:
        rooms.bodies.begin(call)
    operation = call.operation
    head = operation.read_head(call.body, call.parameters, call.query)
    if len(head.model) > MODEL_NAME_CHARS_MAX:
        raise BadRequest(
            f"expected at most {MODEL_NAME_CHARS_MAX} characters in 'model', got {len(head.model)}", param="model"
        )
    if head.stream and not operation.streams:
        raise BadRequest(f"{operation.name} cannot be streamed; omit 'stream'", param="stream")
    return head


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
