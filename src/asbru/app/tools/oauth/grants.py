"""Authorizations in use: the header that authenticates a request, refreshed in time, by one refresh at a time.

    authorized -> (EARLY_S before it expires, or the server refuses it) -> refreshing -> authorized
    refreshing -> the authorization server is away: authorized as long as the token is valid, else unreachable for now
               -> invalid_grant, invalid_client: ended, until somebody connects anew

A token goes to no other URL than the one that it was authorized for: whoever changes a server's URL must connect anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from asbru.app.tools.http import Http, reach_of
from asbru.app.tools.http_peer import Credentials
from asbru.app.tools.oauth.store import GrantStore, Held
from asbru.app.tools.oauth.tokens import Denied, Tokens, request_tokens
from asbru.app.tools.peers import Broken, Unauthorized, Unreachable
from asbru.core.secret_text import SecretText
from asbru.mcp.servers import Server
from asbru.storage import StorageError
from asbru.telemetry import log

EARLY_MS: Final = 60_000
SCOPE_CHARS_MAX: Final = 4000
NOT_CONNECTED: Final = "nobody has authorized Asbru at this server yet; connect it"
_ENDING: Final = ("invalid_grant", "invalid_client", "unauthorized_client")

Key = tuple[str, str]


class Grants:
    """See the module."""

    def __init__(self, http: Http, store: GrantStore, now_ms: Callable[[], int]) -> None:
        self._http = http
        self._store = store
        self._now_ms = now_ms
        self._held: dict[Key, Held] = {}
        self._refreshing: dict[Key, asyncio.Task[Held]] = {}
        self._unsaved: set[Key] = set()
        self._demanded: dict[Key, str] = {}

    def credentials(self, server: Server, user: str) -> Credentials:
        """What authenticates our own requests to a server: what is declared, and the token of its authorization."""

        async def headers() -> dict[str, str]:
            declared = {} if server.auth == "none" else server.headers
            given = {name.lower(): value.reveal() for name, value in declared.items()}
            if server.auth == "oauth":
                given["authorization"] = f"Bearer {(await self.token(server, user)).access_token.reveal()}"
            return given

        return headers

    async def token(self, server: Server, user: str, refused: str = "") -> Held:
        """An authorization whose token is valid; `refused`: the token that the server has refused. Raises
        `Unauthorized`, `Unreachable`."""
        key = (server.name, user if server.per_user else "")
        held = self._load(key)
        if held is None or held.url != server.url:
            raise Unauthorized(NOT_CONNECTED)
        is_refused = bool(refused) and held.access_token.reveal() == refused
        if not is_refused and not self._expires(held, EARLY_MS):
            return held
        try:
            return await self._refresh(key, server, held)
        except Unreachable:
            if is_refused or self._expires(held, 0):
                raise
            return held

    def demand(self, server: Server, user: str, scope: str) -> Unauthorized:
        """The server demands scopes that its authorization does not have: the next one asks for them as well. What to
        raise to whoever called."""
        key = (server.name, user if server.per_user else "")
        held = self._held.get(key)
        before = self._demanded.get(key, "" if held is None else held.scope)
        self._demanded[key] = joined_scopes(before, scope)[:SCOPE_CHARS_MAX]
        return Unauthorized(f"it demands the scopes {scope[:200]!r} for this; connect it anew")

    def demanded(self, server: Server, user: str) -> str:
        """What a new authorization has to ask for, besides what it would."""
        return self._demanded.get((server.name, user if server.per_user else ""), "")

    def keep(self, held: Held) -> None:
        """Take a new authorization into use. Raises StorageError."""
        self._demanded.pop((held.server, held.user), None)
        self._store.save(held, self._now_ms())
        self._held[held.server, held.user] = held

    def forget(self, server: str, user: str) -> bool:
        """Forget an authorization; whether there was one. Raises StorageError."""
        self._held.pop((server, user), None)
        return self._store.delete(server, user)

    def _load(self, key: Key) -> Held | None:
        held = self._held.get(key)
        if held is not None:
            if key in self._unsaved:
                self._save(held)
            return held
        try:
            held = self._store.load(*key)
        except StorageError as error:
            raise Unreachable(f"its authorization cannot be read: {error}") from error
        if held is not None:
            self._held[key] = held
        return held

    def _expires(self, held: Held, early_ms: int) -> bool:
        return held.expires_ms > 0 and held.expires_ms - early_ms <= self._now_ms()

    async def _refresh(self, key: Key, server: Server, held: Held) -> Held:
        under_way = self._refreshing.get(key)
        if under_way is None:
            under_way = asyncio.create_task(self._ask(key, server, held))
            self._refreshing[key] = under_way
            under_way.add_done_callback(lambda _: self._refreshing.pop(key, None))
        return await asyncio.shield(under_way)

    async def _ask(self, key: Key, server: Server, held: Held) -> Held:
        refresh_token = held.refresh_token.reveal()
        if not refresh_token:
            raise self._end(key, held, "the authorization has expired and cannot be refreshed; connect it anew")
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "resource": held.resource}
        try:
            tokens = await request_tokens(
                self._http, reach_of(server), held.authorization, client=held.client, form=form
            )
        except Denied as denied:
            if denied.code not in _ENDING:
                raise Unreachable(f"its authorization server refuses for now: {denied}") from denied
            raise self._end(key, held, f"the authorization has ended ({denied}); connect it anew", denied) from denied
        except (Broken, ValueError) as error:
            raise Unreachable(str(error)) from error
        fresh = with_tokens(held, tokens, self._now_ms())
        self._held[key] = fresh
        self._save(fresh)
        return fresh

    def _save(self, held: Held) -> None:
        """What cannot be saved now is saved when it is next used: the refresh token may be another by now."""
        key = (held.server, held.user)
        try:
            self._store.save(held, self._now_ms())
        except StorageError as error:
            self._unsaved.add(key)
            log("error", "a refreshed authorization cannot be saved; trying again", server=held.server, why=error)
        else:
            self._unsaved.discard(key)

    def _end(self, key: Key, held: Held, reason: str, denied: Denied | None = None) -> Unauthorized:
        self._held.pop(key, None)
        try:
            self._store.end(*key, reason, self._now_ms())
            if denied is not None and denied.code == "invalid_client":
                self._store.forget_client(held.server, held.client.issuer)
        except StorageError as error:
            log("error", "the end of an authorization cannot be saved", server=held.server, why=error)
        return Unauthorized(reason)


def joined_scopes(*scopes: str) -> str:
    """All of these scopes, each once."""
    return " ".join(dict.fromkeys(" ".join(scopes).split()))


def with_tokens(held: Held, tokens: Tokens, now_ms: int) -> Held:
    """An authorization with the tokens that were just given; a refresh token that is not given anew stays."""
    expires_ms = 0 if tokens.expires_in is None else now_ms + int(max(tokens.expires_in, 0.0) * 1000)
    return msgspec.structs.replace(
        held,
        access_token=SecretText(tokens.access_token),
        refresh_token=SecretText(tokens.refresh_token) if tokens.refresh_token else held.refresh_token,
        scope=held.scope if tokens.scope is None else tokens.scope,
        expires_ms=expires_ms,
    )
