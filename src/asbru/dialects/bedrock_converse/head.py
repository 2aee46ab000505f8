"""The head of a request: the model and whether it is streamed stand in its path, the limit in its body.

Not here: messages, tools and the rest (`request.py`).
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.dialects.bedrock_converse.types import decode_members
from asbru.dialects.contract import PathParameters, RequestHead
from asbru.dialects.fields import DECODE_ERRORS, check_utf8, open_body, refuse_request
from asbru.dialects.surrogates import mend_surrogates

_JUDGED: Final = "inferenceConfig"


class _Limits(msgspec.Struct):
    maxTokens: int | None = None  # noqa: N815 -- the wire's own name


_limits = msgspec.json.Decoder(_Limits | None).decode


def read_head(body: bytes, parameters: PathParameters | None = None, query: bytes = b"") -> RequestHead:
    """The head of a Converse request; `BadRequest` for what is none. `parameters` are those of its route."""
    del query
    try:
        members = decode_members(body)
        limits = _limits(members["inferenceConfig"]) if "inferenceConfig" in members else None
        _check_spelling(members)
    except DECODE_ERRORS:
        mended = mend_surrogates(body)
        if mended is not body:
            return read_head(mended, parameters)
        raise _why_not(body) from None
    check_utf8(body, refuse_request)
    model = (parameters or {}).get("model", "")
    return RequestHead(model, False, True, None if limits is None else limits.maxTokens, 1, members)


def _check_spelling(members: dict[str, Raw]) -> None:
    """Refuse a member that a server which ignores case would take for the one that Asbru judges."""
    for name in members:
        if name != _JUDGED and name.casefold() == _JUDGED.casefold():
            raise BadRequest(f"expected the member '{_JUDGED}', got '{name}'", param=name)


def read_stream_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """The same of a request for a stream."""
    return msgspec.structs.replace(read_head(body, parameters, query), stream=True)


def _why_not(body: bytes) -> BadRequest:
    """The same body read slowly, for a message with a path."""
    try:
        limits = open_body(body, refuse_request).child("inferenceConfig")
        if limits is not None:
            limits.integer("maxTokens")
    except BadRequest as error:
        return error
    return BadRequest("expected the body of a Converse request, got JSON that is not one")


def rewrite(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """The members without those in `strip`; None when nothing had to change. The model stands in the path, and usage
    comes unasked."""
    del model, ask_usage
    gone = strip & head.members.keys() if strip else strip
    if not gone:
        return None
    return {name: raw for name, raw in head.members.items() if name not in gone}
