"""What the tools process answers: sessions and credentials to workers, the doings of administrators to the control
process. Questions and answers are MessagePack; a question that cannot be read is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

import msgspec

from asbru.app.tools.catalogue import Catalogue
from asbru.app.tools.key_identities import KeyIdentities
from asbru.app.tools.oauth import Flows, Grants, GrantStore, client_document
from asbru.app.tools.oauth.grants import EARLY_MS
from asbru.app.tools.oauth.tokens import Denied
from asbru.app.tools.peers import Broken, Unauthorized, Unreachable
from asbru.app.tools.pins import PROMPT, TEMPLATE, TOOL, Pins
from asbru.app.tools.servers import Servers
from asbru.app.tools.subscribers import Subscribers, TooMany
from asbru.app.tools.updates import FAILURES
from asbru.mcp.catalogue import Definition
from asbru.mcp.manage import Chosen, Grant, Manage, Managed, Pinned
from asbru.mcp.servers import (
    CREDENTIAL_SUBJECT,
    SESSION_SUBJECT,
    CredentialAsked,
    CredentialGiven,
    Server,
    SessionAsked,
    SessionGiven,
)
from asbru.mcp.servers.subscriptions import (
    LISTENING_SUBJECT,
    SUBSCRIBE_SUBJECT,
    ListeningAsked,
    SubscribeAsked,
    SubscribeGiven,
)
from asbru.storage import StorageError

REMEMBERED_MS: Final = 300_000
"""How long workers may remember a credential that does not say when it expires."""
_BEARER = b"authorization: Bearer "
_MEMBERS = MappingProxyType({TOOL: "tools", TEMPLATE: "resource_templates", PROMPT: "prompts"})


class Answers:
    """See the module. `public_url`: where browsers come back to."""

    def __init__(
        self,
        servers: Servers,
        catalogue: Catalogue,
        pins: Pins,
        *,
        grants: Grants,
        flows: Flows,
        store: GrantStore,
        keys: KeyIdentities,
        subscribers: Subscribers,
        now_ms: Callable[[], int],
    ) -> None:
        self.public_url = ""
        self._servers = servers
        self._catalogue = catalogue
        self._pins = pins
        self._grants = grants
        self._flows = flows
        self._store = store
        self._keys = keys
        self._subscribers = subscribers
        subscribers.on_change = self._bring_soon
        self._now_ms = now_ms

    async def answer(self, subject: str, payload: bytes) -> bytes | None:
        """The answer to a question; None: nobody here knows the subject. Raises ValueError."""
        if subject == SESSION_SUBJECT:
            return msgspec.msgpack.encode(await self.session(msgspec.msgpack.decode(payload, type=SessionAsked)))
        if subject == CREDENTIAL_SUBJECT:
            return msgspec.msgpack.encode(
                await self.credential(msgspec.msgpack.decode(payload, type=CredentialAsked))
            )
        if subject == SUBSCRIBE_SUBJECT:
            return msgspec.msgpack.encode(await self.subscribe(msgspec.msgpack.decode(payload, type=SubscribeAsked)))
        if subject == LISTENING_SUBJECT:
            return msgspec.msgpack.encode(
                self._subscribers.listen(msgspec.msgpack.decode(payload, type=ListeningAsked))
            )
        return msgspec.msgpack.encode(await self.manage(msgspec.msgpack.decode(payload, type=Manage)))

    async def session(self, asked: SessionAsked) -> SessionGiven:
        """A session to call a server in."""
        runner = self._servers.runner(asked.server)
        if runner is None:
            return SessionGiven(error=f"there is no MCP server {asked.server!r} that is enabled")
        return await runner.session(asked.user, asked.gone)

    async def subscribe(self, asked: SubscribeAsked) -> SubscribeGiven:
        """Subscribe a caller, once the server has taken it; or end that."""
        one = asked.subscription
        runner = self._servers.runner(one.server)
        if asked.ends:
            self._subscribers.unsubscribe(asked.listener, one)
            return SubscribeGiven()
        if runner is None:
            return SubscribeGiven(f"there is no MCP server {one.server!r} that is enabled", 503)
        try:
            self._subscribers.subscribe(asked.listener, one)
            await runner.updates.bring(one.user, one.uri)
        except TooMany as error:
            return SubscribeGiven(str(error), 429)
        except FAILURES as error:
            self._subscribers.unsubscribe(asked.listener, one)
            return SubscribeGiven(f"the MCP server '{one.server}' refuses the subscription: {error}", 502)
        return SubscribeGiven()

    def _bring_soon(self, server: str, user: str) -> None:
        runner = self._servers.runner(server)
        if runner is not None:
            runner.updates.bring_soon(user)

    async def credential(self, asked: CredentialAsked) -> CredentialGiven:
        """The header of a server with `auth: oauth`. Where a user has yet to authorize, the URL for that: for the one
        authorization that all share only administrators are given it."""
        server = self._servers.server(asked.server)
        if server is None or server.auth != "oauth":
            return CredentialGiven(error=f"there is no MCP server {asked.server!r} with OAuth")
        refused = asked.refused.strip().removeprefix(_BEARER).decode(errors="replace")
        try:
            if asked.scope:
                raise self._grants.demand(server, asked.user, asked.scope)
            held = await self._grants.token(server, asked.user, refused)
        except Unreachable as error:
            return CredentialGiven(error=str(error))
        except Unauthorized as error:
            url = ""
            if server.per_user and asked.user:
                begun = await self._begin(server, asked.user)
                url = begun.url
            return CredentialGiven(error=str(error), authorize_url=url)
        until_ms = held.expires_ms - EARLY_MS if held.expires_ms else self._now_ms() + REMEMBERED_MS
        return CredentialGiven(_BEARER + held.access_token.reveal().encode() + b"\r\n", max(until_ms, 0))

    async def manage(self, asked: Manage) -> Managed:
        """Do what an administrator asks."""
        try:
            return await self._manage(asked)
        except StorageError as error:
            return Managed(error=f"the database cannot be used at the moment: {error}", status=503)

    async def _manage(self, asked: Manage) -> Managed:
        if asked.verb == "callback":
            return await self._finish(asked.query)
        if asked.verb == "grants":
            return Managed(grants=self._grants_by_name())
        if asked.verb == "client":
            return Managed(message=client_document(self.public_url).decode())
        server = self._servers.server(asked.server)
        if server is None:
            return Managed(error=f"there is no MCP server {asked.server!r}", status=404)
        if asked.verb == "connect":
            user = self._keys.of(asked.user) if server.per_user and asked.user else ""
            if user is None:
                return Managed(error=f"there is no virtual key {asked.user!r}", status=404)
            return await self._begin(server, user)
        if asked.verb == "disconnect":
            known = self._grants.forget(server.name, self._keys.of(asked.user) or asked.user)
            return Managed() if known else Managed(error="there is no such authorization", status=404)
        if asked.verb == "pinned":
            return Managed(pinned=self._pinned(server.name, asked.definitions))
        if asked.verb == "approve":
            return self._approve(server.name, asked.definitions)
        return self._sync(server)

    def _grants_by_name(self) -> tuple[Grant, ...]:
        """All authorizations, as administrators name their owners."""
        grants = self._store.grants()
        names = self._keys.names() if any(grant.user for grant in grants) else {}
        return tuple(msgspec.structs.replace(grant, user=names.get(grant.user, grant.user)) for grant in grants)

    def _sync(self, server: Server) -> Managed:
        runner = self._servers.runner(server.name)
        if runner is not None:
            runner.sync_soon()
        elif server.openapi is None or not server.enabled:
            return Managed(error="the server is disabled", status=409)
        return Managed()  # an HTTP API has the tools that its document says

    def _approve(self, name: str, definitions: tuple[Chosen, ...]) -> Managed:
        """Approve definitions as they were looked at: all of them, or none where one has changed since."""
        entry = self._catalogue.entry(name)
        chosen: list[tuple[str, Definition]] = []
        for one in definitions:
            member = _MEMBERS.get(one.kind)
            offered: tuple[Definition, ...] = () if entry is None or member is None else getattr(entry, member)
            found = next((known for known in offered if known.name == one.name), None)
            if found is None:
                return Managed(error=f"the server does not offer a {one.kind} {one.name!r}", status=404)
            if found.digest != one.digest:
                return Managed(error=f"the {one.kind} {one.name!r} has changed since; look at it again", status=409)
            chosen.append((one.kind, found))
        if entry is None or not chosen:
            return Managed(error="expected definitions to approve", status=400)
        for kind, definition in chosen:
            self._pins.approve(name, kind, definition, self._now_ms())
        approved = {(kind, definition.name) for kind, definition in chosen}
        freed = {
            member: tuple(
                msgspec.structs.replace(one, held=False) if (kind, one.name) in approved else one
                for one in getattr(entry, member)
            )
            for kind, member in _MEMBERS.items()
        }
        self._catalogue.publish(msgspec.structs.replace(entry, **freed))
        return Managed()

    def _pinned(self, name: str, definitions: tuple[Chosen, ...]) -> tuple[Pinned, ...]:
        found = ((one, self._pins.pinned(name, one.kind, one.name)) for one in definitions)
        return tuple(Pinned(one.kind, one.name, definition) for one, definition in found if definition is not None)

    async def _begin(self, server: Server, user: str) -> Managed:
        if server.auth != "oauth":
            return Managed(error="this server has no `auth: oauth`", status=409)
        try:
            return Managed(url=await self._flows.begin(server, user, self.public_url))
        except (Unreachable, Broken, Denied, ValueError) as error:
            return Managed(error=f"the authorization cannot begin: {error}", status=502)

    async def _finish(self, query: dict[str, str]) -> Managed:
        try:
            flow = await self._flows.finish(query, self._now_ms())
        except (Unreachable, Broken, Denied, ValueError) as error:
            return Managed(error=str(error), status=400)
        runner = self._servers.runner(flow.server.name)
        if runner is not None:
            runner.sync_soon()
        name = flow.server.name
        return Managed(message=f"Asbru is now authorized at the MCP server {name}.", server=name)
