"""What callers are offered of the catalogue in requests to models, compiled once for each list of grants.

The order is that of the names, the definitions are as the servers gave them. A conversation that has begun keeps its
offer: what is new or has changed in the catalogue is for others, since signatures and prompt caches bind what a model
was told before. What may not be used any more leaves it at once, and stays away.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec
from msgspec import Raw

from asbru.core.chat import Tool
from asbru.mcp.access import Access
from asbru.mcp.catalogue import Catalogue
from asbru.mcp.catalogue.names import join_name
from asbru.pipeline.tools.client_names import folded

COMPILED_MAX: Final = 1000
CONVERSATIONS_MAX: Final = 4096
CONVERSATION_S: Final = 3600.0
"""How long an offer is kept for a conversation after its last request."""


class OfferedTool(NamedTuple):
    """A tool of a server, and how a model is told of it. `server`: "" for those that stand for tools of servers in code
    mode, which are called from scripts. `folded`: see `client_names`; `size`: of the definition."""

    server: str
    name: str
    tool: Tool
    folded: str
    size: int = 0


class Offer:
    """What is offered: `tools`, by the names that models call them by."""

    __slots__ = ("folded", "tools")

    def __init__(self, tools: dict[str, OfferedTool]) -> None:
        self.tools = tools
        self.folded = frozenset(one.folded for one in tools.values())


class _Definition(msgspec.Struct):
    """What a model is told of a definition."""

    description: str | None = None
    inputSchema: Raw = Raw()  # noqa: N815 -- as MCP names it


_read_definition: Final = msgspec.json.Decoder(_Definition).decode
_NOTHING: Final = Offer({})


class Offers:
    """See the module. `in_code`: whether a server's tools are called from scripts, and so not offered one by one;
    `stand_ins`: what is offered instead, where a caller may use any of those: names and definitions."""

    def __init__(
        self,
        catalogue: Catalogue,
        in_code: Callable[[str], bool],
        stand_ins: Callable[[], Iterable[tuple[str, bytes]]] = tuple,
    ) -> None:
        self._catalogue = catalogue
        self._in_code = in_code
        self._stand_ins = stand_ins
        self._version = -1
        self._compiled: dict[Access, Offer] = {}
        self._conversations: OrderedDict[bytes, tuple[Offer, float]] = OrderedDict()

    def forget(self) -> None:
        """What servers are has changed."""
        self._version = -1

    def of(self, access: Access) -> Offer:
        """What the catalogue holds now for an access."""
        if self._version != self._catalogue.version or len(self._compiled) >= COMPILED_MAX:
            self._compiled.clear()
            self._version = self._catalogue.version
        found = self._compiled.get(access)
        if found is None:
            found = self._compiled[access] = _NOTHING if access.empty else self._compile(access)
        return found

    def keep(self, access: Access, conversation: bytes, *, begun: bool, now_s: float) -> Offer:
        """What a conversation is offered. `begun`: a model has replied in it before."""
        offer = self.of(access)
        kept = self._conversations.pop(conversation, None)
        if begun and kept is not None and now_s - kept[1] < CONVERSATION_S and kept[0] is not offer:
            offer = self._without_gone(kept[0], access)
        elif len(self._conversations) >= CONVERSATIONS_MAX:
            self._conversations.popitem(last=False)
        self._conversations[conversation] = offer, now_s
        return offer

    def _compile(self, access: Access) -> Offer:
        found: dict[str, OfferedTool] = {}
        scripts = False
        for server, known in self._catalogue.servers.items():
            if known.entry.state == "disabled":
                continue
            granted = [one for one in known.tools.values() if access.allows(server, one.name)]
            if self._in_code(server):
                scripts = scripts or bool(granted)
                continue
            for one in granted:
                _add(found, server, one.name, join_name(server, one.name), definition=one.definition)
        if scripts:
            for name, definition in self._stand_ins():
                _add(found, "", name, name, definition=definition)
        return Offer(dict(sorted(found.items())))

    def _without_gone(self, offer: Offer, access: Access) -> Offer:
        servers, now = self._catalogue.servers, self.of(access)
        left = {
            name: one
            for name, one in offer.tools.items()
            if (not one.server and name in now.tools)
            or (
                (known := servers.get(one.server)) is not None
                and known.entry.state != "disabled"
                and not self._in_code(one.server)
                and one.name in known.tools
                and access.allows(one.server, one.name)
            )
        }
        return offer if len(left) == len(offer.tools) else Offer(left)


def _add(found: dict[str, OfferedTool], server: str, name: str, shown: str, *, definition: bytes) -> None:
    tool = _tool(shown, definition)
    if tool is not None:
        found[shown] = OfferedTool(server, name, tool, folded(shown), len(definition))


def _tool(name: str, definition: bytes) -> Tool | None:
    try:
        told = _read_definition(definition)
    except msgspec.MsgspecError:
        return None
    return Tool(name=name, description=told.description, parameters=told.inputSchema or None)
