"""Bodies of `invoke`: the head, the rewrite for pass-through, and the envelope put on and taken off.

Source: https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from asbru.core.chat import ChatRequest, Raw
from asbru.core.errors import BadRequest
from asbru.core.notes import Note
from asbru.core.traits import Traits
from asbru.dialects.contract import Codec, PathParameters, RequestHead, Written
from asbru.dialects.fields import DECODE_ERRORS, check_utf8, open_body, refuse_request
from asbru.dialects.surrogates import decode_mended

NAME: Final = "bedrock_invoke"
MESSAGES: Final = "anthropic_messages"
VERSION: Final = "anthropic_version"
_VERSION: Final = Raw(b'"bedrock-2023-05-31"')
_BETA: Final = "anthropic_beta"
_BETA_HEADER: Final = b"anthropic-beta"
_IN_PATH: Final = ("model", "stream")
_TAGS: Final = "tags"
"""Of a request, for Anthropic's own reports: no cloud knows them."""
_UNKNOWN: Final = Raw(b'"?"')
BETAS: Final = frozenset((
    "computer-use-2024-10-22", "computer-use-2025-01-24", "computer-use-2025-11-24", "context-1m-2025-08-07",
    "context-management-2025-06-27", "dev-full-thinking-2025-05-14", "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14", "interleaved-thinking-2025-05-14", "output-128k-2025-02-19",
    "token-efficient-tools-2025-02-19", "tool-examples-2025-10-29", "tool-search-tool-2025-10-19",
))  # fmt: skip
"""Betas that Bedrock knows (see the source above, read 2026-11); it refuses a request that names any other."""

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_count = msgspec.json.Decoder(int | None).decode
_betas = msgspec.json.Decoder(list[str]).decode
_encode = msgspec.json.Encoder().encode


def read_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """The head of a body of Claude's; `BadRequest` for any other."""
    del query
    try:
        members = decode_mended(_members, body)
        max_tokens = _count(members["max_tokens"]) if "max_tokens" in members else None
    except DECODE_ERRORS as error:
        open_body(body, refuse_request).integer("max_tokens")
        raise BadRequest(f"the body: expected a Messages request, got: {error}") from None
    check_utf8(body, refuse_request)
    _check_version(members)
    return RequestHead(parameters.get("model", ""), False, True, max_tokens, 1, members)


def _check_version(members: dict[str, Raw]) -> None:
    if VERSION not in members:
        raise BadRequest(
            f"{VERSION}: expected a body of Claude, which has this member; for other models use `converse`, or "
            "/passthrough/PROVIDER/model/MODEL/invoke for a body as it is",
            param=VERSION,
        )


def read_stream_head(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    """The same of a request for a stream."""
    return msgspec.structs.replace(read_head(body, parameters, query), stream=True)


def rewrite(head: RequestHead, model: str, ask_usage: bool, strip: frozenset[str]) -> dict[str, Raw] | None:
    """The members without those in `strip`; None when nothing had to change."""
    del model, ask_usage
    gone = strip & head.members.keys() if strip else strip
    return {name: raw for name, raw in head.members.items() if name not in gone} if gone else None


def read_request(base: Codec, body: bytes) -> ChatRequest:
    """The request in its envelope; its model is "" until the path adds it."""
    open_body(body, refuse_request)
    members = decode_mended(_members, body)
    _check_version(members)
    del members[VERSION]
    for name in _IN_PATH:
        members.pop(name, None)
    request = base.read_request(_encode({"model": _UNKNOWN, **members}))
    return msgspec.structs.replace(request, model="")


def write_request(base: Codec, request: ChatRequest, model: str, traits: Traits) -> Written:
    """The body in its envelope."""
    if traits.strip:
        traits = msgspec.structs.replace(traits, strip=traits.strip.difference(_IN_PATH))
    written = base.write_request(request, model, traits)
    members = _members(written.body)
    for name in _IN_PATH:
        members.pop(name, None)
    notes = written.notes
    if members.pop(_TAGS, None) is not None:
        notes += (Note("dropped", _TAGS, "Bedrock does not know them"),)
    if VERSION in traits.strip:
        return Written(_encode(members), (*notes, Note("dropped", VERSION, "the provider refuses it")))
    return Written(_encode({VERSION: _VERSION, **members}), notes)


def take_headers(body: bytes, value_of: Callable[[bytes], bytes]) -> Written:
    """A body with the betas that its caller named in a header, as far as Bedrock knows them."""
    told = value_of(_BETA_HEADER).decode("latin-1")
    if not told:
        return Written(body)
    named = [beta.strip() for beta in told.split(",") if beta.strip()]
    known = [beta for beta in named if beta in BETAS]
    members = _members(body)
    try:
        own = _betas(members[_BETA]) if _BETA in members else []
    except DECODE_ERRORS:
        return Written(body)
    betas = list(dict.fromkeys([*own, *known]))
    if betas:
        members[_BETA] = Raw(_encode(betas))
    unknown = sorted(set(named) - BETAS)
    notes = tuple(Note("dropped", f"anthropic-beta {beta[:60]}", "Bedrock does not know it") for beta in unknown)
    return Written(_encode(members) if betas else body, notes)
