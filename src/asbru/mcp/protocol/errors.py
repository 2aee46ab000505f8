"""Errors of JSON-RPC: codes, and every error of Asbru's as one of them.

A caller of the stateless era receives the HTTP status that the protocol has for a code. Callers with sessions receive
200 with the error inside, since their libraries take any other status for a broken connection.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

from asbru.core.errors import AsbruError, BadRequest, CallerError, NotFound, UpstreamError


class Code(IntEnum):
    """Codes of JSON-RPC and of MCP. REFUSED is Asbru's own, of the range for implementations: the member `data` says
    more (`code`, `status`, `retry_after_s`)."""

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL_ERROR = -32603
    REFUSED = -32000
    HEADER_MISMATCH = -32020
    MISSING_CAPABILITY = -32021
    UNSUPPORTED_VERSION = -32022


_STATUS = {
    Code.PARSE_ERROR: 400,
    Code.INVALID_REQUEST: 400,
    Code.INVALID_PARAMS: 400,
    Code.HEADER_MISMATCH: 400,
    Code.MISSING_CAPABILITY: 400,
    Code.UNSUPPORTED_VERSION: 400,
    Code.METHOD_NOT_FOUND: 404,
}


class RpcError(CallerError):
    """An error with a code of the protocol. `data`: what the member of that name holds; None: it is left out."""

    code = "invalid_request"

    def __init__(self, rpc: Code, message: str, *, data: Any = None, status: int | None = None) -> None:
        super().__init__(message, status=status or _STATUS.get(rpc, 200))
        self.rpc = rpc
        self.data = data


def rpc_status(error: AsbruError, *, stateless: bool) -> int:
    """The HTTP status that an error is sent with, once its request was read."""
    if not stateless or not isinstance(error, RpcError):
        return 200
    return _STATUS.get(error.rpc, 200)


def status_of(code: int) -> int:
    """The HTTP status that the stateless era has for a code; 200 for one that has none of its own."""
    try:
        return _STATUS.get(Code(code), 200)
    except ValueError:
        return 200


def write_error(request_id: bytes | None, error: AsbruError) -> bytes:
    """The message. `request_id`: JSON as it came; None: it is not known."""
    told: dict[str, Any] = {"code": int(_code_of(error)), "message": error.message}
    data = error.data if isinstance(error, RpcError) else _data_of(error)
    if data is not None:
        told["data"] = data
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (request_id or b"null", msgspec.json.encode(told))


def _code_of(error: AsbruError) -> Code:
    if isinstance(error, RpcError):
        return error.rpc
    if isinstance(error, BadRequest | NotFound):
        return Code.INVALID_PARAMS
    if isinstance(error, UpstreamError) or not isinstance(error, CallerError):
        return Code.INTERNAL_ERROR
    return Code.REFUSED


def _data_of(error: AsbruError) -> dict[str, Any]:
    told: dict[str, Any] = {"type": error.type, "code": error.code, "status": error.status}
    if error.retry_after_s is not None:
        told["retry_after_s"] = max(1, round(error.retry_after_s))
    return told
