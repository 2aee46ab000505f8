"""The toolbox: the servers of a worker as targets of calls, what they offer, and who may use it.

It outlives snapshots, since the catalogue does; `configure` brings it to a new one. A server is ready to be called when
its address is known: from the configuration, or, for servers on a Unix socket, from its entry in the catalogue.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from asbru.core.errors import GatewayError, NotFound
from asbru.governance import Caller
from asbru.mcp.access import Access, Accesses
from asbru.mcp.catalogue import Catalogue, Known
from asbru.mcp.catalogue.merged import Address, Merged
from asbru.mcp.protocol.sealed import Seals
from asbru.mcp.servers import McpSettings, Server, ServerPorts
from asbru.pipeline.tools.asked import Asked, Client
from asbru.pipeline.tools.awaited import Awaited
from asbru.pipeline.tools.deliveries import Ask, Deliveries, Others, Tell
from asbru.pipeline.tools.ended import Ended
from asbru.pipeline.tools.listeners import Listeners
from asbru.pipeline.tools.offers import Offers
from asbru.pipeline.tools.outside import Outside
from asbru.pipeline.tools.subscriptions import Subscriptions

if TYPE_CHECKING:
    from asbru.mcp.openapi import ApiTool
    from asbru.pipeline.endpoint import Endpoint
    from asbru.pipeline.tools.argument_rules import ArgumentRules
    from asbru.pipeline.tools.code_mode import CodeMode
    from asbru.pipeline.tools.offer import Offering

RETRY_AFTER_S: Final = 5.0
_SESSION: Final = "session"
_NONCE_BYTES: Final = 9


class Ready(NamedTuple):
    """A server that can be called."""

    server: Server
    known: Known
    endpoint: Endpoint

    @property
    def on_socket(self) -> bool:
        """Whether the tools process presents it: it needs no session there, and no credential."""
        return self.server.url is None or self.endpoint.pool.origin.unix_socket is not None


class Toolbox:
    """See the module. `connect(server, address)` makes the endpoint of a server."""

    def __init__(self, ports: ServerPorts, subscriptions: Subscriptions | None = None) -> None:
        self.ports = ports
        self.awaited = Awaited()
        self.deliveries = Deliveries()
        self.subscriptions = subscriptions
        """None where no tools process hears of updates."""
        self.ended = Ended()
        self.listeners = Listeners()
        self.outside: Outside | None = None
        """None where no tools process hears of requests outside of calls."""
        self.catalogue = Catalogue()
        self.merged = Merged(self.catalogue)
        self.offers = Offers(self.catalogue, self._in_code, self._stand_ins)
        self.settings = McpSettings()
        self.seals = Seals(b"")
        self._servers: dict[str, Server] = {}
        self._accesses = Accesses({})
        self._endpoints: dict[str, tuple[str, Server, Endpoint]] = {}
        self._connect: Callable[[Server, str], Endpoint] | None = None
        self.code: CodeMode | None = None
        """What runs scripts; None where no server is in code mode."""
        self.rules: ArgumentRules | None = None
        self._apis: Mapping[str, bytes] = {}
        self._api_tools: dict[str, dict[str, ApiTool]] = {}

    def configure(
        self,
        settings: McpSettings,
        key: bytes,
        connect: Callable[[Server, str], Endpoint],
        apis: Mapping[str, bytes] = {},
    ) -> None:
        """Go by these settings from the next call on. `key`: the secret that values for callers are sealed under;
        `apis`: the tools of servers that are HTTP APIs."""
        self.settings = settings
        self.seals = Seals(key)
        self._servers = {server.name: server for server in settings.named() if server.enabled}
        self._accesses = Accesses(settings.groups)
        self._connect = connect
        self.rules = _rules_of(settings)
        self._configure_code(settings)
        self._apis, self._api_tools = apis, {}
        self.offers.forget()
        before, self._endpoints = self._endpoints, {}
        for name, (address, server, _) in before.items():
            now = self._servers.get(name)
            if now is not None and now == server:
                self._endpoints[name] = (address, now, connect(now, address))

    def _configure_code(self, settings: McpSettings) -> None:
        servers = frozenset(name for name, server in self._servers.items() if server.code_mode)
        if servers or self.code is not None:
            from asbru.pipeline.tools.code_mode import CodeMode  # only for those who use it

            self.code = CodeMode(self, servers, settings.code, self.code)
        self.merged.hide(servers, [definition for _, definition in self._stand_ins()])

    def hear_outside(self, worker: str, tell: Callable[[str, bytes], object], clock: Callable[[], float]) -> Outside:
        """Have calls take what servers ask outside of their streams, of which the tools process hears."""
        self.outside = Outside(worker, tell, clock, listeners=self.listeners)
        return self.outside

    def await_between(self, tell: Callable[[bytes], object]) -> Awaited:
        """Have what calls wait for told to all workers, where it comes to another one than the call."""
        self.awaited = Awaited(tell)
        return self.awaited

    def deliver_between(self, worker: str, ask: Ask, tell: Tell, clock: Callable[[], float]) -> Deliveries:
        """Have messages for streams of other workers delivered to them."""
        self.deliveries = Deliveries(Others(worker, ask, tell, clock))
        return self.deliveries

    async def close(self) -> None:
        """End the processes of scripts."""
        if self.code is not None:
            await self.code.sandbox.close()

    def offering(self, clock: Callable[[], float]) -> Offering:
        """What offers tools in requests to models."""
        from asbru.pipeline.tools.offer import Offering

        return Offering(self, clock)

    def _in_code(self, name: str) -> bool:
        """Whether the tools of a server are called from scripts."""
        server = self._servers.get(name)
        return server is not None and server.code_mode

    @property
    def handed(self) -> frozenset[bytes]:
        """Headers of callers that templates of HTTP APIs name, in lower case."""
        templates = [
            one for server in self._servers.values() if server.openapi for one in server.openapi.forward.values()
        ]
        if not templates:
            return frozenset()
        from asbru.mcp.openapi import names_in  # loads what most gateways do not use

        return frozenset(name.encode() for name in names_in(templates))

    def _stand_ins(self) -> Iterable[tuple[str, bytes]]:
        return () if self.code is None else self.code.stand_ins

    @property
    def endpoints(self) -> Iterable[Endpoint]:
        """Those that are in use."""
        return [endpoint for _, _, endpoint in self._endpoints.values()]

    def has_address(self, name: str) -> bool:
        """Whether there is a server or a group of this name."""
        return name in self._servers or name in self.settings.groups

    def address(self, name: str) -> Address:
        """The address /mcp/<name>; raises `NotFound` where there is neither a server nor a group of this name."""
        if name in self._servers:
            return Address(server=name)
        if name in self.settings.groups:
            return Address(group=name)
        raise NotFound(f"there is no MCP server or group '{name[:100]}'", code="mcp_server_not_found")

    def access(self, caller: Caller, asked: Asked) -> Access:
        """What the caller may use, where it came in."""
        return self._accesses.of(caller.mcp, asked.narrowed, asked.address.group)

    def approves(self, caller: Caller, server: str, tool: str) -> bool:
        """Whether a tool may be called for the caller without asking a person. Whether at all is another question. Of a
        script each call is asked about; the script itself may run for whoever has any tools called."""
        if not server:
            return bool(caller.auto_approve)
        return self._accesses.of(caller.auto_approve).allows(server, tool)

    def seal_client(self, caller: str, client: Client) -> str:
        """The session of a client: its own introduction, which only its key can show again. No two are alike: a
        client's requests and subscriptions are known by its session."""
        return self.seals.seal(_SESSION, (caller,), os.urandom(_NONCE_BYTES) + msgspec.msgpack.encode(client))

    def open_client(self, caller: str, session: str) -> Client | None:
        """The client of a session; None for what is none of this caller's, or has ended."""
        value = None if session in self.ended else self.seals.open(_SESSION, (caller,), session)
        return None if value is None else msgspec.msgpack.decode(value[_NONCE_BYTES:], type=Client)

    def api_tool(self, server: str, name: str) -> ApiTool | None:
        """How a tool of an HTTP API is called; None where there is none of this name."""
        tools = self._api_tools.get(server)
        if tools is None:
            from asbru.mcp.openapi import read_tools  # loads what most gateways do not use

            tools = self._api_tools[server] = read_tools(self._apis.get(server, b"\x90"))
        return tools.get(name)

    def find(self, name: str) -> Ready | None:
        """A server that is declared and in the catalogue; None where it is not. Raises `GatewayError` where it cannot
        be called now."""
        server, known = self._servers.get(name), self.catalogue.servers.get(name)
        if server is None or known is None:
            return None
        entry = known.entry
        address = server.url if server.url is not None and not entry.endpoint.startswith("/") else entry.endpoint
        if not address:
            why = f": {entry.reason}" if entry.reason else ""
            raise GatewayError(
                f"the MCP server '{name}' is not available now{why}",
                status=503,
                code="mcp_server_unavailable",
                retry_after_s=RETRY_AFTER_S,
            )
        kept = self._endpoints.get(name)
        if kept is None or kept[0] != address or kept[1] is not server:
            assert self._connect is not None, "no server is known before the settings are"
            kept = self._endpoints[name] = (address, server, self._connect(server, address))
        return Ready(server, known, kept[2])


def _rules_of(settings: McpSettings) -> ArgumentRules | None:
    if not any(rule.enabled for rule in settings.rules):
        return None
    from asbru.pipeline.tools.argument_rules import ArgumentRules  # loads what most gateways do not use

    return ArgumentRules(settings.rules, settings.groups)
