"""Bodies of stored objects: members that hold ids, opened on their way to the provider and sealed on their way back.

All other members stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import islice
from typing import Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest, UpstreamError

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_text = msgspec.json.Decoder(str).decode
_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

LISTED_BYTES_MAX: Final = 32 * 1024
"""How much of an object is listed: a page of a thousand must be held."""
_LISTED_MEMBERS_MAX: Final = 24
_LISTED_MEMBER_BYTES_MAX: Final = 1024
Members = dict[str, Raw]
NUMBER_MAX: Final = 1 << 53
"""A larger number is a provider's mistake, and no database must hold it."""


def read_request(body: bytes) -> Members:
    """The members of a request; raises `BadRequest`."""
    try:
        return _members(body)
    except _ERRORS as error:
        raise BadRequest(f"the body: expected a JSON object, got something else: {error}") from error


def read_reply(body: bytes) -> Members:
    """The members of a reply; raises `UpstreamError`."""
    try:
        return _members(body)
    except _ERRORS as error:
        raise UpstreamError(
            "the provider returned a response that is not a JSON object", kind="protocol", code="upstream_protocol"
        ) from error


def text_of(members: Members, name: str) -> str | None:
    """A member that is a text, else None."""
    try:
        return _text(members[name])
    except (KeyError, *_ERRORS):
        return None


def number_of(members: Members, name: str) -> int:
    """A member that is a whole number from 0 to `NUMBER_MAX`, else 0."""
    try:
        number = msgspec.json.decode(members[name], type=int)
    except (KeyError, *_ERRORS):
        return 0
    return number if 0 <= number <= NUMBER_MAX else 0


def linked(members: Members, links: Mapping[str, str], sealed: str) -> Members:
    """The members with paths of Asbru's in place of the provider's addresses, where there are any."""
    paths = {name: path.replace("{id}", sealed) for name, path in links.items() if text_of(members, name)}
    return {**members, **{name: Raw(msgspec.json.encode(path)) for name, path in paths.items()}}


def replaced(members: Members, kinds: Mapping[str, str], replace: Callable[[str, str], str]) -> Members:
    """The members with `replace(kind, id)` in place of the ids in those of these names."""
    changed = dict(members)
    for name, kind in kinds.items():
        text = text_of(members, name)
        if text:
            changed[name] = Raw(msgspec.json.encode(replace(kind, text)))
    return changed


def listed(body: bytes) -> bytes:
    """The object as it is listed: whole, but for one that is very large, of which the long members are left out."""
    if len(body) <= LISTED_BYTES_MAX:
        return body
    members = _members(body)
    short = ((name, raw) for name, raw in members.items() if len(name) + len(raw) <= _LISTED_MEMBER_BYTES_MAX)
    return msgspec.json.encode({"id": members["id"], **dict(islice(short, _LISTED_MEMBERS_MAX))})
