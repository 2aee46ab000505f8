"""Who acts, and the order of roles: what a viewer may, an editor may; what an editor may, an admin may."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

import msgspec

Role: TypeAlias = Literal["viewer", "editor", "admin"]
"""viewer: sees everything but secrets; editor: changes what is served; admin: users and tokens too."""

ROLES: tuple[Role, ...] = get_args(Role)


class Actor(msgspec.Struct, frozen=True):
    """`name`: "user/ann", "token/ci". `session`: the digest of the session by which a user came, "" for a token."""

    name: str
    role: Role
    session: str = ""


def suffices(role: Role, needed: Role) -> bool:
    """Whether whoever has `role` may do what needs `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)
