"""What workers ask the bookkeeper about stored objects, and what it answers, in msgpack.

Not here: who may ask. A worker names the owner whose objects it wants, and the bookkeeper believes it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

SUBJECT: Final = "stored.objects"
LIMIT_MAX: Final = 1000
"""Objects in one answer."""


class ObjectRow(msgspec.Struct, frozen=True, array_like=True):
    """An object as it is listed. `id`: Asbru's; `label`: what lists may be narrowed to besides (a file's purpose);
    `body`: the object as its owner saw it last, in the words of the API."""

    id: str
    kind: str
    owner: str
    provider: str
    key: str
    label: str
    status: str
    size_bytes: int
    created_ms: int
    body: bytes


class Put(msgspec.Struct, frozen=True, tag="put"):
    """Keep an object, or what has become of it."""

    row: ObjectRow


class Remove(msgspec.Struct, frozen=True, tag="remove"):
    """It is gone."""

    id: str


class Listed(msgspec.Struct, frozen=True, tag="list"):
    """The objects of an owner, the newest first unless `ascending`; those after `after`, an id. `provider`, `label`:
    only these, "" for any."""

    kind: str
    owner: str
    provider: str = ""
    label: str = ""
    after: str = ""
    limit: int = 100
    ascending: bool = False


class Claim(msgspec.Struct, frozen=True, tag="claim"):
    """Whether what an object used is still to be counted; true once."""

    id: str


class Page(msgspec.Struct, frozen=True, array_like=True):
    """What is listed, and whether there are more."""

    bodies: list[bytes]
    more: bool


Asked: TypeAlias = Put | Remove | Listed | Claim
