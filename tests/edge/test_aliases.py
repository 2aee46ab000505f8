"""Other names of paths lead to the routes themselves, with all that holds for these."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.fakes.inside import Inside, provider

from asbru.app.snapshot import Snapshot
from asbru.dialects import discover
from asbru.edge.router import Router
from asbru.edge.surfaces import routes_of

ROUTER = Router(routes_of(discover().values()))
MESSAGES = [{"role": "user", "content": "hi"}]
CHAT = "/v1/chat/completions"


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Two providers and one key."""
    return Inside(Snapshot(providers=(provider("openai"), provider("x"))), monkeypatch)


def sent(inside: Inside) -> tuple[bytes, dict[str, Any]]:
    """The request line and the body that a provider was sent."""
    ((_, transport),) = inside.upstreams
    head, _, body = bytes(transport.written).partition(b"\r\n\r\n")
    return head.partition(b"\r\n")[0], msgspec.json.decode(body)


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/litellm/v1/chat/completions", CHAT),
        ("/litellm/chat/completions", CHAT),
        ("/litellm//v1/chat/completions/", CHAT),
        ("/langchain/anthropic/v1/messages", "/anthropic/v1/messages"),
        ("/pydanticai/genai/v1beta/models/g:generateContent", "/genai/v1beta/models/{model}:generateContent"),
        ("/cursor/v1/responses", "/v1/responses"),
        ("/openai/deployments/gpt/chat/completions", CHAT),
        ("/openai/deployments/x/gpt/audio/speech", "/v1/audio/speech"),
        ("/openai/deployments/gpt/embeddings", "/v1/embeddings"),
        ("/openai/responses", "/v1/responses"),
        ("/openai/v1/chat/completions", "/openai/v1/chat/completions"),
        ("/litellm/litellm/v1/chat/completions", None),
        ("/litellm/livez", None),
        ("/litellm/v1/key", None),
        ("/litellm/mcp", None),
        ("/litellm/passthrough/openai/x", None),
        ("/openai/deployments/gpt/completions", "/v1/completions"),
        ("/openai/deployments/gpt", None),
        ("/litellm", None),
    ],
)
def test_a_name_leads_to_its_route(path: str, route: str | None) -> None:
    """Calls, stored objects and lists of models have other names; pages, tools and what is passed through have none."""
    found = ROUTER.find_loosely(path.encode(), b"POST")
    assert (found.route.path if found else None) == route


@pytest.mark.parametrize("body", [{}, {"model": "x/other"}], ids=["none in the body", "another in the body"])
def test_a_deployment_is_the_model(inside: Inside, body: dict[str, str]) -> None:
    """As at Azure, the path decides. The rest of the body stays; the version of Azure's API stays behind."""
    inside.call(
        "/openai/deployments/x/g%20pt/chat/completions?api-version=2024-10-21&a=1",
        {"messages": MESSAGES, **body, "seed": 3},
    )
    line, told = sent(inside)
    assert told == {"model": "g pt", "messages": MESSAGES, "seed": 3}
    assert line == b"POST /v1/chat/completions?a=1 HTTP/1.1"


def test_a_body_that_names_its_deployment_goes_as_on_the_route(inside: Inside) -> None:
    """To the byte: it is not written anew."""
    body = b'{ "messages":[ ], "model": "x/gpt", "n" : 1}'
    for path in ("/openai/deployments/x/gpt/chat/completions", CHAT):
        inside.call(path, body)
    (_, one), (_, other) = inside.upstreams
    assert bytes(one.written) == bytes(other.written) and b'"model":"gpt","n":1' in one.written


@pytest.mark.parametrize(
    ("path", "dialect"),
    [("/langchain/anthropic/v1/nothing", b'"type":"error"'), ("/litellm/v1/nothing", b'"code":"not_found"')],
)
def test_an_unknown_path_is_refused_in_the_dialect_below(inside: Inside, path: str, dialect: bytes) -> None:
    """404, as the path would be without the prefix."""
    caller = inside.call(path, {})
    assert caller.status == 404 and dialect in caller.body


def test_a_key_is_needed(inside: Inside) -> None:
    """As for the route; Azure's header is read."""
    path, body = "/openai/deployments/x/gpt/chat/completions", {"messages": MESSAGES}
    assert inside.call(path, body, key=None).status == 401
    assert not inside.upstreams
    inside.call(path, body, b"api-key: sk-asb-test", key=None)
    assert sent(inside)[1]["model"] == "gpt"


def test_half_an_emoji_does_not_hide_the_deployment(inside: Inside) -> None:
    """Clients that cut a text between its halves send it; the path decides all the same, and it is mended as ever."""
    body = b'{"model":"x/other","messages":[{"role":"user","content":"\\ud83d"}]}'
    inside.call("/openai/deployments/x/gpt/chat/completions", body)
    assert sent(inside)[1] == {"model": "gpt", "messages": [{"role": "user", "content": "\ufffd"}]}


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b"", b'{"model":"a","MODEL":"b"}', b'{"messages":%b%b}' % (b"[" * 3000, b"]" * 3000)]
)
def test_a_body_that_is_wrong_is_refused(inside: Inside, body: bytes) -> None:
    """As on the route itself, and nothing is sent."""
    assert inside.call("/openai/deployments/x/gpt/chat/completions", body).status == 400
    assert not inside.upstreams


@pytest.mark.parametrize(
    ("method", "path", "own"),
    [
        ("GET", "batches/b_1", {"batch_id": "b_1"}),
        ("DELETE", "files/f_1", {"file_id": "f_1"}),
        ("GET", "responses/resp_1", {"response_id": "resp_1"}),
        ("POST", "batches", {}),
    ],
)
def test_a_stored_object_below_a_deployment_is_of_no_model(
    inside: Inside, method: str, path: str, own: dict[str, str]
) -> None:
    """Its route has the parameters that it has without the deployment, and it is refused for the same reason."""
    below = f"/openai/deployments/x/gpt/{path}"
    found = ROUTER.find_loosely(below.encode(), method.encode())
    assert found is not None and dict(found.parameters) == own
    body = None if method == "GET" else {}
    named, plain = (inside.call(one, body, method=method) for one in (below, f"/v1/{path}"))
    assert (named.status, named.body) == (plain.status, plain.body) and named.status != 500
