"""What workers ask the bookkeeper about stored responses, in msgpack.

Not here: who may ask. A worker names the owner, and the bookkeeper believes it.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

SUBJECT: Final = "stored.responses"
CHAIN_MAX: Final = 2000
"""Responses of one conversation; a longer one cannot be gone on from."""


class ResponseRow(msgspec.Struct, frozen=True, array_like=True):
    """A response. `previous`: the id of the one that it goes on from, "" for none; `input`, `output`: the items that it
    adds, JSON arrays; `body`: the response without its output."""

    id: str
    owner: str
    previous: str
    created_ms: int
    expires_ms: int
    input: bytes
    output: bytes
    body: bytes

    @property
    def size_bytes(self) -> int:
        """What it takes."""
        return len(self.input) + len(self.output) + len(self.body)


class PutResponse(msgspec.Struct, frozen=True, tag="put"):
    """Keep a response, and those before it as long; delete the oldest while all take more than `bytes_max`."""

    row: ResponseRow
    bytes_max: int


class Conversation(msgspec.Struct, frozen=True, tag="conversation"):
    """All responses of the conversation that ends with `id`."""

    id: str
    owner: str
    now_ms: int


class ReadResponse(msgspec.Struct, frozen=True, tag="read"):
    """One response."""

    id: str
    owner: str
    now_ms: int


class RemoveResponse(msgspec.Struct, frozen=True, tag="remove"):
    """Forget a response."""

    id: str
    owner: str


class Link(msgspec.Struct, frozen=True, array_like=True):
    """What one response adds to its conversation: JSON arrays."""

    input: bytes
    output: bytes


ResponseAsked: TypeAlias = PutResponse | Conversation | ReadResponse | RemoveResponse
