"""Users, sessions, tokens, and the first start.

    GET    /api/v1/setup             whether there is no user yet
    POST   /api/v1/setup             the set-up token makes the first admin, once
    POST   /api/v1/session           log in; DELETE: log out
    GET    /api/v1/me                who am I, and what may I do
    POST   /api/v1/me/password       another password of one's own
    GET    /api/v1/me/sessions       where one is logged in; DELETE: log out everywhere else, or /ID: there
    GET, POST /api/v1/users          GET, PATCH, DELETE /api/v1/users/NAME  admin
    GET, POST /api/v1/tokens         DELETE /api/v1/tokens/NAME             admin

There is no default password. Passwords are tried slowly: see `identity.Throttle`; one is hashed at a time.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta

from asbru.admin import nouns
from asbru.admin.access import OPEN, SESSION_COOKIE, actor_of, csrf_of, needs, reach_of
from asbru.admin.act import Act, Deed
from asbru.admin.objects import refuse_version
from asbru.admin.reach import Reach
from asbru.admin.role_routes import delete_orphans, known_role, refuse_grant
from asbru.core.errors import BadRequest, CallerError, Conflict, Forbidden, NotFound, Unauthenticated
from asbru.core.secret_text import SecretText
from asbru.identity import (
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
    Actor,
    Throttle,
    Token,
    User,
    hash_password,
    is_password,
    roles,
    session_id,
)

USERS_MAX = 1000
TOKENS_MAX = 1000
WAITING_MAX = 8
"""Passwords that wait to be hashed; more are refused."""
_NOBODY = Actor("setup", roles.ADMIN)

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$")]
_Password = Annotated[str, Meta(min_length=PASSWORD_CHARS_MIN, max_length=PASSWORD_CHARS_MAX)]
RoleName = Annotated[str, Meta(pattern=roles.ROLE_NAME)]
_Given = Annotated[str, Meta(max_length=PASSWORD_CHARS_MAX)]

Struct = TypeVar("Struct", bound=msgspec.Struct)


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


class AccountRoutes:
    """See the module. `setup_token`: what makes the first admin; `secure`: callers come by TLS."""

    def __init__(self, act: Act, setup_token: SecretText, *, secure: bool) -> None:
        self._act = act
        self._setup_token = setup_token
        self._secure = secure
        self._throttle = Throttle()
        self._hashing = asyncio.Lock()
        self._waiting = 0

    def build_router(self) -> APIRouter:
        """All routes of the module."""
        router = APIRouter(tags=["accounts"])
        takes = nouns.takes
        add: Any = router.add_api_route
        add("/setup", self.show_setup, methods=["GET"], openapi_extra={**OPEN, **nouns.gives(SetupState)})
        add("/setup", self.set_up, methods=["POST"], status_code=201, openapi_extra={**OPEN, **takes(Setup)})
        add("/session", self.log_in, methods=["POST"], openapi_extra={**OPEN, **takes(Login)})
        add("/session", self.log_out, methods=["DELETE"], status_code=204, openapi_extra=needs(""))
        add("/me", self.show_me, methods=["GET"], openapi_extra={**needs(""), **nouns.gives(Me)})
        own = {**needs(""), **takes(NewPassword)}
        add("/me/password", self.change_password, methods=["POST"], openapi_extra=own)
        listed = {**needs(""), **nouns.gives(MySession, paged=True)}
        add("/me/sessions", self.list_sessions, methods=["GET"], openapi_extra=listed)
        add("/me/sessions", self.end_other_sessions, methods=["DELETE"], status_code=204, openapi_extra=needs(""))
        add("/me/sessions/{id}", self.end_session, methods=["DELETE"], status_code=204, openapi_extra=needs(""))
        add("/users", self.list_users, methods=["GET"])
        add("/users", self.create_user, methods=["POST"], status_code=201, openapi_extra=takes(NewUser))
        add("/users/{name}", self.show_user, methods=["GET"])
        add("/users/{name}", self.change_user, methods=["PATCH"], openapi_extra=takes(ChangedUser))
        add("/users/{name}", self.delete_user, methods=["DELETE"], status_code=204)
        add("/tokens", self.list_tokens, methods=["GET"])
        add(
            "/tokens",
            self.create_token,
            methods=["POST"],
            status_code=201,
            openapi_extra=takes(NewToken),
        )
        add("/tokens/{name}", self.delete_token, methods=["DELETE"], status_code=204)
        return router

    # The first start, and sessions

    async def show_setup(self) -> Response:
        """Whether the first user still has to be created."""
        return nouns.answer(SetupState(not self._act.accounts.has_users()))

    async def set_up(self, request: Request) -> Response:
        """Make the first admin with the set-up token; gives a session's cookie and a token of the API."""
        asked = await _read(request, Setup)
        self._slow_down("setup")
        if not hmac.compare_digest(asked.token.encode(), self._setup_token.reveal().encode()):
            raise Unauthenticated(
                "the set-up token is not the one in the log, or in ASBRU_SETUP_TOKEN if that is set",
                code="invalid_credential",
            )
        self._throttle.succeed("setup")
        hashed = await self._hash(asked.password)

        def write(deed: Deed) -> str:
            if deed.accounts.load_users():
                raise Conflict("a user already exists; log in")
            deed.accounts.save_user(User(asked.name, "admin", deed.now_ms), hashed)
            deed.note("create", "user", asked.name, after=_said(role="admin"))
            return deed.accounts.add_token(Token("setup", "admin", _NOBODY.name, deed.now_ms, 0))

        token = await self._act.perform(_NOBODY, "users:write", write)
        return nouns.answer({"name": asked.name, "role": "admin", "token": token}, 201)

    async def log_in(self, request: Request) -> Response:
        """Begin a session: a cookie, and the `csrf` that goes into `x-asbru-csrf` with whatever changes something."""
        asked = await _read(request, Login)
        found = await self._prove(asked.name, asked.password)
        if found is None:
            raise _unknown()
        user = found[0]

        def write(deed: Deed) -> str:
            if deed.accounts.load_user(user.name) != found:  # changed while the password was checked
                raise _unknown()
            deed.note("log_in", "user", user.name)
            return deed.accounts.begin_session(user.name, deed.now_ms, agent)

        agent = _agent(request)
        session = await self._act.perform(Actor(f"user/{user.name}", self._act.accounts.role(user.role)), "", write)
        return self._begin(request, user, session)

    def _begin(self, request: Request, user: User, session: str) -> Response:
        response = nouns.answer({"name": user.name, "role": user.role, "csrf": csrf_of(session)})
        secure = self._secure or request.headers.get("x-forwarded-proto") == "https"
        response.set_cookie(
            SESSION_COOKIE, session, path="/api", secure=secure, httponly=True, samesite="strict", max_age=12 * 3600
        )
        return response

    async def log_out(self, request: Request) -> Response:
        """End the session of the cookie."""
        actor = actor_of(request)
        await self._act.perform(actor, "", lambda deed: deed.accounts.end_session(actor.session))
        response = Response(status_code=204)
        response.delete_cookie(SESSION_COOKIE, path="/api")
        return response

    async def show_me(self, request: Request) -> Response:
        """Who the credential belongs to, and what it may do; with a session also its `csrf`."""
        actor = actor_of(request)
        me = Me(
            name=actor.name,
            role=actor.role.name,
            via="session" if actor.session else "token",
            expires_ms=actor.expires_ms or None,
            permissions=actor.role.permissions,
            scope=_scope(actor, reach_of(request)),
            csrf=csrf_of(request.cookies[SESSION_COOKIE]) if actor.session else "",
        )
        return nouns.answer(me)

    async def change_password(self, request: Request) -> Response:
        """Another password of whoever is logged in. All sessions of the user end; a new one begins, as by a log-in."""
        actor = actor_of(request)
        if not actor.session:
            raise Conflict("a token has no password; log in as a user", code="no_password")
        asked = await _read(request, NewPassword)
        found = await self._prove(_user(actor), asked.current)
        if found is None:
            raise BadRequest("current: this is not the password", status=422)
        user = found[0]
        hashed = await self._hash(asked.password)

        def write(deed: Deed) -> str:
            if deed.accounts.load_user(user.name) != found:  # changed while the password was checked
                raise Conflict("the user was changed meanwhile; log in again")
            deed.accounts.save_user(user, hashed)
            changed = {"password": "changed"}
            deed.note("update", "user", user.name, before=_said(), after=_said(**changed))
            return deed.accounts.begin_session(user.name, deed.now_ms, agent)

        agent = _agent(request)
        return self._begin(request, user, await self._act.perform(actor, "", write))

    async def list_sessions(self, request: Request) -> Response:
        """Where whoever is logged in has not logged out yet; none of a token."""
        actor = actor_of(request)
        found = self._act.accounts.load_sessions(_user(actor), self._act.now_ms()) if actor.session else []
        own = session_id(actor.session)
        items = [MySession(one.id, one.began_ms or None, one.expires_ms, one.agent, one.id == own) for one in found]
        return nouns.answer({"items": items, "next": None})

    async def end_session(self, id: str, request: Request) -> Response:  # noqa: A002 -- the name in the path
        """End a session of one's own: there, the next request asks for the log-in."""
        actor = actor_of(request)

        def write(deed: Deed) -> None:
            if not actor.session or not id or deed.accounts.end_sessions(_user(actor), only=id) == 0:
                raise NotFound("there is no such session of yours")
            deed.note("log_out", "user", _user(actor))

        await self._act.perform(actor, "", write)
        return Response(status_code=204)

    async def end_other_sessions(self, request: Request) -> Response:
        """End every session of one's own but the one of this request."""
        actor = actor_of(request)

        def write(deed: Deed) -> None:
            if actor.session and deed.accounts.end_sessions(_user(actor), but=actor.session) > 0:
                deed.note("log_out", "user", _user(actor))

        await self._act.perform(actor, "", write)
        return Response(status_code=204)

    # Users

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
        asked = await _read(request, NewUser)
        hashed = await self._hash(asked.password)

        def write(deed: Deed) -> User:
            users = deed.accounts.load_users()
            if any(user.name == asked.name for user in users):
                raise Conflict(f"the user '{asked.name}' already exists")
            if len(users) >= USERS_MAX:
                raise Conflict(f"there are {USERS_MAX} users already")
            user = User(asked.name, known_role(deed, asked.role).name, deed.now_ms)
            deed.note("create", "user", asked.name, after=_said(role=asked.role))
            return deed.accounts.save_user(user, hashed)

        return _show(await self._act.perform(actor_of(request), "users:write", write), 201)

    async def change_user(self, name: str, request: Request) -> Response:
        """Another role, another password; the user's sessions end, and so do the tokens that the user has created and
        could not create with the new role. `If-Match` refuses another version (412)."""
        version = nouns.asked_version(request)
        asked = await _read(request, ChangedUser)
        hashed = None if asked.password is None else await self._hash(asked.password)

        def write(deed: Deed) -> User:
            user, before = _known(deed, name)
            refuse_version(user.version, version)
            role = known_role(deed, asked.role).name if asked.role else user.role
            changed = User(name, role, user.made_ms)
            if changed.role != "admin":
                _refuse_last_admin(deed, user)
            changed = deed.accounts.save_user(changed, hashed or before)
            password = {"password": "changed"} if hashed else {}
            deed.note(
                "update", "user", name, before=_said(role=user.role), after=_said(role=changed.role, **password)
            )
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
            deed.note("delete", "user", name, before=_said(role=user.role))
            delete_orphans(deed)

        await self._act.perform(actor_of(request), "users:write", write)
        return Response(status_code=204)

    # Tokens

    async def list_tokens(self) -> Response:
        """Every token, but for its value."""
        return nouns.answer({"items": self._act.accounts.load_tokens(), "next": None})

    async def create_token(self, request: Request) -> Response:
        """A new token; its `value` is told once."""
        asked = await _read(request, NewToken)
        actor = actor_of(request)

        def write(deed: Deed) -> tuple[Token, str]:
            tokens = deed.accounts.load_tokens()
            if any(token.name == asked.name for token in tokens):
                raise Conflict(f"the token '{asked.name}' already exists")
            if len(tokens) >= TOKENS_MAX:
                raise Conflict(f"there are {TOKENS_MAX} tokens already")
            expires_ms = deed.now_ms + asked.expires_in_s * 1000 if asked.expires_in_s else 0
            token = Token(asked.name, known_role(deed, asked.role).name, actor.name, deed.now_ms, expires_ms)
            deed.note("create", "token", asked.name, after=_said(role=asked.role))
            return token, deed.accounts.add_token(token)

        token, value = await self._act.perform(actor, "tokens:write", write)
        return nouns.answer({**msgspec.to_builtins(token), "value": value}, 201)

    async def delete_token(self, name: str, request: Request) -> Response:
        """A token that is refused from now on, and so are those that were created with it."""

        def write(deed: Deed) -> None:
            found = next((token for token in deed.accounts.load_tokens() if token.name == name), None)
            if found is None:
                raise NotFound(f"the token '{name}' does not exist")
            refuse_grant(deed.actor, deed.accounts.role(found.role))
            deed.accounts.delete_token(name)
            deed.objects.forget_maker(f"token/{name}")
            deed.note("delete", "token", name)
            delete_orphans(deed)

        await self._act.perform(actor_of(request), "tokens:write", write)
        return Response(status_code=204)

    # Passwords

    async def _prove(self, name: str, password: str) -> tuple[User, str] | None:
        """The user and the hash, if that is the password; whether there is such a user does not show in the time."""
        self._slow_down(f"user/{name}")
        found = self._act.accounts.load_user(name)
        if not await self._in_thread(is_password, found[1] if found else "", password):
            return None
        self._throttle.succeed(f"user/{name}")
        return found

    def _slow_down(self, name: str) -> None:
        """Refuse whoever has failed too often; else it counts as a failure until it has succeeded."""
        now_s = time.monotonic()
        wait_s = self._throttle.wait_s(name, now_s)
        if wait_s > 0:
            raise _too_often(wait_s)
        self._throttle.fail(name, now_s)

    async def _hash(self, password: str) -> str:
        return await self._in_thread(hash_password, password)

    async def _in_thread(self, work: Any, *arguments: str) -> Any:
        """One at a time: each takes 19 MiB."""
        if self._waiting >= WAITING_MAX:
            raise _too_often(1.0)
        self._waiting += 1
        try:
            async with self._hashing:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1


def _unknown() -> Unauthenticated:
    return Unauthenticated("the name or the password is wrong", code="invalid_credential")


def _too_often(wait_s: float) -> CallerError:
    return CallerError(
        "too many attempts; try again later",
        status=429,
        type="rate_limit_error",
        code="too_many_attempts",
        retry_after_s=wait_s,
    )


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


def _user(actor: Actor) -> str:
    return actor.name.removeprefix("user/")


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


def _scope(actor: Actor, reach: Reach) -> MyScope:
    kind = actor.scope.kind
    teams = actor.scope.teams if kind == "team" else None
    return MyScope(kind, teams, reach.own_keys() if kind == "own" else None)


def _said(**members: str) -> str:
    return msgspec.json.encode(members).decode()


async def _read(request: Request, kind: type[Struct]) -> Struct:
    return nouns.read_struct(await nouns.read_body(request), kind)
