"""The texts of bodies that have no canonical form: prompts of completions, inputs of embeddings.

Either is a string, a list of strings, a list of token numbers, or a list of such lists. Tokens are no text: they are
left alone. Not here: chat, which is read whole (`request.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, cast

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.dialects.contract import Texts

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.encode

Held: TypeAlias = str | Sequence[object] | None


def texts_in(*names: str) -> Texts:
    """The texts of the members called `names`."""

    def read(body: bytes) -> tuple[str, ...]:
        members = _open(body)
        return tuple(text for name in names for text in _texts(_held(members, name)))

    def write(body: bytes, texts: Sequence[str]) -> bytes:
        members = _open(body)
        left = iter(texts)
        for name in names:
            held = _held(members, name)
            if any(True for _ in _texts(held)):
                members[name] = Raw(_encode(_replaced(held, left.__next__)))
        return _encode(members)

    return Texts(read=read, write=write)


def _open(body: bytes) -> dict[str, Raw]:
    try:
        return _members(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"expected a JSON object, got: {error}") from None


def _held(members: dict[str, Raw], name: str) -> Held:
    raw = members.get(name)
    if raw is None:
        return None
    try:
        return cast("Held", msgspec.json.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"{name}: expected text, got: {error}", param=name) from None


def _texts(held: object) -> Iterator[str]:
    if isinstance(held, str):
        yield held
    elif isinstance(held, list):
        for item in cast("list[object]", held):
            yield from _texts(item)


def _replaced(held: object, following: Callable[[], str]) -> object:
    if isinstance(held, str):
        return following()
    if isinstance(held, list):
        return [_replaced(item, following) for item in cast("list[object]", held)]
    return held
