"""The protocol itself, sans-io: messages of both eras, their headers, errors, and values that callers keep for us.

Not here: who may do what (`mcp.access`), what servers offer (`mcp.catalogue`), and anything that waits.
"""

from asbru.mcp.protocol.errors import Code, RpcError, rpc_status, status_of, write_error
from asbru.mcp.protocol.messages import Message, Params, read_message, read_reply, write_request, write_result

__all__ = [
    "Code",
    "Message",
    "Params",
    "RpcError",
    "read_message",
    "read_reply",
    "rpc_status",
    "status_of",
    "write_error",
    "write_request",
    "write_result",
]
