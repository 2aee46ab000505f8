"""The management API as an application: what a router needs to be served, who is refused, what is said."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter
from pydantic import BaseModel
from tests.fakes.asgi import ask

from asbru.admin import OPEN, build_application
from asbru.admin.application import DOCS_PATH, OPENAPI_PATH


class Thing(BaseModel):
    """What a made-up route takes."""

    size: int


def made_up() -> APIRouter:
    """One route of each kind: open, not open, broken."""
    router = APIRouter(prefix="/things")

    @router.get("", openapi_extra=OPEN)
    async def read_things() -> list[str]:
        """Every thing <there> is."""
        return ["a"]

    @router.post("")
    async def add_thing(thing: Thing) -> Thing:
        raise AssertionError("nobody may")

    @router.put("", openapi_extra=OPEN)
    async def change_thing(thing: Thing) -> Thing:
        return thing

    @router.delete("", openapi_extra=OPEN)
    async def remove_things() -> None:
        raise ZeroDivisionError("hunter2")

    return router


APPLICATION = build_application([made_up()], "1.2.3")


def test_a_router_is_served_below_its_prefix() -> None:
    """A new noun is a router; it needs no more than to be handed over."""
    answer = ask(APPLICATION, "/api/v1/things")
    assert (answer.status, answer.json()) == (200, ["a"])
    assert ask(
        APPLICATION, "/api/v1/things", b'{"size": 3}', method="PUT", content_type="application/json"
    ).json() == {"size": 3}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/things", 200),
        ("GET", "/nowhere", 404),
        ("PATCH", "/api/v1/things", 405),
        ("POST", "/api/v1/things", 401),
        ("PUT", "/api/v1/things", 422),
        ("DELETE", "/api/v1/things", 500),
        ("GET", DOCS_PATH, 200),
        ("GET", OPENAPI_PATH, 200),
    ],
)
def test_no_response_is_taken_for_another_type(method: str, path: str, status: int) -> None:
    """Whatever is answered, and errors too, forbids browsers to guess its type."""
    answer = ask(APPLICATION, path, b"<script>", method=method)
    assert (answer.status, answer.headers["x-content-type-options"]) == (status, "nosniff")


@pytest.mark.parametrize("body", [b'{"size": 1}', b'{"size": "hunter2"}', b"{", b""], ids=range(4))
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer x"}, {"authorization": "Basic eA=="}])
def test_what_is_not_declared_open_is_refused(body: bytes, headers: dict[str, str]) -> None:
    """401 with the scheme that is expected, whatever was sent; of the body nothing is said."""
    answer = ask(APPLICATION, "/api/v1/things", body, method="POST", content_type="application/json", **headers)
    code = "invalid_credential" if "Bearer" in headers.get("authorization", "") else "missing_credential"
    assert (answer.status, answer.error["code"]) == (401, code)
    assert answer.error["type"] == "authentication_error"
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("path", "method", "status", "code"),
    [
        ("/api/v1/nothing", "GET", 404, "not_found"),
        ("/api", "GET", 404, "not_found"),
        ("/ui", "GET", 404, "not_found"),
        ("/api/v1/things", "PATCH", 405, "method_not_allowed"),
        ("/docs", "GET", 404, "not_found"),
        ("/openapi.json", "GET", 404, "not_found"),
    ],
)
def test_errors_have_one_shape(path: str, method: str, status: int, code: str) -> None:
    """What the framework refuses by itself is told like everything else."""
    answer = ask(APPLICATION, path, method=method)
    assert (answer.status, answer.error["code"]) == (status, code)


def test_a_body_that_does_not_fit_is_explained() -> None:
    """422 that names the place and what was expected there, and repeats nothing."""
    answer = ask(APPLICATION, "/api/v1/things", b'{"size": "hunter2"}', method="PUT", content_type="application/json")
    assert (answer.status, answer.error["code"]) == (422, "invalid_request")
    assert "body.size" in answer.error["message"] and b"hunter2" not in answer.body


def test_a_bug_tells_the_caller_nothing() -> None:
    """500 without the reason, which is the log's."""
    answer = ask(APPLICATION, "/api/v1/things", method="DELETE")
    assert (answer.status, answer.error["code"]) == (500, "internal_error") and b"hunter2" not in answer.body


def test_the_description_says_what_needs_a_credential() -> None:
    """OpenAPI: a credential by default, none where a route is open; its own pages are not part of it."""
    schema = ask(APPLICATION, OPENAPI_PATH).json()
    assert schema["info"]["version"] == "1.2.3"
    assert list(schema["paths"]) == ["/api/v1/things"]
    assert schema["security"] == [{"bearer": []}, {"session": []}]
    assert set(schema["components"]["securitySchemes"]) == {"bearer", "session"}
    assert schema["paths"]["/api/v1/things"]["get"]["security"] == []
    assert "security" not in schema["paths"]["/api/v1/things"]["post"]


def test_the_page_takes_nothing_from_elsewhere() -> None:
    """Each operation with its words, escaped; no address but our own, and a policy that would allow none."""
    answer = ask(APPLICATION, DOCS_PATH)
    page = answer.body.decode()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "Every thing &lt;there&gt; is." in page and page.count("/api/v1/things") == 4
    assert re.findall(r"(?:href|src)=(\S+?)[ >]", page) == [OPENAPI_PATH]
    assert "://" not in page and "<script" not in page
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_what_access_is_not_checked_for_is_refused() -> None:
    """A mount, a plain Starlette route and a WebSocket would get past the dependency; a router with one is a bug."""
    mounting, plain, socket, nesting = APIRouter(), APIRouter(), APIRouter(), APIRouter()
    mounting.mount("/x", APPLICATION)
    plain.add_route("/x", lambda _: None)  # type: ignore[arg-type, return-value]  # it is never called
    socket.add_api_websocket_route("/x", lambda: None)
    nesting.include_router(made_up())
    for router in (mounting, plain, socket, nesting):
        with pytest.raises(TypeError, match="plain routes only"):
            build_application([router], "1")
