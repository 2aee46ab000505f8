"""The head of a request: what a pass-through call reads of a body, and the rewrite of its few members.

Not here: messages, tools and the rest (`request.py`).
"""

from __future__ import annotations

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.dialects.cohere.types import decode_members, encode
from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.fields import DECODE_ERRORS, check_spelling, check_utf8, open_body, refuse_request
from asbru.dialects.surrogates import mend_surrogates

_text = msgspec.json.Decoder(str).decode
_flag = msgspec.json.Decoder(bool | None).decode
_count = msgspec.json.Decoder(int | None).decode
_JUDGED = frozenset(("model", "stream", "max_tokens"))
"""What Asbru reads of a body that goes on as it came."""


def read_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """Model, stream flag and limit; `BadRequest` for anything that is not a request's head."""
    del parameters, query  # all of it stands in the body
    try:
        members = decode_members(body)
        check_spelling(members, _JUDGED)
        model = _text(members["model"])
        stream = "stream" in members and _flag(members["stream"]) is True
        max_tokens = _count(members["max_tokens"]) if "max_tokens" in members else None
    except (KeyError, *DECODE_ERRORS):
        mended = mend_surrogates(body)
        if mended is not body:
            return read_head(mended)
        raise _why_not(body) from None
    if not model:
        raise BadRequest("model: expected the name of a model, got an empty string", param="model")
    check_utf8(body, refuse_request)
    return RequestHead(model, stream, True, max_tokens, 1, members)


def read_whole_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """The head of what cannot be streamed and makes no tokens."""
    head = read_head(body, parameters, query)
    return RequestHead(head.model, False, True, None, 1, head.members)


def _why_not(body: bytes) -> BadRequest:
    """The same body read slowly, for a message with a path."""
    try:
        fields = open_body(body, refuse_request)
        fields.need_text("model")
        fields.boolean("stream")
        fields.integer("max_tokens")
    except BadRequest as error:
        return error
    return BadRequest("expected the body of a request, got JSON that is not one")


def rewrite(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """The members with `model` set and `strip` removed; None when nothing had to change. Usage comes unasked."""
    del ask_usage
    gone = strip & head.members.keys() if strip else strip
    if head.model == model and not gone:
        return None
    members = head.members.copy()
    members["model"] = Raw(encode(model))
    for name in gone:
        del members[name]
    return members
