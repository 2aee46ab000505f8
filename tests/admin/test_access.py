"""Who is let in: every route, as OpenAPI describes it, by nobody, by each role, and by a session."""

from __future__ import annotations

import re

import pytest
from tests.fakes.asgi import ask
from tests.fakes.management import Managed

from asbru.admin.access import CSRF_HEADER, PERMISSION, SCOPED, csrf_of
from asbru.identity import User, roles

DIVIDED = {"bodies", "customers", "keys", "records", "spend", "teams"}
OPEN_ROUTES = {("GET", "/status"), ("GET", "/setup"), ("POST", "/setup"), ("POST", "/session")}


def routes(api: Managed) -> list[tuple[str, str, str]]:
    """Each route that is not open, and the permission that it needs."""
    return [
        (method.upper(), re.sub(r"\{\w+\}", "x", path.removeprefix("/api/v1/")), operation[PERMISSION])
        for path, methods in api.application.openapi()["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") != []
    ]


def test_every_route_needs_a_credential_and_a_permission(api: Managed) -> None:
    """401 without a credential, 403 with a role that lacks the permission; with one that has it, neither. Each
    permission is one that roles know."""
    walked = routes(api)
    assert len(walked) > 25
    for method, path, needed in walked:
        assert needed in roles.PERMISSIONS | {""}, (method, path)
        assert api.call(method, path, {}, role=None).status == 401, (method, path)
        for role in roles.BUILT_IN.values():
            status = api.call(method, path, {}, role=role.name).status
            assert (status == 403) != (needed in ("", *role.permissions)), (method, path, role.name, status)
            assert status not in (401, 500), (method, path, role.name, status)


def test_a_permission_is_enough_and_needed(api: Managed) -> None:
    """A role of that permission alone is let in, and one of all others is not."""
    for method, path, needed in routes(api):
        if needed:
            name = needed.replace(":", "-")
            only = api.role(f"only-{name}", {needed})
            others = api.role(f"but-{name}", roles.PERMISSIONS - {needed})
            assert api.call(method, path, {}, role=only).status != 403, (method, path)
            assert api.call(method, path, {}, role=others).status == 403, (method, path)


@pytest.mark.parametrize("kind", ["team", "own"])
def test_a_narrow_scope_reaches_what_is_divided_by_it_and_no_more(api: Managed, kind: roles.ScopeKind) -> None:
    """Every route, by a role with that scope that contains everything, however it came to be stored: what is about the
    whole gateway is refused, and so is what does not say that it is scoped."""
    name = api.role(f"all-{kind}", roles.PERMISSIONS, kind, *(["blue"] if kind == "team" else []))
    described = api.application.openapi()["paths"]
    for path, methods in described.items():
        for method, operation in methods.items():
            needed = operation.get(PERMISSION, "")
            if operation.get("security") == [] or not needed:
                continue
            divided = needed.partition(":")[0] in DIVIDED
            reached = needed in roles.SCOPED and (not divided or operation.get(SCOPED) is True)
            short = re.sub(r"\{\w+\}", "x", path.removeprefix("/api/v1/"))
            status = api.call(method.upper(), short, {}, role=name).status
            assert (status == 403) != reached, (method, path, status)


def test_only_these_routes_are_open(api: Managed) -> None:
    """What needs no credential is listed here, so that nothing joins it by accident."""
    found = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in api.application.openapi()["paths"].items()
        for method, operation in methods.items()
        if operation.get("security") == []
    }
    assert found == OPEN_ROUTES


