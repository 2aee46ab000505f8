"""What makes two requests the same. A key is text that people can read but for its end:

    SCOPE/OPERATION/PROVIDER/MODEL/DIGEST        key:alice/chat/openai/gpt-4o/3f0c...

The digest is of what is asked, after this normalisation, and of nothing else:

    counts         every text to the letter: case, white space and Unicode form are never changed; every parameter,
                   tool, `user`, and member that only one dialect knows; the order of messages, parts and tools, and of
                   the properties of a schema, in which models write them; headers for the provider; the query; the
                   version of the rules that apply
    does not       the caller's name for the model (the target is in the key), `stream` and whether usage was asked for,
                   the order of other members, white space between JSON tokens, a text given as a string or as a list
                   with one text part

A chat is digested in canonical form, so dialects share entries, unless a request has members that only its own dialect
knows. Other operations are digested by the members of their body, and share within their dialect. Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, Final, cast

import msgspec

from asbru.core.chat import ChatRequest, Message, Part, Raw, ToolResultPart

DIGEST_BYTES: Final = 16
_encode: Final = msgspec.json.Encoder().encode
_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode
_decode: Final = msgspec.json.Decoder().decode
_PROPERTIES: Final = b'"properties"'
_ANY_EXTRA: Final = b'"extra":{'
_NO_EXTRA: Final = b'"extra":{}'
UNREADABLE: Final = (msgspec.MsgspecError, RecursionError, ValueError)
"""What the digests raise for a body that cannot be normalised: it has no key."""


def digest_of_bytes(*parts: bytes) -> bytes:
    """A digest of parts that cannot run into each other."""
    lengths = b"%b:" % b",".join([b"%d" % len(part) for part in parts])
    return hashlib.blake2b(b"".join((lengths, *parts)), digest_size=DIGEST_BYTES).digest()


def digest_of_chat(request: ChatRequest) -> bytes:
    """The digest of a chat. Raises UNREADABLE."""
    request = msgspec.structs.replace(
        request,
        model="",
        stream=False,
        include_usage=False,
        messages=tuple(_plain(message) for message in request.messages),
    )
    encoded = _encode(request)
    if encoded.count(_ANY_EXTRA) == encoded.count(_NO_EXTRA):  # a quote inside a text is escaped: these are members
        encoded = _encode(msgspec.structs.replace(request, dialect=""))
    return digest_of_bytes(*_normal(encoded))


def digest_of_members(dialect: str, members: Mapping[str, Raw | Any]) -> bytes:
    """The digest of another operation, by the members of its body. Raises UNREADABLE."""
    kept = {name: value for name, value in members.items() if name not in ("model", "stream", "stream_options")}
    return digest_of_bytes(dialect.encode(), *_normal(_encode(kept)))


def _normal(encoded: bytes) -> tuple[bytes, ...]:
    """JSON with its members in order, and beside it the order that counts."""
    value = _decode(encoded)
    if _PROPERTIES not in encoded:
        return (_encode_sorted(value),)
    return _encode_sorted(value), _encode(list(_orders(value)))


def _orders(value: Any) -> Iterator[list[str]]:
    """The names of the properties of each schema, as they stand."""
    if isinstance(value, list):
        for one in cast("list[Any]", value):
            yield from _orders(one)
    elif isinstance(value, dict):
        for name, inner in sorted(cast("dict[str, Any]", value).items()):
            if name == "properties" and isinstance(inner, dict):
                yield list(cast("dict[str, Any]", inner))
            yield from _orders(inner)


def _plain(message: Message) -> Message:
    """A message without a word on how its text was written."""
    parts = message.parts
    if any(isinstance(part, ToolResultPart) for part in parts):
        parts = tuple(_plain_result(part) for part in parts)
    return msgspec.structs.replace(message, plain=False, parts=parts)


def _plain_result(part: Part) -> Part:
    return msgspec.structs.replace(part, plain=False) if isinstance(part, ToolResultPart) else part
