"""Messages of JSON-RPC: the envelope is read, the rest stays as it came.

`params` of a request are read one level deep where something has to be known or changed of them: a name, `_meta`. All
other members, and results, pass to the byte.
"""

from __future__ import annotations

import json
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from asbru.mcp.protocol.errors import Code, RpcError

Params = dict[str, Raw]
"""The members of `params`, each as it came."""

ID_BYTES_MAX: Final = 512
"""A longer id is none."""
_NULL = b"null"


class Message(msgspec.Struct, frozen=True):
    """A request (`method` and `id`), a notification (`method`) or a response (`result` or `error`)."""

    jsonrpc: str = ""
    id: Raw | UnsetType = UNSET
    method: str | UnsetType = UNSET
    params: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw | UnsetType = UNSET

    @property
    def is_request(self) -> bool:
        """Whether it wants a response."""
        return self.method is not UNSET and self.id is not UNSET

    @property
    def request_id(self) -> bytes | None:
        """Its id, JSON as it came; None where it has none."""
        return None if self.id is UNSET else bytes(self.id)

    def read_params(self) -> Params:
        """The members of `params`; none where they are left out. Raises `RpcError`."""
        if self.params is UNSET:
            return {}
        try:
            return _read_members(self.params)
        except msgspec.MsgspecError:
            raise RpcError(Code.INVALID_PARAMS, "expected `params` to be an object") from None


_read_envelope = msgspec.json.Decoder(Message).decode
_read_members = msgspec.json.Decoder(dict[str, Raw]).decode
_read_text = msgspec.json.Decoder(str).decode
_read_texts = msgspec.json.Decoder(list[str]).decode
_read_number = msgspec.json.Decoder(int).decode


def read_message(body: bytes) -> Message:
    """The message in a body; raises `RpcError`."""
    try:
        message = _read_envelope(body)
    except msgspec.ValidationError:
        what = "one JSON-RPC message, not a batch" if body.lstrip()[:1] == b"[" else "a JSON-RPC message"
        raise RpcError(Code.INVALID_REQUEST, f"expected {what}", status=400) from None
    except msgspec.DecodeError:
        raise RpcError(Code.PARSE_ERROR, "the body is not JSON", status=400) from None
    if message.jsonrpc != "2.0":
        raise RpcError(Code.INVALID_REQUEST, 'expected `"jsonrpc": "2.0"`', status=400)
    if message.method is UNSET and message.result is UNSET and message.error is UNSET:
        raise RpcError(Code.INVALID_REQUEST, "expected a `method`, a `result` or an `error`", status=400)
    if message.id is not UNSET and not _is_id(bytes(message.id)):
        raise RpcError(Code.INVALID_REQUEST, "expected `id` to be text or a whole number", status=400)
    return message


def read_reply(data: bytes) -> Message | None:
    """A message of a server; None for what is none."""
    try:
        message = _read_envelope(data)
    except msgspec.MsgspecError:
        return None
    told = (message.method, message.result, message.error)
    return message if any(one is not UNSET for one in told) else None


def _is_id(raw: bytes) -> bool:
    if len(raw) > ID_BYTES_MAX:
        return False
    return raw[:1] == b'"' or raw.lstrip(b"-").isdigit()


def read_text(raw: Raw | None) -> str | None:
    """The text that a member holds; None where it is absent or something else."""
    if raw is None:
        return None
    try:
        return _read_text(raw)
    except msgspec.MsgspecError:
        return None


def read_texts(raw: Raw | None) -> list[str]:
    """The texts that a list holds; none where it is absent or something else."""
    if raw is None:
        return []
    try:
        return _read_texts(raw)
    except msgspec.MsgspecError:
        return []


def read_number(raw: Raw | None) -> int:
    """The whole number that a member holds; 0 where it is absent or something else."""
    if raw is None:
        return 0
    try:
        return _read_number(raw)
    except msgspec.MsgspecError:
        return 0


def read_object(raw: Raw | UnsetType | None) -> Params | None:
    """The members of an object; None where it is absent or something else."""
    if raw is None or raw is UNSET:
        return None
    try:
        return _read_members(raw)
    except msgspec.MsgspecError:
        return None


def names_twice(data: bytes | Raw) -> bool:
    """Whether an object anywhere in this JSON has two members of one name. Readers differ in which of them counts, so a
    check of one says nothing of the other. Raises `RecursionError` where it is nested too deep."""
    found = False

    def look(members: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        read = dict(members)
        found = found or len(read) < len(members)
        return read

    json.loads(bytes(data), object_pairs_hook=look)
    return found


def write_request(request_id: str, method: str, params: Params) -> bytes:
    """A request, with the members as they are."""
    told = (msgspec.json.encode(request_id), msgspec.json.encode(method), msgspec.json.encode(params))
    return b'{"jsonrpc":"2.0","id":%b,"method":%b,"params":%b}' % told


def write_result(request_id: bytes | None, result: bytes | memoryview | Raw) -> bytes:
    """The response to a request, with the result as it is."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (request_id or _NULL, bytes(result))


def write_response(request_id: bytes | None, message: Message) -> bytes:
    """The response of a server, under the id of the caller's own request."""
    if message.error is not UNSET:
        return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (request_id or _NULL, bytes(message.error))
    assert message.result is not UNSET, "only responses come here"
    return write_result(request_id, message.result)


def write_notification(method: str, params: Params | None = None) -> bytes:
    """A notification."""
    told = b"" if params is None else b',"params":%b' % msgspec.json.encode(params)
    return b'{"jsonrpc":"2.0","method":%b%b}' % (msgspec.json.encode(method), told)


def with_members(result: bytes | Raw, members: dict[str, bytes]) -> bytes:
    """An object with more members at its beginning, unless it has them; all others stay as they are, to the byte."""
    raw = bytes(result).strip()
    there = read_object(Raw(raw))
    if there is None:
        return raw
    more = b",".join(
        b"%b:%b" % (msgspec.json.encode(name), value) for name, value in members.items() if name not in there
    )
    if not more:
        return raw
    return b"{%b%b%b" % (more, b"," if there else b"", raw[1:].lstrip())
