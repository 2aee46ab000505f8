"""Roles: what a user or a token may do, as permissions, and on whose data, as a scope.

    permission   NOUN:VERB, such as "keys:write"; the nouns and their verbs are listed in `VERBS`
    scope        all; team: what belongs to some teams; own: what belongs to the keys that the actor has created

Three roles are built in; others are in the database. Whether a permission suffices for a route is for the API to say.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import Meta

ROLE_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
TEAMS_MAX = 100

_BOTH = ("read", "write")
VERBS: Final = MappingProxyType(
    {
        "bodies": ("read",),
        "cache": _BOTH,
        "changes": ("read",),
        "customers": _BOTH,
        "fallbacks": _BOTH,
        "guardrails": _BOTH,
        "keys": _BOTH,
        "limits": _BOTH,
        "mcp": _BOTH,
        "mcp-groups": _BOTH,
        "mcp-rules": _BOTH,
        "mcp-servers": _BOTH,
        "models": ("read",),
        "playground": ("write",),
        "prices": _BOTH,
        "providers": _BOTH,
        "records": ("read",),
        "roles": _BOTH,
        "routing-rules": _BOTH,
        "sample": _BOTH,
        "settings": _BOTH,
        "spend": ("read",),
        "system": ("read",),
        "teams": _BOTH,
        "tokens": _BOTH,
        "users": _BOTH,
    }
)
"""What each noun knows. `write` includes creating and deleting."""
PERMISSIONS: Final = frozenset(f"{noun}:{verb}" for noun, verbs in VERBS.items() for verb in verbs)

ScopeKind: TypeAlias = Literal["all", "team", "own"]


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose keys, teams, records and spend there are to see and to change."""

    kind: Annotated[
        ScopeKind,
        Meta(
            description="`all`; `team`: what belongs to `teams`; `own`: what belongs to the keys that the user or "
            "token has created."
        ),
    ] = "all"
    teams: Annotated[
        tuple[Annotated[str, Meta(max_length=128)], ...],
        Meta(max_length=TEAMS_MAX, description="Of the scope `team`."),
    ] = ()

    def contains(self, other: Scope) -> bool:
        """Whether nobody sees more by the other one. What is one's own is another's for another actor."""
        if self.kind == "team":
            return other.kind == "team" and set(other.teams) <= set(self.teams)
        return self.kind == "all"


EVERYTHING = Scope()

SCOPED: Final = frozenset(
    {
        "bodies:read",
        "customers:read",
        "fallbacks:read",
        "guardrails:read",
        "keys:read",
        "keys:write",
        "limits:read",
        "models:read",
        "playground:write",
        "prices:read",
        "providers:read",
        "records:read",
        "routing-rules:read",
        "spend:read",
        "teams:read",
        "teams:write",
    }
)
"""What a role with another scope than `all` may contain: everything else is about the whole gateway."""


class Role(msgspec.Struct, frozen=True):
    """A named set of permissions, in order, with a scope. `version`: 0 for one that is built in."""

    name: str
    permissions: tuple[str, ...]
    scope: Scope = EVERYTHING
    built_in: bool = False
    version: int = 0

    def covers(self, other: Role) -> bool:
        """Whether whoever has this role may give the other one away: it contains all of that one."""
        return self.scope.contains(other.scope) and set(other.permissions) <= set(self.permissions)


def _built_in(name: str, *, without: frozenset[str] = frozenset()) -> Role:
    return Role(name, tuple(sorted(PERMISSIONS - without)), built_in=True)


_ADMINISTERED = frozenset(f"{noun}:{verb}" for noun in ("roles", "tokens", "users") for verb in _BOTH)
_CHANGES = frozenset(one for one in PERMISSIONS if one.endswith(":write"))

BUILT_IN: Final = MappingProxyType(
    {
        role.name: role
        for role in (
            _built_in("viewer", without=_ADMINISTERED | _CHANGES | {"bodies:read"}),
            _built_in("editor", without=_ADMINISTERED | {"settings:write"}),
            _built_in("admin"),
        )
    }
)
"""viewer: sees everything but secrets and the bodies of calls; editor: also those bodies, and changes what is served;
admin: settings, users, tokens and roles too."""


def flaws(role: Role) -> tuple[str, ...]:
    """What is wrong with a role that is not built in, beyond types and bounds."""
    found: list[str] = []
    if unknown := sorted(set(role.permissions) - PERMISSIONS):
        found.append(f"permissions: {', '.join(unknown)}: expected some of {', '.join(sorted(PERMISSIONS))}")
    if role.scope.kind != "all" and (whole := sorted(set(role.permissions) & PERMISSIONS - SCOPED)):
        found.append(f"permissions: {', '.join(whole)}: only a role with the scope `all` may contain that")
    if (role.scope.kind == "team") != bool(role.scope.teams):
        found.append("scope.teams: expected the names of teams with the scope `team`, and none with another")
    return tuple(found)


ADMIN: Final = BUILT_IN["admin"]
NO_ROLE: Final = Role("", ())
"""Of a user or token whose role does not exist any more."""
