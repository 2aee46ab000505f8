"""Users of the management API, as an admin sees them.

GET, POST /api/v1/users          GET, PATCH, DELETE /api/v1/users/NAME
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from asbru.admin import nouns
from asbru.admin.access import actor_of
from asbru.admin.account_shapes import ChangedUser, NewUser
from asbru.admin.act import Act, Deed, said
from asbru.admin.objects import refuse_version
from asbru.admin.passwords import Passwords
from asbru.admin.role_routes import delete_orphans, known_role, refuse_grant
from asbru.core.errors import Conflict, Forbidden, NotFound
from asbru.identity import User

USERS_MAX = 1000


class UserRoutes:
    """See the module."""

    def __init__(self, act: Act, passwords: Passwords) -> None:
        self._act = act
        self._passwords = passwords

    def build_router(self) -> APIRouter:
        """All routes of the module."""
        router = APIRouter(tags=["accounts"])
        takes = nouns.takes
        add: Any = router.add_api_route
        add("/users", self.list_users, methods=["GET"])
        add("/users", self.create_user, methods=["POST"], status_code=201, openapi_extra=takes(NewUser))
        add("/users/{name}", self.show_user, methods=["GET"])
        add("/users/{name}", self.change_user, methods=["PATCH"], openapi_extra=takes(ChangedUser))
        add("/users/{name}", self.delete_user, methods=["DELETE"], status_code=204)
        return router

    async def list_users(self) -> Response:
        """Every user."""
        return nouns.answer({"items": self._act.accounts.load_users(), "next": None})

    async def show_user(self, name: str) -> Response:
        """One user, with the ETag."""
        found = self._act.accounts.load_user(name)
        if found is None:
            raise _missing(name)
        return _show(found[0])

    async def create_user(self, request: Request) -> Response:
        """A new user."""
        asked = nouns.read_struct(await nouns.read_body(request), NewUser)
        hashed = await self._passwords.hash(asked.password)

        def write(deed: Deed) -> User:
            users = deed.accounts.load_users()
            if any(user.name == asked.name for user in users):
                raise Conflict(f"the user '{asked.name}' already exists")
            if len(users) >= USERS_MAX:
                raise Conflict(f"there are {USERS_MAX} users already")
            user = User(asked.name, known_role(deed, asked.role).name, deed.now_ms)
            deed.note("create", "user", asked.name, after=said(role=asked.role))
            return deed.accounts.save_user(user, hashed)

        return _show(await self._act.perform(actor_of(request), "users:write", write), 201)

    async def change_user(self, name: str, request: Request) -> Response:
        """Another role, another password; the user's sessions end, and so do the tokens that the user has created and
        could not create with the new role. `If-Match` refuses another version (412)."""
        version = nouns.asked_version(request)
        asked = nouns.read_struct(await nouns.read_body(request), ChangedUser)
        hashed = None if asked.password is None else await self._passwords.hash(asked.password)

        def write(deed: Deed) -> User:
            user, before = _known(deed, name)
            refuse_version(user.version, version)
            role = known_role(deed, asked.role).name if asked.role else user.role
            changed = User(name, role, user.made_ms)
            if changed.role != "admin":
                _refuse_last_admin(deed, user)
            changed = deed.accounts.save_user(changed, hashed or before)
            password = {"password": "changed"} if hashed else {}
            deed.note("update", "user", name, before=said(role=user.role), after=said(role=changed.role, **password))
            delete_orphans(deed)
            return changed

        return _show(await self._act.perform(actor_of(request), "users:write", write))

    async def delete_user(self, name: str, request: Request) -> Response:
        """Delete a user, and the tokens that the user has created; not the last admin. `If-Match` refuses another
        version (412)."""
        version = nouns.asked_version(request)

        def write(deed: Deed) -> None:
            user, _ = _known(deed, name)
            refuse_version(user.version, version)
            _refuse_last_admin(deed, user)
            deed.accounts.delete_user(name)
            deed.objects.forget_maker(f"user/{name}")
            deed.note("delete", "user", name, before=said(role=user.role))
            delete_orphans(deed)

        await self._act.perform(actor_of(request), "users:write", write)
        return Response(status_code=204)


def _show(user: User, status: int = 200) -> Response:
    return nouns.answer_version(user, user.version, status)


def _missing(name: str) -> NotFound:
    return NotFound(f"the user '{name}' does not exist")


def _known(deed: Deed, name: str) -> tuple[User, str]:
    found = deed.accounts.load_user(name)
    if found is None:
        raise _missing(name)
    refuse_grant(deed.actor, deed.accounts.role(found[0].role))
    return found


def _refuse_last_admin(deed: Deed, user: User) -> None:
    admins = [one.name for one in deed.accounts.load_users() if one.role == "admin"]
    if admins == [user.name]:
        raise Forbidden("this is the last admin; create another one first", code="last_admin")
