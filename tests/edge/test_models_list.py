"""The list of models: what the configuration names, then the provider's own list, as far as the caller may use it."""

from __future__ import annotations

import json

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Fallback, KeyFacts, Snapshot
from asbru.catalog import MatchClause, PricedModel
from asbru.core.money import PriceRow
from asbru.core.secret_text import SecretText
from asbru.core.traits import Traits
from asbru.edge.models_list import FAILED_FOR_S, LISTED_FOR_S

OWN = answer(200, b'{"object":"list","data":[{"id":"live-2","object":"model"},{"id":"live-1"},{"id":"named"}]}')
FEW = (KeyFacts(name="1", value=SecretText("s1"), models=("named", "live-1"), aliases={"short": "live-2"}),)


def inside(monkeypatch: pytest.MonkeyPatch, **changed: object) -> Inside:
    """A gateway with the providers a and b; b has fallbacks, and does not answer."""
    return Inside(
        Snapshot(
            providers=(provider("a", **changed), provider("b", operations=("chat",))),
            fallbacks=(Fallback(source="b/first", targets=("a/second", "b/third")),),
        ),
        monkeypatch,
    )


def names(gateway: Inside, *, key: str = "sk-asb-test") -> list[str]:
    """The names in the list, as a caller gets it."""
    return [one["id"] for one in json.loads(gateway.call("/v1/models", method="GET", key=key).body)["data"]]


def test_the_providers_own_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models of fallbacks come first, then what the provider lists; what the price data knows is left out."""
    gateway = inside(monkeypatch)
    gateway.script("a", OWN)
    assert names(gateway) == ["a/second", "a/live-1", "a/live-2", "a/named", "b/first", "b/third", "b/m"]
    [(host, request)] = gateway.requests
    assert host == "a.test"
    assert request.startswith(b"GET /v1/models HTTP/1.1\r\nhost: a.test\r\n")
    assert b"authorization: Bearer secret-a-1\r\n" in request


def test_it_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    """The provider is asked again when its list is too old; if it fails then, the old list stands."""
    gateway = inside(monkeypatch)
    gateway.script("a", OWN)
    first = names(gateway)
    assert names(gateway) == first
    assert len(gateway.requests) == 1
    gateway.now_s += LISTED_FOR_S
    gateway.script("a", answer(500, b"{}"))
    assert names(gateway) == first
    assert len(gateway.requests) == 2


@pytest.mark.parametrize("said", [answer(404, b"{}"), answer(200, b"<html>"), ConnectionResetError()])
def test_a_provider_without_a_list(monkeypatch: pytest.MonkeyPatch, said: bytes | Exception) -> None:
    """Then the names of the price data stand in its place, and it is not asked again at once."""
    gateway = inside(monkeypatch)
    gateway.script("a", said)
    assert names(gateway) == ["a/second", "a/m", "b/first", "b/third", "b/m"]
    assert "a/m" in names(gateway)
    assert len(gateway.requests) == 1
    gateway.now_s += FAILED_FOR_S
    gateway.script("a", OWN)
    assert "a/live-1" in names(gateway)


def test_keys_that_are_meant_for_some_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """What no key of the provider serves cannot be called, and is not listed; aliases are."""
    gateway = inside(monkeypatch, keys=FEW)
    gateway.script("a", OWN)
    assert names(gateway)[:3] == ["a/live-1", "a/named", "a/short"]
    assert not any(name in ("a/live-2", "a/second") for name in names(gateway))


def test_aliases_of_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """They stand first, by themselves; those of a family, of a provider that is not there, and those whose target the
    caller may not use, do not."""
    told = {"fast": "a/m", "other": "b/m", "lost": "gone/m", "new-*": "a/*"}
    gateway = Inside(Snapshot(providers=(provider("a"), provider("b")), models=told), monkeypatch)
    gateway.script("a", OWN)
    gateway.script("b", OWN)
    assert names(gateway)[:3] == ["fast", "other", "a/live-1"]
    assert names(gateway, key="sk-asb-few")[:2] == ["fast", "a/live-1"]


def test_what_the_caller_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A virtual key sees what it may call, and one model can be asked for by name."""
    gateway = inside(monkeypatch)
    gateway.script("a", OWN)
    assert names(gateway, key="sk-asb-few") == ["a/second", "a/live-1", "a/live-2", "a/named"]
    found = gateway.call("/v1/models/a/live-1", method="GET", key="sk-asb-few")
    assert (found.status, json.loads(found.body)["id"]) == (200, "a/live-1")
    assert gateway.call("/v1/models/b/first", method="GET", key="sk-asb-few").status == 404


def test_an_unknown_name_is_answered_with_near_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal names providers and models that the caller may use, and no others."""
    gateway = inside(monkeypatch)
    told = json.loads(gateway.chat("frist").body)["error"]["message"]
    assert "did you mean b/first?" in told
    assert "(a, b)" in told
    ask = {"model": "frist", "messages": [{"role": "user", "content": "q"}]}
    told = json.loads(gateway.call("/v1/chat/completions", ask, key="sk-asb-few").body)["error"]["message"]
    assert "b/" not in told
    assert "(a)" in told


def test_what_is_known_of_models_stands_beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes, prices and operations as members of our own, in either format; what is not known is left out."""
    rows = (PriceRow(2_500_000_000, 10_000_000_000, 1_250_000_000, 2_500_000_000, 2_500_000_000, 0, 0),)
    known = PricedModel("live-1", MatchClause("equals", "live-1"), rows, context_tokens=128_000)
    gateway = inside(monkeypatch, prices=(known,), traits=Traits(refuse_inputs=("audio",), max_output_tokens=4096))
    gateway.script("a", OWN)
    listed = json.loads(gateway.call("/v1/models", method="GET").body)["data"]
    found = {one["id"]: one for one in listed}
    assert found["a/live-1"] | {"pricing": None} == {
        "id": "a/live-1",
        "object": "model",
        "created": 0,
        "owned_by": "a",
        "context_window": 128_000,
        "max_output_tokens": 4096,
        "input_modalities": ["text", "image", "document"],
        "pricing": None,
        "operations": ["chat", "completions", "embeddings"],
    }
    assert found["a/live-1"]["pricing"]["input"] == 2.5 and found["a/live-1"]["pricing"]["cache_read"] == 1.25
    assert "context_window" not in found["a/live-2"] and "pricing" not in found["a/live-2"]
    one = json.loads(gateway.call("/anthropic/v1/models/a/live-1", method="GET").body)
    assert (one["display_name"], one["context_window"]) == ("a/live-1", 128_000)
