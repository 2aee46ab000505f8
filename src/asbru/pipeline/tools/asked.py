"""What a caller asks of tool servers, as it came to a door: one message, where it came in, how it wants its reply.

Not here: whether it may, and which server it is for (`tool_call`).
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from asbru.mcp.access import Access
from asbru.mcp.catalogue.merged import Address
from asbru.mcp.protocol import Message, Params
from asbru.mcp.protocol.messages import read_object, read_text
from asbru.mcp.protocol.versions import negotiated

_ASKABLE = ("elicitation", "sampling", "roots")


class Client(msgspec.Struct, frozen=True, array_like=True):
    """A caller of the era of sessions, as it introduced itself. `capabilities`: what of `sampling`, `elicitation`,
    `roots` it has."""

    version: str
    capabilities: tuple[str, ...] = ()

    @classmethod
    def introduced(cls, params: Params) -> Client:
        """Who introduces itself by `initialize`."""
        capabilities = read_object(params.get("capabilities")) or {}
        version = negotiated(read_text(params.get("protocolVersion")) or "")
        return cls(version, tuple(name for name in _ASKABLE if name in capabilities))


class Asked(NamedTuple):
    """See the module. `narrowed`: the value of x-asbru-mcp-tools, None where there is none. `streams`: the reply may be
    an event stream. `client`: who asks, in the era of sessions; None in the stateless era, and in which
    `session`, as it came. `bare`: the
    result is wanted without an envelope, and errors as the call's dialect writes them."""

    message: Message
    params: Params
    address: Address = Address()
    narrowed: str | None = None
    streams: bool = True
    client: Client | None = None
    session: str = ""
    bare: bool = False
    resumed: bool = False

    @property
    def stateless(self) -> bool:
        """Whether the caller is of the stateless era."""
        return self.client is None


class Chosen(NamedTuple):
    """What is called: a server, its own name for the thing, and the name as the caller wrote it. `access`: the
    caller's."""

    server: str
    name: str
    written: str
    access: Access
