"""Parameters of queries: what a route does not declare is refused, whichever route it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from tests.fakes.asgi import ask
from tests.fakes.management import Managed, managed

from asbru.admin import OPEN, build_application
from asbru.admin.parameters import ANY
from asbru.app.api_kinds import COMPILED_KINDS


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API of every kind."""
    with managed(tmp_path, *COMPILED_KINDS) as one:
        yield one


def test_no_route_takes_what_it_does_not_declare(api: Managed) -> None:
    """Every route and method: 422, with the name and those that are known. Nothing is done."""
    walked = 0
    for path, methods in api.application.openapi()["paths"].items():
        for method, operation in methods.items():
            short = re.sub(r"\{\w+\}", "x", path.removeprefix("/api/v1/"))
            refused = api.call(method.upper(), short, {}, query="provder=openai&since_ms=1")
            assert (refused.status, refused.error["code"]) == (422, "unknown_parameter"), (method, path)
            declared = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
            message = refused.error["message"]
            assert message.startswith("provder: ") and all(name in message for name in declared), (method, path)
            walked += 1
    assert walked > 60
    assert [one.action for one in api.act.objects.load_changes(limit=9)] == []


def test_what_was_meant(api: Managed) -> None:
    """A name that is nearly one of those that are known is guessed; tags go by any name."""
    said = api.call("GET", "records/export", query="provder=openai").error["message"]
    assert "did you mean 'provider'?" in said
    for query in ("tag.env=prod", "provider=openai&tag.a=b", ""):
        assert api.call("GET", "records", query=query).status == 200, query
    for query in ("tag=x", "tags.a=b", "Provider=openai"):
        assert api.call("GET", "records", query=query).error["code"] == "unknown_parameter", query
    long = api.call("DELETE", "cache", query=f"all=true&{'x' * 5000}=1").error["message"]
    assert len(long) < 300


def test_a_parameter_is_given_once(api: Managed) -> None:
    """Otherwise one of the values would be passed over; a list takes any number of them."""
    refused = api.call("DELETE", "cache", query="tag=a&tag=b")
    assert (refused.status, refused.error["code"]) == (422, "repeated_parameter")
    assert api.call("GET", "keys", query="team=a&team=b").status == 422
    assert api.call("GET", "standing", query="kind=team&id=a&id=b").status == 200


def test_whoever_may_not_learns_nothing(api: Managed) -> None:
    """Access is checked first."""
    assert api.call("GET", "keys", query="x=1", role=None).status == 401


def test_what_others_make_up_is_taken() -> None:
    """A route may take whatever an authorization server sends."""
    router = APIRouter()

    @router.get("/back", openapi_extra={**OPEN, **ANY})
    async def come_back() -> str:
        return "ok"

    application = build_application([router], "1.2.3")
    assert ask(application, "/api/v1/back", query="code=1&code=2&iss=x").status == 200
