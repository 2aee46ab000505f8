"""The tables `users`, `sessions`, `api_tokens` and `roles`.

Whoever writes opens the transaction. Everything raises StorageError. Times are Unix milliseconds; 0 is never.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import cast

import msgspec

from asbru.identity import roles
from asbru.identity.actor import Actor
from asbru.storage import Database
from asbru.storage.versions import first_version, keep_deleted

TOKEN_PREFIX = "sk-asb-admin-"  # noqa: S105 -- what every token begins with
SESSION_MS = 12 * 3600 * 1000
SESSIONS_MAX = 1000
"""Of all users together; the ones that end first are ended sooner."""
SESSION_ID_CHARS = 16
AGENT_CHARS_MAX = 256
_USER, _ROLE = "user", "role"
"""Kinds whose versions never repeat, named as in changes."""


class User(msgspec.Struct, frozen=True):
    """A person who logs in. `version`: goes up by one with each change, given by `save_user`."""

    name: str
    role: str
    made_ms: int
    version: int = 1


class Session(msgspec.Struct, frozen=True):
    """A log-in that has not ended. `id`: tells the sessions of a user apart, and opens nothing. `began_ms`: 0 for
    unknown. `agent`: what the program called itself."""

    id: str
    began_ms: int
    expires_ms: int
    agent: str


class Token(msgspec.Struct, frozen=True):
    """A token of the API, but for its value."""

    name: str
    role: str
    made_by: str
    made_ms: int
    expires_ms: int


class Accounts:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Users

    def load_users(self) -> list[User]:
        """All, by name."""
        rows = self._database.run("SELECT name, role, made_ms, version FROM users ORDER BY name")
        return [User(*cast("tuple[str, str, int, int]", row)) for row in rows]

    def has_users(self) -> bool:
        """Whether there is anybody who can log in."""
        return bool(self._database.run("SELECT 1 FROM users LIMIT 1"))

    def load_user(self, name: str) -> tuple[User, str] | None:
        """A user, and the hash of the password."""
        rows = self._database.run(
            "SELECT name, role, made_ms, version, password_hash FROM users WHERE name = ?", (name,)
        )
        if not rows:
            return None
        found, role, made_ms, version, password_hash = cast("tuple[str, str, int, int, str]", rows[0])
        return User(found, role, made_ms, version), password_hash

    def save_user(self, user: User, password_hash: str) -> User:
        """A new user, or another role and password, as it is then; ends the sessions that there were."""
        rows = self._database.run(
            "INSERT INTO users (name, role, password_hash, made_ms, version) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash,"
            " version = users.version + 1 RETURNING version",
            (user.name, user.role, password_hash, user.made_ms, first_version(self._database, _USER)),
        )
        self._database.run("DELETE FROM sessions WHERE user_name = ?", (user.name,))
        return msgspec.structs.replace(user, version=int(str(rows[0][0])))

    def delete_user(self, name: str) -> None:
        """The user, and the user's sessions."""
        for (version,) in self._database.run("DELETE FROM users WHERE name = ? RETURNING version", (name,)):
            keep_deleted(self._database, _USER, int(str(version)))
        self._database.run("DELETE FROM sessions WHERE user_name = ?", (name,))

    # Sessions

    def begin_session(self, user: str, now_ms: int, agent: str = "") -> str:
        """A new session's value, for the cookie. Sessions that have ended are forgotten."""
        value = secrets.token_urlsafe(32)
        self._database.run("DELETE FROM sessions WHERE expires_ms <= ?", (now_ms,))
        self._database.run(
            "DELETE FROM sessions WHERE digest NOT IN"
            " (SELECT digest FROM sessions ORDER BY expires_ms DESC, digest LIMIT ?)",
            (SESSIONS_MAX - 1,),
        )
        self._database.run(
            "INSERT INTO sessions (digest, user_name, began_ms, expires_ms, agent) VALUES (?, ?, ?, ?, ?)",
            (_digest(value), user, now_ms, now_ms + SESSION_MS, agent[:AGENT_CHARS_MAX]),
        )
        return value

    def load_sessions(self, user: str, now_ms: int) -> list[Session]:
        """Those of a user that have not ended, the newest first."""
        rows = self._database.run(
            "SELECT digest, began_ms, expires_ms, agent FROM sessions WHERE user_name = ? AND expires_ms > ?"
            " ORDER BY expires_ms DESC, digest",
            (user, now_ms),
        )
        found = [cast("tuple[str, int, int, str]", row) for row in rows]
        return [Session(session_id(digest), began, expires, agent) for digest, began, expires, agent in found]

    def end_sessions(self, user: str, *, only: str = "", but: str = "") -> int:
        """End the session of a user that has the id `only`, or all `but` one; how many those were."""
        rows = self._database.run("SELECT digest FROM sessions WHERE user_name = ?", (user,))
        ended = [str(digest) for (digest,) in rows if session_id(str(digest)) == only or (not only and digest != but)]
        self._database.run_many("DELETE FROM sessions WHERE digest = ?", [(digest,) for digest in ended])
        return len(ended)

    def end_session(self, digest: str) -> None:
        """No more requests by it."""
        self._database.run("DELETE FROM sessions WHERE digest = ?", (digest,))

    def actor_of_session(self, value: str, now_ms: int) -> Actor | None:
        """Who came by a session that has not ended."""
        rows = self._database.run(
            "SELECT u.name, u.role, s.digest, s.expires_ms FROM sessions s JOIN users u ON u.name = s.user_name"
            " WHERE s.digest = ? AND s.expires_ms > ?",
            (_digest(value), now_ms),
        )
        if not rows:
            return None
        name, role, digest, expires_ms = cast("tuple[str, str, str, int]", rows[0])
        return Actor(f"user/{name}", self.role(role), digest, expires_ms)

    # Tokens

    def load_tokens(self) -> list[Token]:
        """All, by name."""
        rows = self._database.run("SELECT name, role, made_by, made_ms, expires_ms FROM api_tokens ORDER BY name")
        return [Token(*cast("tuple[str, str, str, int, int]", row)) for row in rows]

    def add_token(self, token: Token) -> str:
        """A new token's value, which is told once. RowError where there is one of that name."""
        value = TOKEN_PREFIX + secrets.token_urlsafe(32)
        self._database.run(
            "INSERT INTO api_tokens (name, digest, role, made_by, made_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)",
            (token.name, _digest(value), token.role, token.made_by, token.made_ms, token.expires_ms),
        )
        return value

    def delete_token(self, name: str) -> None:
        """No more requests by it."""
        self._database.run("DELETE FROM api_tokens WHERE name = ?", (name,))

    def load_orphans(self) -> list[Token]:
        """Tokens whose maker is gone, or may not give away their roles any more, and those that they have made. What no
        user or token has made is none."""
        granted = {f"user/{user.name}": self.role(user.role) for user in self.load_users()}
        left = self.load_tokens()
        while True:
            kept = [token for token in left if self._has_maker(token, granted)]
            if not kept:
                return left
            granted |= {f"token/{token.name}": self.role(token.role) for token in kept}
            left = [token for token in left if token not in kept]

    def _has_maker(self, token: Token, granted: Mapping[str, roles.Role]) -> bool:
        if not token.made_by.startswith(("user/", "token/")):
            return True
        maker = granted.get(token.made_by)
        return maker is not None and maker.covers(self.role(token.role))

    def actor_of_token(self, value: str, now_ms: int) -> Actor | None:
        """Who came by a token that has not expired."""
        rows = self._database.run(
            "SELECT name, role, expires_ms FROM api_tokens WHERE digest = ? AND (expires_ms = 0 OR expires_ms > ?)",
            (_digest(value), now_ms),
        )
        if not rows:
            return None
        name, role, expires_ms = cast("tuple[str, str, int]", rows[0])
        return Actor(f"token/{name}", self.role(role), expires_ms=expires_ms)

    # Roles

    def role(self, name: str) -> roles.Role:
        """A role by name; one that does not exist may do nothing."""
        return roles.BUILT_IN.get(name) or next(iter(self._load_roles("WHERE name = ?", name)), roles.NO_ROLE)

    def load_roles(self) -> list[roles.Role]:
        """Those that are built in, then the others by name."""
        return [*roles.BUILT_IN.values(), *self._load_roles("ORDER BY name")]

    def save_role(self, role: roles.Role, now_ms: int) -> roles.Role:
        """A new role, or in place of the one of its name, as it is then."""
        rows = self._database.run(
            "INSERT INTO roles (name, permissions, scope, changed_ms, version) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (name) DO UPDATE SET permissions = excluded.permissions, scope = excluded.scope,"
            " changed_ms = excluded.changed_ms, version = roles.version + 1 RETURNING version",
            (
                role.name,
                " ".join(role.permissions),
                msgspec.json.encode(role.scope).decode(),
                now_ms,
                first_version(self._database, _ROLE),
            ),
        )
        return msgspec.structs.replace(role, version=int(str(rows[0][0])))

    def delete_role(self, name: str) -> None:
        """A role that nobody has."""
        for (version,) in self._database.run("DELETE FROM roles WHERE name = ? RETURNING version", (name,)):
            keep_deleted(self._database, _ROLE, int(str(version)))

    def has_role(self, name: str) -> list[str]:
        """The users and tokens of a role, as actors are named."""
        rows = self._database.run(
            "SELECT 'user/' || name FROM users WHERE role = ? UNION ALL SELECT 'token/' || name FROM api_tokens"
            " WHERE role = ? ORDER BY 1",
            (name, name),
        )
        return [str(actor) for (actor,) in rows]

    def _load_roles(self, condition: str, *values: str) -> list[roles.Role]:
        rows = self._database.run(f"SELECT name, permissions, scope, version FROM roles {condition}", values)  # noqa: S608 -- our own text, values are marks
        return [
            roles.Role(
                str(name),
                tuple(str(permissions).split()),
                msgspec.json.decode(str(scope), type=roles.Scope),
                version=int(str(version)),
            )
            for name, permissions, scope, version in rows
        ]


def session_id(digest: str) -> str:
    """What a session is called where it is listed."""
    return digest[:SESSION_ID_CHARS]


def _digest(value: str) -> str:
    """Values have 256 random bits: a plain hash tells nothing about them."""
    return hashlib.sha256(value.encode()).hexdigest()
