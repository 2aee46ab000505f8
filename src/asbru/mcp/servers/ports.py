"""What workers need for calls to servers and only the tools process can have: sessions and credentials.

`ServerPorts` is what the path calls. In a worker it is a client that asks over the link and remembers; the messages
(MessagePack) are here for both ends:

    subject "mcp.session"      SessionAsked -> SessionGiven
    subject "mcp.credential"   CredentialAsked -> CredentialGiven

`user` is "" for the one session or credential that all callers of a server share, else the identity of the virtual
key, which no other key ever has.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Final, Protocol

import msgspec

SESSION_SUBJECT: Final = "mcp.session"
CREDENTIAL_SUBJECT: Final = "mcp.credential"
AWAITED_SUBJECT: Final = "mcp.awaited"
"""Of a message to all workers that is for a call: (token, data); see `pipeline.tools.awaited`."""


class SessionAsked(msgspec.Struct, frozen=True, omit_defaults=True):
    """`gone`: the session that the server no longer knows (it answered 404); "" where none was tried."""

    server: str
    user: str = ""
    gone: str = ""


class SessionGiven(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session to use: `id` as the header Mcp-Session-Id has it ("": the server gave none), `version`: the version of
    the protocol that was negotiated. `error`: why there is none, in words; "" where there is one."""

    id: str = ""
    version: str = ""
    error: str = ""


class CredentialAsked(msgspec.Struct, frozen=True, omit_defaults=True):
    """`refused`: the header lines that the server answered with 401; b"" where none were tried. `scope`: what the
    server demands more than the authorization has (403); "" for nothing."""

    server: str
    user: str = ""
    refused: bytes = b""
    scope: str = ""


class CredentialGiven(msgspec.Struct, frozen=True, omit_defaults=True):
    """`lines`: header lines, each ending with CRLF. `expires_ms`: Unix time until which they may be remembered, 0: for
    this call only. `error`: why there are none; `authorize_url`: where a user can change that, "" for nowhere."""

    lines: bytes = b""
    expires_ms: int = 0
    error: str = ""
    authorize_url: str = ""


class ServerPorts(Protocol):
    """See the module. Both await nothing but `Future`s, and raise an `AsbruError` where there is nothing to give."""

    def session_of(self, server: str, user: str) -> Awaitable[SessionGiven]:
        """The session to call a server in."""
        ...

    def credential_of(self, server: str, user: str) -> Awaitable[bytes]:
        """The header lines by which a server knows us, for servers with `auth: oauth`."""
        ...

    def forget_session(self, server: str, user: str, session_id: str) -> None:
        """The server no longer knows this session."""
        ...

    def forget_credential(self, server: str, user: str, lines: bytes, scope: str = "") -> None:
        """The server has refused these lines; `scope`: because it demands these scopes, else for whatever reason."""
        ...
