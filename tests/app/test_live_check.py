"""Asking providers: what their answers mean, over real sockets."""

from __future__ import annotations

import asyncio
import socket

import pytest
from tests.fakes.happening import Gate
from tests.fakes.upstream import FakeUpstream, Reply

from asbru.app import live_check
from asbru.app.live_check import LiveFinding, check_live
from asbru.app.snapshot import KeyFacts, ProviderFacts
from asbru.core.secret_text import SecretText

LIST = Reply.json({"object": "list", "data": []})
PAGE = Reply.body(b"<html>hello</html>", "text/html")


def provider(
    url: str,
    *,
    key: str = "sk-1",
    auth: str = "bearer",
    dialect: str = "openai_chat",
    operations: tuple[str, ...] = ("chat", "models"),
) -> ProviderFacts:
    """A provider on loopback."""
    keys = (KeyFacts(name="main", value=SecretText(key)),)
    headers = {"x-team": SecretText("a")}
    return ProviderFacts(
        name="local",
        kind="custom",
        dialect=dialect,
        base_url=url,
        auth=auth,
        headers=headers,
        keys=keys,
        operations=operations,
        allow_loopback=True,
    )


def found(upstream: FakeUpstream, path: str, **facts: str) -> list[LiveFinding]:
    """What is found with a base URL at the path."""
    return asyncio.run(check_live([provider(f"{upstream.url}{path}", **facts)], {}))


def test_a_provider_that_answers_is_fine() -> None:
    """Its list of models is asked for with its key and headers, by each way to show a key."""
    with FakeUpstream() as upstream:
        upstream.on("/v1/models", LIST)
        assert found(upstream, "/v1") == []
        assert found(upstream, "/v1", auth="x-api-key", dialect="anthropic_messages") == []
        first, second = upstream.requests
        assert (first.method, first.headers["authorization"], first.headers["x-team"]) == ("GET", "Bearer sk-1", "a")
        assert second.headers["x-api-key"] == "sk-1"


def test_a_bare_array_is_a_list() -> None:
    """Together answers with an array of models, without an object around it."""
    with FakeUpstream() as upstream:
        upstream.on("/v1/models", Reply.json([{"id": "m"}]))
        assert found(upstream, "/v1") == []


def test_a_provider_without_a_list_is_not_asked() -> None:
    """Claude in Foundry has no list of models; what it answered there would say nothing."""
    with FakeUpstream() as upstream:
        facts = provider(f"{upstream.url}/v1", operations=("chat",))
        assert (asyncio.run(check_live([facts], {})), upstream.requests) == ([], [])


@pytest.mark.parametrize("other", [Reply.json({"error": "no"}, 404), PAGE, Reply.json({}, 405)])
@pytest.mark.parametrize("there", [LIST, Reply.json({"error": "key"}, 401)])
def test_a_base_url_is_mended(other: Reply, there: Reply) -> None:
    """Where the path is wrong the URL that answers is named, also when it refuses the key; a page is no answer."""
    with FakeUpstream() as upstream:
        upstream.on("/v1/models", there)
        upstream.otherwise = lambda seen: other
        for path in ("", "/api/v2"):
            [finding] = found(upstream, path)
            assert finding.is_error
            assert finding.message.endswith(f"set `base_url: {upstream.url}/v1`")


def test_other_answers_are_reported() -> None:
    """A refused key is an error, without a key it is none; what may pass or be a server without a list warns."""
    with FakeUpstream() as upstream:
        upstream.on("/v1/models", Reply.json({"error": "key"}, 401))
        assert found(upstream, "/v1") == [LiveFinding("local", "refuses the key 'main'", is_error=True)]
        assert found(upstream, "/v1", key="") == []
    for status in (404, 503):
        with FakeUpstream() as upstream:
            upstream.otherwise = lambda seen, status=status: Reply.json({}, status)
            [finding] = found(upstream, "/v1")
            assert finding == LiveFinding(
                "local", f"responded with {status} at {upstream.url}/v1/models", is_error=False
            )


def test_a_provider_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens, or nobody answers in time."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{bound.getsockname()[1]}"
        [finding] = asyncio.run(check_live([provider(f"http://{address}/v1")], {}))
        assert finding.is_error
        assert address in finding.message
    monkeypatch.setattr(live_check, "ANSWER_TIMEOUT_S", 0.05)
    with FakeUpstream() as upstream:
        upstream.on("/v1/models", LIST.but(before=(Gate(),)))
        assert found(upstream, "/v1") == [LiveFinding("local", "no response within 0.05 s", is_error=True)]
