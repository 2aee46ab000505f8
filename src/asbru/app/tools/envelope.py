"""JSON-RPC messages as MCP frames them: only the envelope is read, whatever it carries stays as it came.

Pure. Not here: what a method means, and how messages are framed on a wire.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

PROGRESS: Final = "notifications/progress"
CANCELLED: Final = "notifications/cancelled"
LISTEN: Final = "subscriptions/listen"
UPDATED: Final = "notifications/resources/updated"
LOGGED: Final = "notifications/message"
SUBSCRIPTION_ID: Final = "io.modelcontextprotocol/subscriptionId"

METHOD_NOT_FOUND: Final = -32601
INTERNAL_ERROR: Final = -32603
SERVER_GONE: Final = -32000
"""The server ended, or was lost, before it answered; of the range that JSON-RPC leaves to implementations."""


class Envelope(msgspec.Struct, omit_defaults=True):
    """A request (`method`, `id`), a notification (`method` alone) or a response (`id`, and `result` or `error`)."""

    jsonrpc: str = "2.0"
    id: Raw | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET

    @property
    def is_request(self) -> bool:
        """Whether an answer is expected."""
        return self.method is not UNSET and self.id is not UNSET

    @property
    def is_response(self) -> bool:
        """Whether it answers a request."""
        return self.method is UNSET and self.id is not UNSET


class RpcError(msgspec.Struct, omit_defaults=True):
    """The member `error` of a response."""

    code: int
    message: str = ""
    data: Raw | UnsetType = UNSET


_ENVELOPE = msgspec.json.Decoder(Envelope)
_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_ERROR = msgspec.json.Decoder(RpcError)
_encode = msgspec.json.Encoder().encode


def read_envelope(message: bytes) -> Envelope:
    """The envelope of one message; raises `ValueError` for what is none."""
    envelope = _ENVELOPE.decode(message)
    if envelope.method is UNSET and (envelope.result is UNSET) == (envelope.error is UNSET):
        raise ValueError("expected a method, a result or an error")
    return envelope


def write_envelope(envelope: Envelope) -> bytes:
    """The message, without a line end."""
    # The version is a default, which is left out; it comes first in every message.
    return b'{"jsonrpc":"2.0",' + _encode(envelope)[1:]


def write_request(number: int | str, method: str, params: bytes | None) -> bytes:
    """A request of our own."""
    return write_envelope(
        Envelope(id=Raw(_encode(number)), method=method, params=UNSET if params is None else Raw(params))
    )


def write_notification(method: str, params: object = None) -> bytes:
    """A notification of our own."""
    return write_envelope(Envelope(method=method, params=UNSET if params is None else Raw(_encode(params))))


def write_error(request_id: Raw | UnsetType, code: int, message: str) -> bytes:
    """A response that says why there is no result; `request_id` UNSET: null."""
    given = Raw(b"null") if request_id is UNSET else request_id
    return write_envelope(Envelope(id=given, error=Raw(_encode(RpcError(code, message)))))


def read_error(error: Raw) -> RpcError:
    """What an error says; one that cannot be read says that."""
    try:
        return _ERROR.decode(error)
    except ValueError:
        return RpcError(INTERNAL_ERROR, "the server sent an error that cannot be read")


def members(value: Raw | UnsetType) -> dict[str, Raw]:
    """The members of an object, each as it came; {} for anything else."""
    if value is UNSET:
        return {}
    try:
        return _MEMBERS.decode(value)
    except ValueError:
        return {}


def with_meta(value: Raw | UnsetType, name: str, meta: object) -> Raw:
    """An object whose `_meta` has a member so; all others stay as they came."""
    outer = members(value)
    inner = members(outer.get("_meta", UNSET))
    inner[name] = meta if isinstance(meta, Raw) else Raw(_encode(meta))
    outer["_meta"] = Raw(_encode(inner))
    return Raw(_encode(outer))


def without_meta(value: Raw, name: str) -> Raw:
    """An object whose `_meta` has no such member, and which has no `_meta` that would be empty; as it came where it has
    none."""
    outer = members(value)
    inner = members(outer.get("_meta", UNSET))
    if name not in inner:
        return value
    del inner[name]
    del outer["_meta"]
    return Raw(_encode({**outer, "_meta": inner} if inner else outer))


def meta_of(value: Raw | UnsetType, name: str) -> Raw | UnsetType:
    """A member of an object's `_meta`, as it came."""
    return members(members(value).get("_meta", UNSET)).get(name, UNSET)
