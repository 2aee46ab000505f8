"""Routes: the table, the slashes people add, one model, and that nothing is served without a key."""

from __future__ import annotations

import pytest
from tests.fakes.inside import Inside, provider

from asbru.app.snapshot import Snapshot
from asbru.dialects import discover
from asbru.edge.router import Router
from asbru.edge.surfaces import routes_of

DIALECTS = discover()
EVERY_ROUTE = routes_of(DIALECTS.values())
ROUTES = [route for route in EVERY_ROUTE if "{" not in route.path]
ROUTER = Router(EVERY_ROUTE)
KEYED = [route for route in ROUTES if route.kind != "page"]
PAGES = [route for route in ROUTES if route.kind == "page"]
SNAPSHOT = Snapshot(
    providers=(provider("openai"), provider("anthropic", "anthropic_messages")),
)


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Two providers and one key."""
    return Inside(SNAPSHOT, monkeypatch)


def test_every_path_is_there_once() -> None:
    """No route hides another, and each is found as it stands."""
    paths = [route.path for route in ROUTES]
    assert len(set(paths)) == len(paths)
    assert all(ROUTER.find(route.path.encode()) is route for route in ROUTES)
    assert {route.kind for route in ROUTES} == {"call", "models", "key", "page"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_slashes_that_people_add_are_forgiven(route) -> None:
    """Doubled, leading and trailing slashes lead to the same route."""
    path = route.path.encode()
    for spelled in (path + b"/", b"/" + path, path.replace(b"/", b"//"), path + b"///"):
        found = ROUTER.find_loosely(spelled)
        assert found is not None and found.route is route and not found.parameters


@pytest.mark.parametrize(
    ("path", "route"),
    [
        (b"/v1/models/openai/gpt-5", "/v1/models/{model}"),
        (b"/openai/v1/models/groq/org/model", "/openai/v1/models/{model}"),
        (b"/anthropic/v1/models/claude", "/anthropic/v1/models/{model}"),
        (b"/v1/modelsx", None),
        (b"/v1/chat", None),
        (b"/V1/models", None),
        (b"/v1/chat/completions/x", None),
        (b"/v1/./models", None),
        (b"/x/../v1/models", None),
        (b"", "/"),
        (b"*", None),
        (b"\xff\x00", None),
    ],
)
def test_what_is_not_in_the_table_is_not_served(path: bytes, route: str | None) -> None:
    """Only a model's name may follow a route; nothing else is guessed, resolved or unescaped."""
    found = ROUTER.find_loosely(path)
    assert (found.route.path if found else None) == route


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.path)
@pytest.mark.parametrize(
    "lines", [(), (b"x-api-key: sk-asb-wrong",), (b"x-asbru-key:",)], ids=["none", "wrong", "empty"]
)
def test_without_a_key_nothing_is_served(inside: Inside, route, lines: tuple[bytes, ...]) -> None:
    """Deny by default: every route that is not an open page refuses with 401, in its dialect, and asks no provider."""
    body = {"model": "m", "messages": [], "input": "x", "prompt": "x", "max_tokens": 1}
    below = f"{route.path}/m" if route.kind == "models" else route.path
    for path in (route.path, route.path + "/", f"/{route.path}", below):
        for method in (one.decode() for one in route.methods):
            caller = inside.call(path, body if method == "POST" else None, *lines, key=None, method=method)
            assert caller.status == 401, path
            if method != "HEAD":
                assert b'"authentication_error"' in caller.body
                assert (b'"type":"error"' in caller.body) == (route.dialect.name == "anthropic_messages"), path
    assert not inside.upstreams


@pytest.mark.parametrize("route", KEYED, ids=lambda route: route.path)
def test_a_bad_body_does_not_come_before_the_key(inside: Inside, route) -> None:
    """Who is calling is asked first: garbage without a key is 401, not 400; or 415, where a form is wanted."""
    if route.kind == "call":
        assert inside.call(route.path, b"{garbage", key=None).status == 401
        is_form = route.operation is not None and route.operation.takes == "form"
        assert inside.call(route.path, b"{garbage").status == (415 if is_form else 400)


@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.path)
def test_open_pages_need_no_key(inside: Inside, route) -> None:
    """Health and metrics are open; they take GET and HEAD only. There is nothing at `/` without a web UI."""
    assert inside.call(route.path, key=None, method="GET").status == (404 if route.path == "/" else 200)
    assert inside.call(route.path, key=None, method="HEAD").body == b""
    assert inside.call(route.path, b"x", key=None).status == 405


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_wrong_methods_are_told_the_right_ones(inside: Inside, route) -> None:
    """405 with Allow; OPTIONS is answered everywhere."""
    wrong = "DELETE" if route.kind != "call" else "GET"
    caller = inside.call(route.path, method=wrong)
    assert (caller.status, caller.header(b"allow")) == (405, b", ".join(route.methods))
    options = inside.call(route.path, key=None, method="OPTIONS")
    assert options.status == 204 and set(route.methods) <= set((options.header(b"allow") or b"").split(b", "))


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1/nothing", "/anthropic/v1/nothing", "/v2/chat/completions", "/admin"]
)
def test_unknown_paths_are_404_in_a_dialect(inside: Inside, path: str) -> None:
    """With the error's usual form, and an id."""
    caller = inside.call(path, b"{}")
    assert caller.status == 404 and b'"error"' in caller.body
    assert caller.body.startswith(b'{"type":"error"') == path.startswith("/anthropic")
    assert (caller.header(b"x-asbru-id") or b"").startswith(b"req_")


def test_websockets_are_turned_away(inside: Inside) -> None:
    """426, and the connection is closed."""
    caller = inside.call("/v1/chat/completions", None, b"connection: upgrade", b"upgrade: websocket", method="GET")
    assert caller.status == 426 and caller.transport.closing
