"""One question and one answer (MessagePack) for all that is done with servers.

subject "mcp.manage"   Manage -> Managed

approve      pin `definitions` as they are now
sync         read its lists anew, or connect anew, now
connect      begin an authorization for `user`: `url`
callback     end one: `query` is what the authorization server sent the browser back with: `message`
disconnect   forget the authorization of `user`
grants       the authorizations at all servers: `grants`
client       the client metadata document: `message`
pinned       what is pinned of `definitions`: `pinned`
"""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

MANAGE_SUBJECT: Final = "mcp.manage"

Verb: TypeAlias = Literal["approve", "sync", "connect", "callback", "disconnect", "grants", "pinned", "client"]


class Chosen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A definition by kind (tool, template, prompt) and name, and its digest as it was looked at."""

    kind: Literal["tool", "template", "prompt"]
    name: str
    digest: str


class Manage(msgspec.Struct, frozen=True, omit_defaults=True):
    """See the module. `user`: the name of a virtual key, "" for what all share."""

    verb: Verb
    server: str = ""
    user: str = ""
    definitions: tuple[Chosen, ...] = ()
    query: dict[str, str] = {}


class Grant(msgspec.Struct, frozen=True):
    """An authorization: whose, and how it stands. `user`: the name of a virtual key, the identity of one that is gone.
    `state`: authorized, or ended with a `reason`; `expires_ms`: of the present access token, 0: it does not say."""

    server: str
    user: str
    state: str
    reason: str
    issuer: str
    scope: str
    expires_ms: int


class Pinned(msgspec.Struct, frozen=True):
    """A definition as it was last approved: a JSON object."""

    kind: str
    name: str
    definition: bytes


class Managed(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of it. `error`: why it was not done; `status`: the HTTP status of that. `server`: whom a callback was
    about."""

    error: str = ""
    status: int = 200
    url: str = ""
    message: str = ""
    server: str = ""
    grants: tuple[Grant, ...] = ()
    pinned: tuple[Pinned, ...] = ()
