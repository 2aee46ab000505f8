"""Who acts, and what a role lets the actor do."""

from __future__ import annotations

import msgspec

from asbru.identity.roles import Role, Scope


class Actor(msgspec.Struct, frozen=True):
    """`name`: "user/ann", "token/ci". `session`: the digest of the session by which a user came, "" for a token.
    `expires_ms`: when the credential ends, Unix milliseconds; 0 for never."""

    name: str
    role: Role
    session: str = ""
    expires_ms: int = 0

    @property
    def scope(self) -> Scope:
        """Whose data the actor sees and changes."""
        return self.role.scope

    def may(self, permission: str) -> bool:
        """Whether the role contains a permission; "" is what everybody may."""
        return not permission or permission in self.role.permissions
