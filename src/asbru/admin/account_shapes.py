"""What the routes of accounts (`accounts`, `user_routes`, `token_routes`) take and give, as shapes.

Not here: what is stored of a user or a token (`identity`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from asbru.identity import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, roles

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")]
_Password = Annotated[str, Meta(min_length=PASSWORD_CHARS_MIN, max_length=PASSWORD_CHARS_MAX)]
RoleName = Annotated[str, Meta(pattern=roles.ROLE_NAME)]
_Given = Annotated[str, Meta(max_length=PASSWORD_CHARS_MAX)]


class Setup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first admin. `token`: the set-up token."""

    token: _Given
    name: _Name
    password: _Password


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user and the password."""

    name: _Name
    password: _Given


class NewUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user to be."""

    name: _Name
    password: _Password
    role: RoleName = "viewer"


class ChangedUser(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed of a user; this ends the user's sessions."""

    password: _Password | None = None
    role: RoleName | None = None


class NewPassword(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another password of one's own. `current`: the one that it replaces."""

    current: _Given
    password: _Password


class NewToken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to be. `expires_in_s`: for how many seconds it is good; 0 for ever."""

    name: _Name
    role: RoleName = "viewer"
    expires_in_s: Annotated[int, Meta(ge=0, le=10**9)] = 0


class SetupState(msgspec.Struct, frozen=True):
    """`needed`: nobody can log in yet."""

    needed: bool


class MyScope(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whose data the credential is about, by name as of now: `teams` of the scope `team`, `keys` of `own`."""

    kind: roles.ScopeKind
    teams: tuple[str, ...] | None = None
    keys: tuple[str, ...] | None = None


class Me(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who a credential belongs to. `expires_ms`: when it ends; null for never. `csrf`: of a session."""

    name: str
    role: str
    via: Literal["session", "token"]
    expires_ms: int | None
    permissions: tuple[str, ...]
    scope: MyScope
    csrf: str = ""


class MySession(msgspec.Struct, frozen=True):
    """A log-in of one's own. `began_ms`: null for unknown; `agent`: what the program called itself; `current`: the
    session of this request."""

    id: str
    began_ms: int | None
    expires_ms: int
    agent: str
    current: bool


BODIES: tuple[type[msgspec.Struct], ...] = (
    SetupState,
    Me,
    MySession,
    Setup,
    Login,
    NewUser,
    ChangedUser,
    NewPassword,
    NewToken,
)
