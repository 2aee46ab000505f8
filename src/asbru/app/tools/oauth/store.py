"""What is kept of authorizations: the tables `mcp_grants` and `mcp_clients`; tokens and client secrets are sealed.

All raise StorageError; what cannot be unsealed is as good as not there, with a line in the log.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import msgspec

from asbru.app.tools.oauth.discovery import AuthorizationServer
from asbru.core.secret_text import SecretText
from asbru.mcp.manage import Grant
from asbru.secrets import Keyring, KeyringError, SealError, SecretStore
from asbru.storage import Database
from asbru.telemetry import log

AUTHORIZED: Final = "authorized"
ENDED: Final = "ended"
_GRANT, _CLIENT = "mcp_grant", "mcp_client"


class Client(msgspec.Struct, frozen=True):
    """As which client Asbru is known to an issuer. `auth_method`: none, client_secret_post or client_secret_basic."""

    issuer: str
    client_id: str
    redirect_uri: str
    auth_method: str = "none"
    secret: SecretText = SecretText("")


class Held(msgspec.Struct, frozen=True):
    """An authorization with its tokens. `url`: of the MCP server, the only place where they are sent; `expires_ms` 0:
    it does not say."""

    server: str
    user: str
    url: str
    resource: str
    scope: str
    authorization: AuthorizationServer
    client: Client
    access_token: SecretText
    refresh_token: SecretText
    expires_ms: int


class _Where(msgspec.Struct):
    """What is kept of where an authorization is from."""

    url: str
    authorization: AuthorizationServer


class GrantStore:
    """See the module. `keyring` is loaded for each use, in its transaction where there is one."""

    def __init__(self, database: Database, keyring: Callable[[], Keyring]) -> None:
        self._database = database
        self._keyring = keyring
        self._secrets = SecretStore(database)

    def save(self, held: Held, now_ms: int) -> None:
        """Keep an authorization in place of the one before it."""
        where = msgspec.json.encode(_Where(held.url, held.authorization))
        values = (
            *(held.server, held.user, AUTHORIZED, "", where, held.resource, held.scope),
            *(held.client.client_id, held.expires_ms, now_ms),
        )
        tokens = {"access_token": held.access_token.reveal(), "refresh_token": held.refresh_token.reveal()}
        with self._database.transaction():
            self._database.run("DELETE FROM mcp_grants WHERE server = ? AND user_name = ?", (held.server, held.user))
            self._database.run(
                "INSERT INTO mcp_grants (server, user_name, state, reason, authorization_server, resource, scope,"
                " client_id, expires_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )
            self._secrets.save(self._keyring(), _GRANT, _id(held.server, held.user), tokens)

    def end(self, server: str, user: str, reason: str, now_ms: int) -> None:
        """The authorization is worth nothing any more: forget its tokens, keep why."""
        with self._database.transaction():
            self._database.run(
                "UPDATE mcp_grants SET state = ?, reason = ?, updated_ms = ? WHERE server = ? AND user_name = ?",
                (ENDED, reason, now_ms, server, user),
            )
            self._secrets.delete(_GRANT, _id(server, user))

    def delete(self, server: str, user: str) -> bool:
        """Forget an authorization; whether there was one."""
        with self._database.transaction():
            known = self._database.run(
                "DELETE FROM mcp_grants WHERE server = ? AND user_name = ? RETURNING server", (server, user)
            )
            self._secrets.delete(_GRANT, _id(server, user))
        return bool(known)

    def load(self, server: str, user: str) -> Held | None:
        """An authorization with its tokens; None: there is none that can be used."""
        rows = self._database.run(
            "SELECT authorization_server, resource, scope, expires_ms FROM mcp_grants"
            " WHERE server = ? AND user_name = ? AND state = ?",
            (server, user, AUTHORIZED),
        )
        if not rows:
            return None
        where_json, resource, scope, expires_ms = rows[0]
        tokens = self._unseal(_GRANT, _id(server, user))
        where = msgspec.json.decode(cast("bytes", where_json), type=_Where)
        client = self.load_client(server, where.authorization.issuer)
        if client is None or not tokens.get("access_token"):
            return None
        return Held(
            server,
            user,
            where.url,
            str(resource),
            str(scope),
            where.authorization,
            client,
            SecretText(tokens["access_token"]),
            SecretText(tokens.get("refresh_token", "")),
            int(cast("int", expires_ms)),
        )

    def grants(self) -> tuple[Grant, ...]:
        """All authorizations, without tokens."""
        rows = self._database.run(
            "SELECT server, user_name, state, reason, authorization_server, scope, expires_ms FROM mcp_grants"
            " ORDER BY server, user_name"
        )
        return tuple(
            Grant(
                str(server),
                str(user),
                str(state),
                str(reason),
                msgspec.json.decode(cast("bytes", where), type=_Where).authorization.issuer,
                str(scope),
                int(cast("int", expires_ms)),
            )
            for server, user, state, reason, where, scope, expires_ms in rows
        )

    def save_client(self, server: str, client: Client) -> None:
        """Keep a registration."""
        with self._database.transaction():
            self._forget_client(server, client.issuer)
            self._database.run(
                "INSERT INTO mcp_clients (server, issuer, client_id, redirect_uri, auth_method) VALUES (?, ?, ?, ?, ?)",
                (server, client.issuer, client.client_id, client.redirect_uri, client.auth_method),
            )
            secret = client.secret.reveal()
            if secret:
                self._secrets.save(self._keyring(), _CLIENT, _id(server, client.issuer), {"secret": secret})

    def load_client(self, server: str, issuer: str) -> Client | None:
        """The registration at an issuer, if there is one."""
        rows = self._database.run(
            "SELECT client_id, redirect_uri, auth_method FROM mcp_clients WHERE server = ? AND issuer = ?",
            (server, issuer),
        )
        if not rows:
            return None
        client_id, redirect_uri, auth_method = (str(value) for value in rows[0])
        secret = self._unseal(_CLIENT, _id(server, issuer)).get("secret", "")
        if auth_method != "none" and not secret:
            return None
        return Client(issuer, client_id, redirect_uri, auth_method, SecretText(secret))

    def forget_client(self, server: str, issuer: str) -> None:
        """The issuer does not know it any more."""
        with self._database.transaction():
            self._forget_client(server, issuer)

    def _forget_client(self, server: str, issuer: str) -> None:
        self._database.run("DELETE FROM mcp_clients WHERE server = ? AND issuer = ?", (server, issuer))
        self._secrets.delete(_CLIENT, _id(server, issuer))

    def _unseal(self, kind: str, object_id: str) -> dict[str, str]:
        try:
            return self._secrets.load(self._keyring(), kind, object_id)
        except (SealError, KeyringError) as error:
            log("error", "an authorization at an MCP server cannot be decrypted", kind=kind, id=object_id, why=error)
            return {}


def _id(server: str, other: str) -> str:
    return f"{server} {other}"
