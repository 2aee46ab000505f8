"""What a caller asks of tool servers, as it came to a door: one message, where it came in, how it wants its reply."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from asbru.mcp.access import Access
from asbru.mcp.catalogue.merged import Address
from asbru.mcp.protocol import Message, Params


class Client(msgspec.Struct, frozen=True, array_like=True):
    """A caller of the era of sessions, as it introduced itself. `capabilities`: what of `sampling`, `elicitation`,
    `roots` it has."""

    version: str
    capabilities: tuple[str, ...] = ()


class Asked(NamedTuple):
    """See the module. `narrowed`: the value of x-asbru-mcp-tools, None where there is none. `streams`: the reply may be
    an event stream. `client`: who asks, in the era of sessions; None in the stateless era."""

    message: Message
    params: Params
    address: Address = Address()
    narrowed: str | None = None
    streams: bool = True
    client: Client | None = None

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
