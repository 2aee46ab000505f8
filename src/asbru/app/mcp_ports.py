"""Sessions and credentials of MCP servers, asked of the tools process over the link and remembered.

A session is remembered until the server forgets it, a credential until it expires; callers choose users only by their
keys, so there are no more of either than servers times keys. Where the tools process does not answer, what is
remembered goes on.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from asbru.core.errors import GatewayError, Unauthenticated
from asbru.mcp.servers import (
    CREDENTIAL_SUBJECT,
    SESSION_SUBJECT,
    CredentialAsked,
    CredentialGiven,
    SessionAsked,
    SessionGiven,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from asbru.link.link import Link

ANSWER_DEADLINE_S: Final = 30.0
"""A session is made by asking the server itself."""
REMEMBERED_MAX: Final = 10_000

T = TypeVar("T")

_Whose = tuple[str, str]


class LinkPorts:
    """See the module, and `mcp.servers.ServerPorts`."""

    def __init__(self, link: Link, unix_time: Callable[[], float] = time.time) -> None:
        self._link = link
        self._unix_time = unix_time
        self._sessions: dict[_Whose, SessionGiven] = {}
        self._credentials: dict[_Whose, CredentialGiven] = {}
        self._gone: dict[_Whose, str] = {}
        self._refused: dict[_Whose, bytes] = {}
        self._demanded: dict[_Whose, str] = {}

    async def session_of(self, server: str, user: str) -> SessionGiven:
        """See `ServerPorts`."""
        known = self._sessions.get((server, user))
        if known is not None:
            return known
        asked = SessionAsked(server, user, self._gone.get((server, user), ""))
        payload = await self._link.fetch(SESSION_SUBJECT, msgspec.msgpack.encode(asked), ANSWER_DEADLINE_S)
        given = None if payload is None else msgspec.msgpack.decode(payload, type=SessionGiven)
        if given is None or given.error:
            raise _unavailable(server, "" if given is None else given.error)
        _remember(self._sessions, (server, user), given)
        self._gone.pop((server, user), None)
        return given

    async def credential_of(self, server: str, user: str) -> bytes:
        """See `ServerPorts`."""
        known = self._credentials.get((server, user))
        if known is not None and known.expires_ms > self._unix_time() * 1000:
            return known.lines
        # What one call demands is told once: other calls do with the authorization as it is.
        scope = self._demanded.pop((server, user), "")
        asked = CredentialAsked(server, user, self._refused.get((server, user), b""), scope)
        payload = await self._link.fetch(CREDENTIAL_SUBJECT, msgspec.msgpack.encode(asked), ANSWER_DEADLINE_S)
        given = None if payload is None else msgspec.msgpack.decode(payload, type=CredentialGiven)
        if given is None:
            raise _unavailable(server, "")
        if given.error:
            where = f"; connect it at {given.authorize_url}" if given.authorize_url else ""
            raise Unauthenticated(
                f"the MCP server '{server}' needs an authorization: {given.error}{where}", code="mcp_unauthorized"
            )
        _remember(self._credentials, (server, user), given)
        self._refused.pop((server, user), None)
        return given.lines

    def forget_session(self, server: str, user: str, session_id: str) -> None:
        """See `ServerPorts`."""
        known = self._sessions.get((server, user))
        if known is not None and known.id == session_id:
            del self._sessions[server, user]
            _remember(self._gone, (server, user), session_id)

    def forget_credential(self, server: str, user: str, lines: bytes, scope: str = "") -> None:
        """See `ServerPorts`."""
        known = self._credentials.get((server, user))
        if known is not None and known.lines == lines:
            del self._credentials[server, user]
            if not scope:
                _remember(self._refused, (server, user), lines)
        if scope:
            _remember(self._demanded, (server, user), scope)


def _remember(known: dict[_Whose, T], whose: _Whose, value: T) -> None:
    """Keys come and go, so of each kind only so much is remembered."""
    if len(known) >= REMEMBERED_MAX:
        known.clear()
    known[whose] = value


def _unavailable(server: str, why: str) -> GatewayError:
    return GatewayError(
        f"the MCP server '{server}' cannot be called now" + (f": {why}" if why else ""),
        status=503,
        code="mcp_server_unavailable",
        retry_after_s=5,
    )
