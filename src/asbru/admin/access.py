"""Who may use a route: whoever has a role that suffices; everyone where it declares itself open.

    Authorization: Bearer sk-asb-admin-...        a token
    Cookie: asbru_session=...                     a session; what changes something also needs `x-asbru-csrf`, which a
                                                  page of another origin can neither read nor send

`refuse_strangers` stands before every route. By default reading needs a viewer and all else an editor; another role, or
none, is in the route's description: `openapi_extra=needs("admin")`, `openapi_extra=OPEN`, which is also how OpenAPI
says it. Without accounts to look into, only open routes are served.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from typing import Any, Final, cast

from fastapi import Request

from asbru.admin.act import refuse_role, unwritable
from asbru.core.errors import Forbidden, Unauthenticated
from asbru.identity import Accounts, Actor, Role
from asbru.storage import StorageError

OPEN: Final[dict[str, Any]] = {"security": []}
"""For `openapi_extra`: this route needs no credential."""

BEARER: Final = "bearer"
SESSION: Final = "session"
SESSION_COOKIE: Final = "asbru_session"
CSRF_HEADER: Final = "x-asbru-csrf"
ROLE: Final = "x-asbru-role"
_READING = ("GET", "HEAD")
_CREDENTIAL_CHARS_MAX = 256


def needs(role: Role) -> dict[str, Any]:
    """For `openapi_extra`: this route needs a role that is not the usual one."""
    return {ROLE: role}


def refuse_strangers(request: Request) -> None:
    """The dependency of every route; raises `Unauthenticated` and `Forbidden`."""
    extra = cast("dict[str, Any]", getattr(request.scope.get("route"), "openapi_extra", None) or {})
    if extra.get("security") == []:
        return
    actor = _identify(request)
    usual: Role = "viewer" if request.method in _READING else "editor"
    refuse_role(actor, cast("Role", extra.get(ROLE, usual)))
    request.state.actor = actor


def actor_of(request: Request) -> Actor:
    """Who was let in."""
    return cast("Actor", request.state.actor)


def let_in(state: Any, accounts: Accounts, unix_time: Callable[[], float] = time.time) -> None:
    """Judge by these accounts from now on; `state` is the application's."""
    state.accounts = accounts
    state.unix_time = unix_time


def csrf_of(session: str) -> str:
    """What goes into `x-asbru-csrf` beside a session's cookie."""
    return hashlib.sha256(b"csrf " + session.encode()).hexdigest()


def _identify(request: Request) -> Actor:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    session = request.cookies.get(SESSION_COOKIE, "")
    by_token = scheme.lower() == "bearer" and bool(value.strip())
    if not by_token and not session:
        raise Unauthenticated(
            "this needs a credential of the management API (Authorization: Bearer)", code="missing_credential"
        )
    if not by_token and request.method not in _READING:
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), csrf_of(session).encode()):
            raise Forbidden(f"a change in a session needs the {CSRF_HEADER} header", code="csrf_missing")
    accounts = cast("Accounts | None", getattr(request.app.state, "accounts", None))
    credential = value.strip() if by_token else session
    actor = None
    if accounts is not None and len(credential) <= _CREDENTIAL_CHARS_MAX:
        now_ms = int(request.app.state.unix_time() * 1000)
        try:
            look_up = accounts.actor_of_token if by_token else accounts.actor_of_session
            actor = look_up(credential, now_ms)
        except StorageError as error:
            raise unwritable(error) from error
    if actor is None:
        raise Unauthenticated(
            "the credential is unknown or has expired; expected a token (sk-asb-admin-...) or a session",
            code="invalid_credential",
        )
    return actor


def describe_access(schema: dict[str, Any]) -> None:
    """Say in an OpenAPI document what the routes that are not open need."""
    schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes[BEARER] = {"type": "http", "scheme": "bearer"}
    schemes[SESSION] = {"type": "apiKey", "in": "cookie", "name": SESSION_COOKIE}
    schema["security"] = [{BEARER: []}, {SESSION: []}]
