"""Translation of what is no chat (embeddings, images, speech, ...): its requests and replies, to and from the canonical
values of `core.shapes`.

Beside the record stand the functions of a dialect that only providers, or only callers, speak.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from asbru.core.errors import UnsupportedByProvider
from asbru.core.notes import Note
from asbru.core.traits import Traits


class WrittenForm(msgspec.Struct, frozen=True):
    """A body for the wire that may not be JSON, with its type and the receipt. `parameters`: what stands in the
    `{name}`s of the operation's path, where the body does not say it."""

    body: bytes
    content_type: bytes = b"application/json"
    notes: tuple[Note, ...] = ()
    parameters: dict[str, str] = {}


def nothing_to_read(body: bytes, content_type: bytes) -> Any:
    """`read_request` and `read_reply` of a dialect that only providers, or only callers, speak."""
    del body, content_type
    raise UnsupportedByProvider("this call cannot be translated; use a provider of the same dialect")


def nothing_to_write(*values: Any) -> WrittenForm:
    """`write_request` and `write_reply` of one."""
    del values
    raise UnsupportedByProvider("this call cannot be translated; use a provider of the same dialect")


def always_ready(body: bytes) -> str:
    """`pending` of what is answered once it is done."""
    del body
    return ""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Translation of an operation that is not a chat, in both directions. The canonical values are those of
    `core.shapes`, of one kind for each name of an operation.

    `read_request(body, content_type)`; `write_request(request, model, traits)`, `model` by the provider's own name;
    `read_reply(body, content_type)`, which raises `UpstreamError` for what is none; `write_reply(reply, request)`. A
    dialect without callers reads no requests and writes no replies; one whose replies are bytes reads none.
    `pending(body)`: where to ask again, below the provider's base URL, for what the provider has only begun; "": it is
    done.
    """

    read_request: Callable[[bytes, bytes], Any] = nothing_to_read
    write_request: Callable[[Any, str, Traits], WrittenForm] = nothing_to_write
    read_reply: Callable[[bytes, bytes], Any] = nothing_to_read
    write_reply: Callable[[Any, Any], WrittenForm] = nothing_to_write
    pending: Callable[[bytes], str] = always_ready
