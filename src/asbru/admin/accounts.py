"""The first start, sessions, and what everybody may do with the own account.

    GET    /api/v1/setup             whether there is no user yet
    POST   /api/v1/setup             the set-up token makes the first admin, once
    POST   /api/v1/session           log in; DELETE: log out
    GET    /api/v1/me                who am I, and what may I do
    POST   /api/v1/me/password       another password of one's own
    GET    /api/v1/me/sessions       where one is logged in; DELETE: log out everywhere else, or /ID: there

There is no default password. Not here: other people's accounts (`user_routes`), and tokens (`token_routes`).
"""

from __future__ import annotations

import hmac
from typing import Any

from fastapi import APIRouter, Request, Response

from asbru.admin import nouns
from asbru.admin.access import OPEN, SESSION_COOKIE, actor_of, csrf_of, needs, reach_of
from asbru.admin.account_shapes import Login, Me, MyScope, MySession, NewPassword, Setup, SetupState
from asbru.admin.act import Act, Deed, said
from asbru.admin.passwords import Passwords
from asbru.admin.reach import Reach
from asbru.core.errors import BadRequest, Conflict, NotFound, Unauthenticated
from asbru.core.secret_text import SecretText
from asbru.identity import Actor, Token, User, roles, session_id

_NOBODY = Actor("setup", roles.ADMIN)


class AccountRoutes:
    """See the module. `setup_token`: what makes the first admin; `secure`: callers come by TLS."""

    def __init__(self, act: Act, passwords: Passwords, setup_token: SecretText, *, secure: bool) -> None:
        self._act = act
        self._setup_token = setup_token
        self._secure = secure
        self._passwords = passwords

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
        return router

    async def show_setup(self) -> Response:
        """Whether the first user still has to be created."""
        return nouns.answer(SetupState(not self._act.accounts.has_users()))

    async def set_up(self, request: Request) -> Response:
        """Make the first admin with the set-up token; gives a session's cookie and a token of the API."""
        asked = nouns.read_struct(await nouns.read_body(request), Setup)
        self._passwords.slow_down("setup")
        if not hmac.compare_digest(asked.token.encode(), self._setup_token.reveal().encode()):
            raise Unauthenticated(
                "the set-up token is not the one in the log, or in ASBRU_SETUP_TOKEN if that is set",
                code="invalid_credential",
            )
        self._passwords.succeed("setup")
        hashed = await self._passwords.hash(asked.password)

        def write(deed: Deed) -> str:
            if deed.accounts.load_users():
                raise Conflict("a user already exists; log in")
            deed.accounts.save_user(User(asked.name, "admin", deed.now_ms), hashed)
            deed.note("create", "user", asked.name, after=said(role="admin"))
            return deed.accounts.add_token(Token("setup", "admin", _NOBODY.name, deed.now_ms, 0))

        token = await self._act.perform(_NOBODY, "users:write", write)
        return nouns.answer({"name": asked.name, "role": "admin", "token": token}, 201)

    async def log_in(self, request: Request) -> Response:
        """Begin a session: a cookie, and the `csrf` that goes into `x-asbru-csrf` with whatever changes something."""
        asked = nouns.read_struct(await nouns.read_body(request), Login)
        found = await self._passwords.prove(asked.name, asked.password)
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
        asked = nouns.read_struct(await nouns.read_body(request), NewPassword)
        found = await self._passwords.prove(_user(actor), asked.current)
        if found is None:
            raise BadRequest("current: the password is wrong", status=422)
        user = found[0]
        hashed = await self._passwords.hash(asked.password)

        def write(deed: Deed) -> str:
            if deed.accounts.load_user(user.name) != found:  # changed while the password was checked
                raise Conflict("the user was changed in the meantime; log in again")
            deed.accounts.save_user(user, hashed)
            changed = {"password": "changed"}
            deed.note("update", "user", user.name, before=said(), after=said(**changed))
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
                raise NotFound("you have no session with this id")
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


def _unknown() -> Unauthenticated:
    return Unauthenticated("the name or the password is wrong", code="invalid_credential")


def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


def _user(actor: Actor) -> str:
    return actor.name.removeprefix("user/")


def _scope(actor: Actor, reach: Reach) -> MyScope:
    kind = actor.scope.kind
    teams = actor.scope.teams if kind == "team" else None
    return MyScope(kind, teams, reach.own_keys() if kind == "own" else None)
