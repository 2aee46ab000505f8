"""Heads that stand at the top of a body: the model, the wish for a stream, and the limit under a dialect's own name.

Shared by the dialects whose pass-through needs no more than that. Not here: dialects that ask for usage in a stream, or
whose model stands in the path.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.dialects.fields import DECODE_ERRORS, check_spelling, check_utf8, open_body, refuse_request
from asbru.dialects.head import PathParameters, RequestHead
from asbru.dialects.surrogates import mend_surrogates

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_text = msgspec.json.Decoder(str).decode
_flag = msgspec.json.Decoder(bool | None).decode
_count = msgspec.json.Decoder(int | None).decode


class ReadHead(Protocol):
    """See `Operation.read_head`."""

    def __call__(self, body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead: ...


def flat_head(limit: str) -> ReadHead:
    """What reads such heads; `limit` is the dialect's name for the most tokens that may come out."""
    judged = frozenset(("model", "stream", limit))  # what Asbru reads of a body that goes on as it came

    def read_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
        """Model, stream flag and limit; `BadRequest` for anything that is not a request's head."""
        del parameters, query  # all of it stands in the body
        try:
            members = _members(body)
            check_spelling(members, judged)
            model = _text(members["model"])
            stream = "stream" in members and _flag(members["stream"]) is True
            max_tokens = _count(members[limit]) if limit in members else None
        except (KeyError, *DECODE_ERRORS):
            mended = mend_surrogates(body)
            if mended is not body:
                return read_head(mended)
            raise _why_not(body, limit) from None
        if not model:
            raise BadRequest("model: expected the name of a model, got an empty string", param="model")
        check_utf8(body, refuse_request)
        return RequestHead(model, stream, True, max_tokens, 1, members)

    return read_head


def _why_not(body: bytes, limit: str) -> BadRequest:
    """The same body read slowly, for a message with a path."""
    try:
        fields = open_body(body, refuse_request)
        fields.need_text("model")
        fields.boolean("stream")
        fields.integer(limit)
    except BadRequest as error:
        return error
    return BadRequest("expected the body of a request, got JSON that is not one")


def rewrite(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """The members with `model` set and `strip` removed; None when nothing had to change. Usage comes unasked."""
    del ask_usage
    members = head.members
    gone = strip & members.keys() if strip else strip
    if head.model == model and not gone:
        return None
    members = members.copy()
    members["model"] = Raw(msgspec.json.encode(model))
    for name in gone:
        del members[name]
    return members
