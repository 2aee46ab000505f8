"""Roles that are not built in.

    GET, POST /api/v1/roles          GET, PATCH, DELETE /api/v1/roles/NAME
    GET /api/v1/permissions          every permission, and whether a role with another scope than `all` may contain it

Nobody gives away, through a role, a user or a token, what the own role does not contain, and nobody changes or deletes
who may more: `refuse_grant`. What was given away as a token ends with whoever gave it: `delete_orphans`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta

from asbru.admin import nouns
from asbru.admin.access import actor_of, needs
from asbru.admin.act import Act, Deed
from asbru.admin.objects import refuse_version
from asbru.core.errors import BadRequest, Conflict, Forbidden, NotFound
from asbru.identity import Actor, roles

ROLES_MAX = 1000
HOLDERS_NAMED_MAX = 10

_Permissions = Annotated[
    tuple[Annotated[str, Meta(max_length=64)], ...],
    Meta(max_length=100, description="Such as `keys:read`; `GET /permissions` lists all of them."),
]


class NewRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role to be."""

    name: Annotated[str, Meta(pattern=roles.ROLE_NAME)]
    permissions: _Permissions = ()
    scope: roles.Scope = roles.EVERYTHING


class ChangedRole(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be changed of a role; it holds for its users and tokens at once."""

    permissions: _Permissions | None = None
    scope: roles.Scope | None = None


class Permission(msgspec.Struct, frozen=True):
    """`scoped`: a role with another scope than `all` may contain it; what may not be is about the whole gateway."""

    name: str
    scoped: bool


SHAPES: tuple[type[msgspec.Struct], ...] = (NewRole, ChangedRole, roles.Role, Permission)


def refuse_grant(actor: Actor, role: roles.Role) -> None:
    """Raise `Forbidden` where a role contains more than the actor's."""
    if not actor.role.covers(role):
        missing = sorted(set(role.permissions) - set(actor.role.permissions))
        lacks = f"the permissions {', '.join(missing)}" if missing else "its scope"
        raise Forbidden(
            f"the role '{role.name}' contains more than the role '{actor.role.name}' of '{actor.name}': {lacks}",
            code="exceeds_own_role",
        )


def delete_orphans(deed: Deed) -> None:
    """Tokens do not outlive the user or the token that made them, or its right to give their roles away."""
    for token in deed.accounts.load_orphans():
        deed.accounts.delete_token(token.name)
        deed.objects.forget_maker(f"token/{token.name}")
        deed.note("delete", "token", token.name)


def known_role(deed: Deed, name: str) -> roles.Role:
    """A role that may be given to somebody by whoever acts."""
    found = deed.accounts.role(name)
    if not found.name:
        raise BadRequest(f"role: there is no role '{name}'", status=422)
    refuse_grant(deed.actor, found)
    return found


_PERMISSIONS: dict[str, Any] = {**needs("roles:read"), **nouns.gives(Permission, paged=True)}


class RoleRoutes:
    """See the module."""

    def __init__(self, act: Act) -> None:
        self._act = act

    def build_router(self) -> APIRouter:
        """All routes of the module."""
        router = APIRouter(tags=["accounts"])
        add: Any = router.add_api_route
        gives = nouns.gives
        add("/roles", self.list_roles, methods=["GET"], openapi_extra=gives(roles.Role, paged=True))
        made = {**nouns.takes(NewRole), **gives(roles.Role, status=201)}
        add("/roles", self.create_role, methods=["POST"], status_code=201, openapi_extra=made)
        add("/permissions", self.list_permissions, methods=["GET"], openapi_extra=_PERMISSIONS)
        add("/roles/{name}", self.show_role, methods=["GET"], openapi_extra=gives(roles.Role))
        changed = {**nouns.takes(ChangedRole), **gives(roles.Role)}
        add("/roles/{name}", self.change_role, methods=["PATCH"], openapi_extra=changed)
        add("/roles/{name}", self.delete_role, methods=["DELETE"], status_code=204)
        return router

    async def list_roles(self) -> Response:
        """Every role; those that are built in first."""
        return nouns.answer({"items": self._act.accounts.load_roles(), "next": None})

    async def list_permissions(self) -> Response:
        """Every permission, by name."""
        found = [Permission(name, name in roles.SCOPED) for name in sorted(roles.PERMISSIONS)]
        return nouns.answer({"items": found, "next": None})

    async def show_role(self, name: str) -> Response:
        """One role, with its ETag."""
        found = self._act.accounts.role(name)
        if not found.name:
            raise _missing(name)
        return _show(found)

    async def create_role(self, request: Request) -> Response:
        """A new role."""
        asked = nouns.read_struct(await nouns.read_body(request), NewRole)
        role = _checked(roles.Role(asked.name, tuple(sorted(set(asked.permissions))), asked.scope))

        def write(deed: Deed) -> roles.Role:
            refuse_grant(deed.actor, role)
            if deed.accounts.role(role.name).name:
                raise Conflict(f"the role '{role.name}' already exists")
            if len(deed.accounts.load_roles()) >= ROLES_MAX:
                raise Conflict(f"there are {ROLES_MAX} roles already")
            deed.note("create", "role", role.name, after=_said(role))
            return deed.accounts.save_role(role, deed.now_ms)

        return _show(await self._act.perform(actor_of(request), "roles:write", write), 201)

    async def change_role(self, name: str, request: Request) -> Response:
        """Other permissions, another scope; `If-Match` refuses another version (412)."""
        version = nouns.asked_version(request)
        asked = nouns.read_struct(await nouns.read_body(request), ChangedRole)

        def write(deed: Deed) -> roles.Role:
            before = _own(deed, name)
            refuse_version(before.version, version)
            permissions = before.permissions if asked.permissions is None else tuple(sorted(set(asked.permissions)))
            role = _checked(roles.Role(name, permissions, asked.scope or before.scope))
            refuse_grant(deed.actor, role)
            deed.note("update", "role", name, before=_said(before), after=_said(role))
            saved = deed.accounts.save_role(role, deed.now_ms)
            delete_orphans(deed)
            return saved

        return _show(await self._act.perform(actor_of(request), "roles:write", write))

    async def delete_role(self, name: str, request: Request) -> Response:
        """Delete a role that nobody has; `If-Match` refuses another version (412)."""
        version = nouns.asked_version(request)

        def write(deed: Deed) -> None:
            before = _own(deed, name)
            refuse_version(before.version, version)
            holders = deed.accounts.has_role(name)
            if holders:
                named = ", ".join(holders[:HOLDERS_NAMED_MAX]) + (", ..." if len(holders) > HOLDERS_NAMED_MAX else "")
                raise Conflict(f"the role '{name}' is used by {named}", code="in_use")
            deed.accounts.delete_role(name)
            deed.note("delete", "role", name, before=_said(before))

        await self._act.perform(actor_of(request), "roles:write", write)
        return Response(status_code=204)


def _own(deed: Deed, name: str) -> roles.Role:
    """A role that may be changed by whoever acts."""
    found = deed.accounts.role(name)
    if not found.name:
        raise _missing(name)
    if found.built_in:
        raise Conflict(f"the role '{name}' is built in; create another one", code="built_in")
    refuse_grant(deed.actor, found)
    return found


def _checked(role: roles.Role) -> roles.Role:
    found = roles.flaws(role)
    if found:
        raise BadRequest("; ".join(found), status=422)
    return role


def _missing(name: str) -> NotFound:
    return NotFound(f"the role '{name}' does not exist")


def _show(role: roles.Role, status: int = 200) -> Response:
    return nouns.answer_version(role, role.version, status)


def _said(role: roles.Role) -> str:
    return msgspec.json.encode({"name": role.name, "permissions": role.permissions, "scope": role.scope}).decode()
