"""The catalogue of a worker: the entries of all servers, as the feed tells them, ready to be listed and looked up.

Reading an entry costs once what lists would cost each time. Who listens for changes is told which server changed, and
which of its lists did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeAlias

import msgspec
from msgspec import Raw

from asbru.core.traits import fits_glob
from asbru.mcp.catalogue.entries import Definition, ServerEntry, read_server
from asbru.mcp.catalogue.names import join_name

ListKind: TypeAlias = Literal["tools", "resources", "resource_templates", "prompts"]
LIST_KINDS: Final[tuple[ListKind, ...]] = ("tools", "resources", "resource_templates", "prompts")

OnChange: TypeAlias = Callable[[str, frozenset[ListKind]], None]

_read_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Known:
    """A server as it is known. `tools` and `prompts`: the definitions that may be seen, by the server's own names."""

    __slots__ = ("_joined", "entry", "prompts", "tools")

    def __init__(self, entry: ServerEntry) -> None:
        self.entry = entry
        self.tools = {one.name: one for one in entry.tools if not one.held}
        self.prompts = {one.name: one for one in entry.prompts if not one.held}
        self._joined: dict[str, bytes] = {}

    def shown(self, one: Definition, *, joined: bool) -> bytes:
        """The definition for a list: as the server gave it, but for its name where `joined` with the server's."""
        if not joined:
            return one.definition
        found = self._joined.get(one.name)
        if found is None:
            members = _read_members(one.definition)
            members["name"] = Raw(msgspec.json.encode(join_name(self.entry.name, one.name)))
            found = self._joined[one.name] = msgspec.json.encode(members)
        return found

    def has_resource(self, uri: str) -> bool:
        """Whether the server lists a resource, or has a template that fits it."""
        if any(one.name == uri and not one.held for one in self.entry.resources):
            return True
        return any(fits_glob(_glob(one.name), uri) for one in self.entry.resource_templates if not one.held)

    def definitions(self, kind: ListKind) -> tuple[Definition, ...]:
        """All that may be seen of one kind, in the server's order."""
        found: tuple[Definition, ...] = getattr(self.entry, kind)
        return tuple(one for one in found if not one.held)


class Catalogue:
    """See the module. A subscriber of the feed's kind MCP_SERVER. `version` grows with each change."""

    def __init__(self) -> None:
        self.servers: dict[str, Known] = {}
        self.version = 0
        self._listeners: dict[int, OnChange] = {}
        self._listener = 0

    def put(self, entry_id: str, payload: bytes) -> None:
        """See `cluster.feed.Subscriber`."""
        before = self.servers.pop(entry_id, None)
        try:
            self.servers[entry_id] = Known(read_server(payload))
            self.servers = dict(sorted(self.servers.items()))
        finally:
            self._changed(entry_id, before)

    def remove(self, entry_id: str) -> None:
        """See `cluster.feed.Subscriber`."""
        self._changed(entry_id, self.servers.pop(entry_id, None))

    def listen(self, on_change: OnChange) -> Callable[[], None]:
        """Be told of changes; returns what ends that."""
        self._listener += 1
        number = self._listener
        self._listeners[number] = on_change

        def end() -> None:
            self._listeners.pop(number, None)

        return end

    def _changed(self, server: str, before: Known | None) -> None:
        self.version += 1
        after = self.servers.get(server)
        kinds: frozenset[ListKind] = frozenset(
            kind
            for kind in LIST_KINDS
            if (() if before is None else before.definitions(kind))
            != (() if after is None else after.definitions(kind))
        )
        if kinds or (before and before.entry.endpoint) != (after and after.entry.endpoint):
            for on_change in tuple(self._listeners.values()):
                on_change(server, kinds)


def _glob(template: str) -> str:
    """A URI template as a glob: each expression may be any text."""
    parts = template.split("{")
    return parts[0] + "".join("*" + part.partition("}")[2] for part in parts[1:])
