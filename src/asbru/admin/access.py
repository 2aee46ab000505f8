"""Who may use a route: whoever has its permission; everyone where it declares itself open.

    Authorization: Bearer sk-asb-admin-...        a token
    Cookie: asbru_session=...                     a session; what changes something also needs `x-asbru-csrf`, which a
                                                  page of another origin can neither read nor send

What changes something without a token is refused if a page of another origin sends it, logging in included: such a page
would log its visitor in as somebody else, who then sees what the visitor enters.

`refuse_strangers` stands before every route. The permission is the first word of the path with `read` for GET and
`write` for all else; what differs is in `_NOUNS` and in the route's description: `openapi_extra=needs("records:read")`,
`openapi_extra=OPEN`. OpenAPI says it of every route. Whose data a route shows is the scope's matter: `reach`.
Without accounts to look into, only open routes are served.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from fastapi import Request

from asbru.admin.act import refuse, unwritable
from asbru.admin.declared_file import DeclaredFile
from asbru.admin.reach import Reach
from asbru.core.errors import Forbidden, Unauthenticated
from asbru.identity import Accounts, Actor, roles
from asbru.objects import ObjectStore
from asbru.storage import StorageError

OPEN: Final[dict[str, Any]] = {"security": []}
"""For `openapi_extra`: this route needs no credential."""

PREFIX: Final = "/api/v1"
BEARER: Final = "bearer"
SESSION: Final = "session"
SESSION_COOKIE: Final = "asbru_session"
CSRF_HEADER: Final = "x-asbru-csrf"
PERMISSION: Final = "x-asbru-permission"
_NOUNS: Final = MappingProxyType({"overview": "spend", "standing": "spend", "health": "system"})
"""Of paths whose first word is no noun of a permission."""
SCOPED: Final = "x-asbru-scoped"
"""In `openapi_extra`: the route shows no more than `reach_of` the request."""
_DIVIDED: Final = ("bodies", "customers", "keys", "records", "spend", "teams")
"""Nouns that scopes divide. A route of theirs that does not say that it is scoped refuses whoever is not to see all."""
_READING = ("GET", "HEAD")
_OWN_SITES = ("same-origin", "none")
"""What browsers say of requests that no other site's page has sent; "none": a person typed the address."""
_CREDENTIAL_CHARS_MAX = 256


def needs(permission: str) -> dict[str, Any]:
    """For `openapi_extra`: this route needs a permission that is not the usual one; "" for any credential."""
    return {PERMISSION: permission}


def permission_of(path: str, method: str, extra: Mapping[str, Any]) -> str:
    """What a route needs; `path`: as it is declared, with the prefix."""
    if PERMISSION in extra:
        return str(extra[PERMISSION])
    words = path.removeprefix(PREFIX).strip("/").split("/")
    noun = "bodies" if words[-1] == "bodies" else _NOUNS.get(words[0], words[0])
    return f"{noun}:{'read' if method.upper() in _READING else 'write'}"


def refuse_strangers(request: Request) -> None:
    """The dependency of every route; raises `Unauthenticated` and `Forbidden`."""
    route = request.scope.get("route")
    extra = cast("dict[str, Any]", getattr(route, "openapi_extra", None) or {})
    if request.method not in _READING and not _token_of(request):
        _refuse_other_pages(request)
    if extra.get("security") == []:
        return
    actor = _identify(request)
    needed = permission_of(getattr(route, "path", ""), request.method, extra)
    refuse(actor, needed)
    if actor.scope.kind != "all" and needed and not _is_scoped(needed, extra):
        raise Forbidden(
            f"this needs the scope 'all', but '{actor.name}' has '{actor.scope.kind}'", code="out_of_scope"
        )
    request.state.actor = actor


def _is_scoped(needed: str, extra: Mapping[str, Any]) -> bool:
    """Whether a route shows no more than a scope reaches."""
    divided = needed.partition(":")[0] in _DIVIDED
    return needed in roles.SCOPED and (not divided or bool(extra.get(SCOPED)))


def reach_of(request: Request) -> Reach:
    """What the scope of whoever was let in reaches."""
    state = request.app.state
    return Reach(actor_of(request), state.objects, state.declared)


def actor_of(request: Request) -> Actor:
    """Who was let in."""
    return cast("Actor", request.state.actor)


def let_in(
    state: Any,
    accounts: Accounts,
    objects: ObjectStore,
    declared: DeclaredFile,
    *,
    unix_time: Callable[[], float] = time.time,
) -> None:
    """Judge by these accounts from now on, and by who has created which objects and what the file has; `state` is the
    application's."""
    state.accounts = accounts
    state.objects = objects
    state.declared = declared
    state.unix_time = unix_time


def csrf_of(session: str) -> str:
    """What goes into `x-asbru-csrf` beside a session's cookie."""
    return hashlib.sha256(b"csrf " + session.encode()).hexdigest()


def _refuse_other_pages(request: Request) -> None:
    """Raise `Forbidden` for what a page of another origin sends. Browsers say so themselves where the connection is one
    that they trust, and else name the origin (https://www.w3.org/TR/fetch-metadata/); programs say neither."""
    site, origin = request.headers.get("sec-fetch-site", ""), request.headers.get("origin", "")
    hosts = (request.headers.get("host"), request.headers.get("x-forwarded-host", "").partition(",")[0].strip())
    host = origin.partition("://")[2]  # none of "null", the origin of pages that have none
    is_own = site in _OWN_SITES if site else not origin or (host != "" and host in hosts)
    if not is_own:
        raise Forbidden("a page of another origin may not do this; open Asbru itself", code="cross_origin")


def _token_of(request: Request) -> str:
    """The token of a request, "" for none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == BEARER else ""


def _identify(request: Request) -> Actor:
    token, session = _token_of(request), request.cookies.get(SESSION_COOKIE, "")
    by_token = bool(token)
    if not by_token and not session:
        raise Unauthenticated(
            "this needs a credential of the management API (Authorization: Bearer)", code="missing_credential"
        )
    if not by_token and request.method not in _READING:
        given = request.headers.get(CSRF_HEADER, "")
        if not hmac.compare_digest(given.encode(), csrf_of(session).encode()):
            raise Forbidden(f"a change in a session needs the {CSRF_HEADER} header", code="csrf_missing")
    accounts = cast("Accounts | None", getattr(request.app.state, "accounts", None))
    credential = token or session
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
    for path, methods in schema.get("paths", {}).items():
        for method, operation in methods.items():
            if operation.get("security") != []:
                operation[PERMISSION] = permission_of(path, method, operation)
