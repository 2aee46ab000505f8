"""Errors as Amazon Bedrock tells them, whichever of its wire formats they come in: read, and written from our own tree.

The form is `{"message": ...}` with the exception's name in the header `x-amzn-errortype`, or beside the message as
`__type`; SDKs read either. In a stream an error is a frame of the message type "exception" (or "error") in place of an
event. Other shapes (OpenAI's, plain text, a page, nothing) are read as far as they go.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import StreamFault
from asbru.dialects.error_words import concerns_key, status_of
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.surrogates import decode_mended
from asbru.dialects.too_long import bedrock_words
from asbru.wire.eventstream import Header, Message, write_message

KIND_HEADER: Final = b"x-amzn-errortype"
_TEXT_CHARS_MAX: Final = 500
_TAGS: Final = re.compile(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_STALE: Final = frozenset(
    ("ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidSignatureException")
)
"""What AWS calls a credential that it does not accept any more; fetched anew, it may be:
https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html"""

STATUS_OF_TYPE: Final[dict[str, int]] = {
    "ValidationException": 400,
    "ServiceQuotaExceededException": 400,
    "AccessDeniedException": 403,
    "ResourceNotFoundException": 404,
    "ModelTimeoutException": 408,
    "ConflictException": 409,
    "ModelErrorException": 424,
    "ModelStreamErrorException": 424,
    "ThrottlingException": 429,
    "ModelNotReadyException": 429,
    "InternalServerException": 500,
    "ServiceUnavailableException": 503,
}
"""The exceptions of the API and the HTTP status of each. Inside streams their names begin in lower case."""

TYPE_OF_STATUS: Final[dict[int, str]] = {
    400: "ValidationException",
    401: "AccessDeniedException",
    402: "AccessDeniedException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    408: "ModelTimeoutException",
    409: "ConflictException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}


class _Inner(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None


class _Body(msgspec.Struct):
    message: str | None = None
    Message: str | None = None
    type_: str | None = msgspec.field(default=None, name="__type")
    code: str | int | None = None
    error: _Inner | str | None = None
    detail: str | None = None
    originalStatusCode: int | None = None  # noqa: N815 -- the wire's own name
    output: Raw = NULL


_decode = msgspec.json.Decoder(_Body).decode
_encode = msgspec.json.Encoder().encode


def read_error(dialect: str, status: int, body: bytes) -> UpstreamError:
    """A provider's error response in `dialect`; never fails, whatever the bytes."""
    try:
        told = decode_mended(_decode, body)
    except DECODE_ERRORS:
        told = _Body(message=_plain(body))
    inner = told.error if isinstance(told.error, _Inner) else _Inner(message=told.error)
    name = error_name(told.type_ or inner.type or _text(told.code)) or TYPE_OF_STATUS.get(status, "")
    message = told.message or told.Message or inner.message or told.detail
    error = UpstreamError(
        message or f"the provider returned status {status} without a message",
        kind="status",
        status=status,
        type=name or "api_error",
        code=_text(inner.code) or name or None,
        body=body,
        dialect=dialect,
    )
    return name_error(error, name)


def name_error(error: UpstreamError, told: str) -> UpstreamError:
    """The error with the name that its `x-amzn-errortype` header tells ("" for none)."""
    name = error_name(told)
    if name:
        error.type = error.code = name
        error.stale_key = name in _STALE
    error.whole_key = concerns_key(error.code, error.type)
    return error


def error_name(told: str | None) -> str:
    """The exception's name: without the namespace before it and the address that may follow."""
    return (told or "").partition(":")[0].rpartition("#")[2].strip()


def _text(code: str | int | None) -> str | None:
    return None if code is None else str(code)


def _plain(body: bytes) -> str:
    text = body[: _TEXT_CHARS_MAX * 8].decode("utf-8", "replace")
    if text.lstrip().startswith("<"):
        text = _TAGS.sub(" ", text)
    return " ".join(text.split())[:_TEXT_CHARS_MAX]


def error_inside(dialect: str, body: bytes) -> UpstreamError | None:
    """The error that came with status 200 in place of a reply, with the status of its name, else 502."""
    try:
        told = decode_mended(_decode, body)
    except DECODE_ERRORS:
        return None
    if told.output != NULL or not (told.type_ or told.error):
        return None
    error = read_error(dialect, 502, body)
    error.status = STATUS_OF_TYPE.get(error.type) or status_of(error.code, error.type) or 502
    error.kind = "fault"
    return error


def read_fault(message: Message) -> StreamFault | None:
    """The fault that a frame tells; None for an event."""
    kind = message.header(":message-type")
    if kind == "exception":
        try:
            told = decode_mended(_decode, message.payload)
        except DECODE_ERRORS:
            told = _Body(message=_plain(message.payload))
        name = str(message.header(":exception-type") or "")
        name = error_name(name[:1].upper() + name[1:])
        status = STATUS_OF_TYPE.get(name) or told.originalStatusCode
        words = told.message or told.Message
    elif kind == "error":
        name = str(message.header(":error-code") or "")
        status, words = STATUS_OF_TYPE.get(error_name(name)), str(message.header(":error-message") or "")
    else:
        return None
    return StreamFault(
        message=words or "the provider reported an error without a message",
        type=name or "api_error",
        code=name or None,
        status=status if status is not None and 400 <= status <= 599 else None,
    )


def write_error(dialect: str, error: AsbruError) -> bytes:
    """The body of an error response. One of this dialect's provider goes on as it came."""
    if isinstance(error, UpstreamError) and error.kind in ("status", "fault") and _is_ours(dialect, error):
        return error.body or b""
    return _encode({"__type": error_type(error.type, error.status), "message": _words(bedrock_words(error))})


def _is_ours(dialect: str, error: UpstreamError) -> bool:
    if error.dialect != dialect or not error.body:
        return False
    try:
        told = _decode(error.body)
    except DECODE_ERRORS:
        return False
    return (told.message or told.Message) is not None


def error_type(kind: str, status: int | None) -> str:
    """The name of the exception for an error of type `kind` (of any dialect) with this status."""
    if kind in STATUS_OF_TYPE:
        return kind
    fallback = "ValidationException" if 400 <= (status or 500) < 500 else "InternalServerException"
    return TYPE_OF_STATUS.get(status or 500, fallback)


def _words(message: str) -> str:
    """Lone surrogates in a message are replaced."""
    return message.encode("utf-8", "replace").decode()


def write_stream_error(error: AsbruError) -> bytes:
    """The frame that ends a stream with this error."""
    return write_fault(error_type(error.type, error.status), bedrock_words(error))


def write_fault(name: str, message: str) -> bytes:
    """An exception in a stream."""
    headers = (
        Header(":exception-type", name[:1].lower() + name[1:]),
        Header(":content-type", "application/json"),
        Header(":message-type", "exception"),
    )
    return write_message(headers, _encode({"message": _words(message)}))
