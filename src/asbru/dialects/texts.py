"""The texts of bodies that are no chat: prompts of completions, inputs of embeddings and moderations, what to rank.

Each is a string, a list of strings, a list of token numbers, a list of such lists, or of objects with texts in them.
Tokens are no text: they are left alone, and so are the kinds and addresses of parts (`type`, `image_url`). Not here:
chat, which each dialect reads whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias, cast

import msgspec

from asbru.core.chat import Raw
from asbru.core.errors import BadRequest
from asbru.dialects.contract import Texts

_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.encode

NO_TEXTS = Texts(read=lambda body: (), write=lambda body, texts: body)
"""Of a body that holds none: a document to read."""
_NO_TEXT = frozenset(("type", "image_url"))

Held: TypeAlias = str | Sequence[object] | Mapping[str, object] | None


def texts_in(*names: str) -> Texts:
    """The texts of the members called `names`."""

    def read(body: bytes) -> tuple[str, ...]:
        members = _open(body)
        try:
            return tuple(text for name in names for text in _texts(_held(members, name)))
        except RecursionError:
            raise BadRequest("expected texts, got values that are nested too deeply") from None

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
    elif isinstance(held, dict):
        for name, item in cast("dict[str, object]", held).items():
            if name not in _NO_TEXT:
                yield from _texts(item)


def _replaced(held: object, following: Callable[[], str]) -> object:
    if isinstance(held, str):
        return following()
    if isinstance(held, list):
        return [_replaced(item, following) for item in cast("list[object]", held)]
    if isinstance(held, dict):
        return {
            name: item if name in _NO_TEXT else _replaced(item, following)
            for name, item in cast("dict[str, object]", held).items()
        }
    return held
