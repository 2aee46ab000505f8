"""Lists of several servers as one: what a caller may see, at one address, in the order of the servers' names.

    address ""          /mcp           every server, names joined
    address "files"     /mcp/files     one server, its own names
    address "research"  /mcp/research  the tools of a group, names joined

Tools of servers in code mode are not listed; where a caller may use any, those that stand in for them are.

A list is kept as bytes until the catalogue changes. It says how long it may be kept by others: as briefly as any
member, and privately if any member is private, or if callers see different lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from asbru.mcp.access import Access
from asbru.mcp.catalogue.catalogue import Catalogue, Known, ListKind
from asbru.mcp.catalogue.entries import Definition

LISTS_MAX: Final = 2000
"""Lists that are kept."""

MEMBER: Final[dict[ListKind, str]] = {
    "tools": "tools",
    "resources": "resources",
    "resource_templates": "resourceTemplates",
    "prompts": "prompts",
}
"""The member of the result that holds the list."""


class Address(NamedTuple):
    """Where a caller came in: the name after /mcp/, which is that of a server or of a group; "" on /mcp. What a group
    leaves out, the caller's access leaves out."""

    server: str = ""
    group: str = ""

    @property
    def joined(self) -> bool:
        """Whether names are joined with the server's."""
        return not self.server


class Merged:
    """See the module."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._kept: dict[tuple[Access, Address, ListKind, bool], bytes] = {}
        self._version = -1
        self._hidden: frozenset[str] = frozenset()
        self._stand_ins: Sequence[bytes] = ()

    def hide(self, servers: frozenset[str], stand_ins: Sequence[bytes]) -> None:
        """Servers whose tools are not listed, and the definitions that are instead."""
        self._hidden, self._stand_ins = servers, tuple(stand_ins)
        self._version = -1

    def hides(self, server: str) -> bool:
        """Whether the tools of a server are not listed."""
        return server in self._hidden

    def seen(self, access: Access, address: Address) -> Iterator[Known]:
        """The servers of which a caller may see anything at an address."""
        for name, known in self.catalogue.servers.items():
            if known.entry.state != "disabled" and (not address.server or address.server == name):
                yield known

    def result(self, access: Access, address: Address, kind: ListKind, *, stateless: bool) -> bytes:
        """The result of a list: an object of JSON."""
        if self._version != self.catalogue.version or len(self._kept) >= LISTS_MAX:
            self._kept.clear()
            self._version = self.catalogue.version
        key = (access, address, kind, stateless)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self._write(access, address, kind, stateless=stateless)
        return found

    def _write(self, access: Access, address: Address, kind: ListKind, *, stateless: bool) -> bytes:
        items: list[bytes] = []
        ttl_ms: list[int] = []
        stand_ins: Sequence[bytes] = ()
        for known in self.seen(access, address):
            joined = address.joined and kind in ("tools", "prompts")
            of_one = [known.shown(one, joined=joined) for one in visible(known, kind, access)]
            if of_one:
                ttl_ms.append(known.entry.ttl_ms)
            if kind == "tools" and self.hides(known.entry.name):
                stand_ins = self._stand_ins if of_one else stand_ins
            else:
                items += of_one
        items += stand_ins
        listed = b'"%b":[%b]' % (MEMBER[kind].encode(), b",".join(items))
        if not stateless:
            return b"{%b}" % listed
        cache = b'"ttlMs":%d,"cacheScope":"private"' % min(ttl_ms, default=0)  # another key may see another list
        return b'{"resultType":"complete",%b,%b}' % (listed, cache)


def visible(known: Known, kind: ListKind, access: Access) -> Iterator[Definition]:
    """What of a server's list a caller may see."""
    server = known.entry.name
    if kind != "tools" and not access.allows_server(server):
        return
    for one in known.definitions(kind):
        if kind != "tools" or access.allows(server, one.name):
            yield one
