"""Routes: the table, the slashes people add, one model, and that nothing is served without a key."""

from __future__ import annotations

from typing import Literal

import msgspec
import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Snapshot
from asbru.dialects import Operation, PathParameters, RequestHead, discover
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
    asked = [(route.path, method) for route in ROUTES for method in route.methods]
    assert len(set(asked)) == len(asked)
    for path, method in asked:
        found = ROUTER.find_loosely(path.encode(), method)
        assert found is not None and found.route.path == path and method in found.route.methods
        posted = ROUTER.find(path.encode())
        assert (posted is found.route) == (method == b"POST" and found.route.kind == "call")
    assert {route.kind for route in ROUTES} == {"call", "object", "mcp", "tool", "models", "key", "page"}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
def test_slashes_that_people_add_are_forgiven(route) -> None:
    """Doubled, leading and trailing slashes lead to the same route."""
    path = route.path.encode()
    for spelled in (path + b"/", b"/" + path, path.replace(b"/", b"//"), path + b"///"):
        found = ROUTER.find_loosely(spelled, route.methods[0])
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
    found = ROUTER.find_loosely(path, b"GET")
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
                word = b'"UNAUTHENTICATED"' if route.dialect.name == "gemini" else b'"authentication_error"'
                assert word in caller.body
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
    taken = [method for other in ROUTES if other.path == route.path for method in other.methods]
    caller = inside.call(route.path, method="PATCH")
    assert (caller.status, caller.header(b"allow")) == (405, b", ".join(taken))
    options = inside.call(route.path, key=None, method="OPTIONS")
    assert options.status == 204 and options.header(b"allow") == b", ".join((*taken, b"OPTIONS"))


def _read_nothing(body: bytes, parameters: PathParameters, query: bytes) -> RequestHead:
    del body, parameters, query
    return RequestHead(model="x/m", stream=False, wants_usage=True, max_tokens=None)


def _thing(name: str, method: bytes, path: str, *, takes: Literal["json", "nothing"] = "nothing") -> Operation:
    return Operation(
        name=name,
        surface=name,
        routes=(path,),
        path=path,
        methods=(method,),
        takes=takes,
        read_head=_read_nothing,
        speaks=False,
    )


@pytest.fixture
def things(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """A dialect that has several operations on one path, and some that take no body."""
    openai = DIALECTS["openai_chat"]
    added = (
        _thing("make", b"POST", "/things", takes="json"),
        _thing("list", b"GET", "/things"),
        _thing("show", b"GET", "/things/{thing_id}"),
        _thing("remove", b"DELETE", "/things/{thing_id}"),
        _thing("stop", b"POST", "/things/{thing_id}/stop"),
    )
    dialect = msgspec.structs.replace(openai, operations=(*openai.operations, *added))
    snapshot = Snapshot(providers=(provider("x", operations=tuple(one.name for one in dialect.operations)),))
    return Inside(snapshot, monkeypatch, dialects={"openai_chat": dialect})


@pytest.mark.parametrize(
    ("asking", "surface", "asked"),
    [
        ("POST /v1/things", "openai.make", b"POST /v1/things HTTP/1.1"),
        ("GET /v1/things", "openai.list", b"GET /v1/things HTTP/1.1"),
        ("GET /v1/things?after=1&api_key=no", "openai.list", b"GET /v1/things?after=1 HTTP/1.1"),
        ("GET /v1/things/a%20b", "openai.show", b"GET /v1/things/a%20b HTTP/1.1"),
        ("GET /v1/things/..%2Fx", "openai.show", b"GET /v1/things/..%2Fx HTTP/1.1"),
        ("DELETE /v1//things/7/", "openai.remove", b"DELETE /v1/things/7 HTTP/1.1"),
        ("POST /v1/things/7/stop", "openai.stop", b"POST /v1/things/7/stop HTTP/1.1"),
    ],
)
def test_a_path_leads_elsewhere_by_method(things: Inside, asking: str, surface: str, asked: bytes) -> None:
    """The operation of the path and the method is asked of the provider, by its own method and path, with what stood
    in the caller's path; only a body of JSON is called one."""
    method, path = asking.split(" ")
    things.script("x", answer(200, b'{"id":"1"}'))
    body = {"a": 1} if surface == "openai.make" else None
    assert things.call(path, body, method=method).status == 200
    head = things.requests[0][1].partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == asked
    assert (b"content-type: application/json" in head) == (body is not None)
    assert [row["surface"] for row in things.recorder.rows] == [surface]


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("DELETE", "/v1/things", b"POST, GET"),
        ("POST", "/v1/things/7", b"GET, DELETE"),
        ("HEAD", "/v1/things/", b"POST, GET"),
    ],
)
def test_405_allows_what_the_path_takes(things: Inside, method: str, path: str, allow: bytes) -> None:
    """Allow names the methods of all operations on the path."""
    caller = things.call(path, method=method)
    assert (caller.status, caller.header(b"allow")) == (405, allow)
    assert not things.upstreams


@pytest.mark.parametrize("path", ["/v1/things/..", "/v1/things/%2e%2e", "/v1/things/%2E", "/v1/things/../stop"])
def test_parameters_lead_nowhere_else(things: Inside, path: str) -> None:
    """Dots in the place of a parameter are no value: at the provider they would be another path."""
    method = "POST" if path.endswith("stop") else "GET"
    assert things.call(path, method=method).status == 404
    assert not things.upstreams


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
