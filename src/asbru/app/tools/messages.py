"""What the control process asks the tools process, by way of the bookkeeper (MessagePack).

    subject "mcp.manage"   Manage -> Managed

Sessions and credentials, which workers ask for, are in `mcp.servers`.
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

MANAGE_SUBJECT: Final = "mcp.manage"
HERE: Final = "tools.here"
"""Told by the tools process at the start of each connection: it is the one that answers."""
ASKED: Final = "tools.asked"
"""Pushed to it."""
ANSWERED: Final = "tools.answered"
"""Told by it."""

Verb: TypeAlias = Literal["approve", "sync", "connect", "callback", "disconnect", "grants"]


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A question that the bookkeeper passes on, with a number of its own."""

    number: int
    subject: str
    payload: bytes


class Answered(msgspec.Struct, frozen=True, array_like=True):
    """Its answer; None: refused."""

    number: int
    payload: bytes | None


class Definitions(msgspec.Struct, frozen=True):
    """A definition by kind (tool, template, prompt) and name, and its digest as it was looked at."""

    kind: str
    name: str
    digest: str


class Manage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something to be done with a server. `connect`, `disconnect`: for `user`; `callback`: what the authorization
    server sent the browser back with."""

    verb: Verb
    server: str = ""
    user: str = ""
    definitions: tuple[Definitions, ...] = ()
    query: dict[str, str] = {}
    redirect_uri: str = ""


class Grant(msgspec.Struct, frozen=True):
    """An authorization: whose, and how it stands. `expires_ms`: of the present access token, 0: it does not say."""

    server: str
    user: str
    state: str
    reason: str
    issuer: str
    scope: str
    expires_ms: int


class Managed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of it. `error`: why it was not done; `status`: the HTTP status of that. `url`: where a browser is to
    go; `message`: what its user is to be told."""

    error: str = ""
    status: int = 200
    url: str = ""
    message: str = ""
    grants: tuple[Grant, ...] = ()