def test_a_session_changes_things_only_with_its_csrf(api: Managed) -> None:
    """Reading by the cookie alone; writing with the header that another origin's page cannot have."""
    with api.database.transaction():
        api.act.accounts.save_user(User("ann", "editor", 1), "h")
        session = api.act.accounts.begin_session("ann", api.act.now_ms())
    cookie = {"cookie": f"asbru_session={session}"}
    assert api.call("GET", "teams", role=None, **cookie).status == 200
    for csrf in ({}, {CSRF_HEADER: ""}, {CSRF_HEADER: "x"}, {CSRF_HEADER: csrf_of(session + "x")}):
        refused = api.call("POST", "teams", {"name": "blue"}, role=None, **cookie, **csrf)
        assert (refused.status, refused.error["code"]) == (403, "csrf_missing")
    given = {**cookie, CSRF_HEADER: csrf_of(session)}
    assert api.call("POST", "teams", {"name": "blue"}, role=None, **given).status == 201
    assert api.call("POST", "users", {}, role=None, **given).status == 403
    api.now_s += 13 * 3600
    assert api.call("GET", "teams", role=None, **cookie).status == 401


PASSWORD = "correct horse battery"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"sec_fetch_site": "cross-site", "origin": "https://evil.example"}, True),
        ({"sec_fetch_site": "same-site", "origin": "https://other.example", "host": "asbru.example"}, True),
        ({"origin": "https://evil.example", "host": "asbru.example"}, True),
        ({"origin": "null", "host": "asbru.example"}, True),
        ({"origin": "https://asbru.example.evil.example", "host": "asbru.example"}, True),
        ({"origin": "http://evil.example", "host": "asbru.example", "sec_fetch_site": "same-origin"}, False),
        ({"sec_fetch_site": "none"}, False),
        ({"origin": "http://asbru.example:8080", "host": "asbru.example:8080"}, False),
        ({"origin": "https://asbru.example", "host": "10.0.0.7:80", "x_forwarded_host": "asbru.example, b"}, False),
        ({}, False),
    ],
    ids=repr,
)
def test_no_other_page_logs_anybody_in(api: Managed, headers: dict[str, str], refused: bool) -> None:
    """Nor sets the gateway up, or changes anything in a session: whatever needs no token. Programs name no origin."""
    api.ask("POST", "users", {"name": "ann", "password": PASSWORD, "role": "admin"}, status=201)
    login = {"name": "ann", "password": PASSWORD}
    answer = api.call("POST", "session", login, role=None, **headers)
    assert (answer.status, "set-cookie" in answer.headers) == ((403, False) if refused else (200, True))
    session = api.call("POST", "session", login, role=None)
    given = {
        "cookie": session.headers["set-cookie"].partition(";")[0],
        CSRF_HEADER.replace("-", "_"): session.json()["csrf"],
        **headers,
    }
    changed = api.call("POST", "teams", {"name": "blue"}, role=None, **given)
    set_up = api.call("POST", "setup", {"token": "x", "name": "bob", "password": PASSWORD}, role=None, **headers)
    assert (changed.status, set_up.status) == ((403, 403) if refused else (201, 401))
    if refused:
        assert {one.error["code"] for one in (answer, changed, set_up)} == {"cross_origin"}
    assert api.call("POST", "teams", {"name": "red"}, **headers).status == 201


@pytest.mark.parametrize("value", ["", "x", "sk-asb-admin-" + "x" * 43, "x" * 10_000, "sk-asb-\u00e9"])
def test_credentials_of_any_shape_are_refused(api: Managed, value: str) -> None:
    """401, whatever came."""
    path = "/api/v1/teams"
    for name in ("authorization", "cookie"):
        header = f"Bearer {value}" if name == "authorization" else f"asbru_session={value}"
        assert ask(api.application, path, **{name: header.encode("utf-8").decode("latin-1")}).status == 401


def test_a_database_that_cannot_be_read_is_503(api: Managed) -> None:
    """Not 401: the credential may be good."""
    token = api.token("admin")
    api.database.close()
    answer = ask(api.application, "/api/v1/teams", authorization=f"Bearer {token}")
    assert (answer.status, answer.error["code"]) == (503, "unavailable") and answer.headers["retry-after"] == "1"
