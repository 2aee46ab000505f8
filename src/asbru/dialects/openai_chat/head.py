"""The head of a request: what a pass-through call reads of a body, and the rewrite of its few members.

Bodies are decoded only as deep as needed and never searched as text; members that stay are copied as raw
JSON, so that whatever a caller sent arrives as sent. Not here: messages, tools and the rest (`request.py`).
"""

from __future__ import annotations

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.dialects.contract import RequestHead
from asbru.dialects.openai_chat.fields import check_utf8, open_object, refuse_request
from asbru.dialects.openai_chat.types import NULL, Head

_HEAD = msgspec.json.Decoder(Head)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_INCLUDE_USAGE = Raw(b'{"include_usage":true}')
_TRUE = Raw(b"true")


def read_head(body: bytes) -> RequestHead:
    """Model, stream flag and limits; `BadRequest` for anything that is not a chat body's head."""
    try:
        head = _HEAD.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _why_not(body) from None
    if not head.model:
        raise BadRequest("model: expected the name of a model, got an empty string", param="model")
    if not body.isascii():
        check_utf8(body, refuse_request)
    options = head.stream_options
    return RequestHead(
        head.model,
        head.stream is True,
        options is not None and options.include_usage is True,
        head.max_tokens if head.max_completion_tokens is None else head.max_completion_tokens,
        head.n or 1,
    )


def _why_not(body: bytes) -> BadRequest:
    """The same body read slowly, for a message with a path."""
    try:
        fields = open_object(body, refuse_request)
        fields.need_text("model")
        fields.flag("stream")
        options = fields.child("stream_options")
        if options is not None:
            options.flag("include_usage")
        fields.whole("max_tokens")
        fields.whole("max_completion_tokens")
        fields.whole("n")
    except BadRequest as error:
        return error
    return BadRequest("expected the body of a request, got JSON that is not one")


def rewrite(body: bytes, model: str, ask_usage: bool, strip: frozenset[str]) -> bytes:
    """`body` with `model` set, `strip` removed and, if `ask_usage`, usage asked of the stream.

    The identical object when nothing had to change.
    """
    try:
        members = _MEMBERS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _why_not(body) from None
    changed = False
    for name in strip:
        changed = members.pop(name, None) is not None or changed
    name = Raw(msgspec.json.encode(model))
    if members.get("model") != name:
        members["model"] = name
        changed = True
    if ask_usage and "stream_options" not in strip:
        asked = _ask_usage(members.get("stream_options", NULL))
        if asked is not None:
            members["stream_options"] = asked
            changed = True
    return msgspec.json.encode(members) if changed else body


def _ask_usage(options: Raw) -> Raw | None:
    """The stream options with usage asked for; None when they ask already."""
    if options == NULL:
        return _INCLUDE_USAGE
    try:
        members = _MEMBERS.decode(options)
    except (msgspec.DecodeError, RecursionError):
        raise refuse_request("stream_options", "expected an object, got something else") from None
    if members.get("include_usage") == _TRUE:
        return None
    members["include_usage"] = _TRUE
    return Raw(msgspec.json.encode(members))
