"""Choosing: what a bare name means to a caller whose key does not permit everything."""

from __future__ import annotations

import json

import pytest
from tests.fakes.inside import Inside, answer, provider

from asbru.app.snapshot import Fallback, Snapshot

REPLY = answer(200, b'{"id":"x","object":"chat.completion","choices":[]}')
KEYS = {"test": ("*",), "second": ("b/*",), "third": ("c/new",), "none": ("d/*",)}


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Inside:
    """Two providers that have the model `m`, and a third with another."""
    providers = (provider("a"), provider("b"), provider("c", known_models=("other",)))
    made = Inside(Snapshot(providers=providers, fallbacks=(Fallback(source="b/m", targets=("a/m",)),)), monkeypatch)
    made.keys = KEYS
    made.load(made.lasting.snapshot or Snapshot())
    for name in ("a", "b", "c"):
        made.script(name, REPLY)
    return made


@pytest.mark.parametrize(
    ("key", "model", "host"),
    [
        ("test", "m", "a.test"),
        ("second", "m", "b.test"),
        ("third", "new", "c.test"),
    ],
)
def test_a_bare_name_is_a_model_that_the_key_permits(gateway: Inside, key: str, model: str, host: str) -> None:
    """The first provider that has it and that the key permits; a model that only the key names is at that provider."""
    ask = {"model": model, "messages": [{"role": "user", "content": "q"}]}
    assert gateway.call("/v1/chat/completions", ask, key=f"sk-asb-{key}").status == 200
    assert [one for one, _ in gateway.requests] == [host]


@pytest.mark.parametrize(
    ("key", "model", "refusal"),
    [
        ("none", "m", (403, "model_not_allowed")),
        ("second", "a/m", (403, "model_not_allowed")),
        ("second", "new", (404, "model_not_found")),
    ],
)
def test_what_the_key_does_not_permit_is_refused(
    gateway: Inside, key: str, model: str, refusal: tuple[int, str]
) -> None:
    """Where no provider that has it is permitted; where the provider is named; where nobody has it."""
    ask = {"model": model, "messages": [{"role": "user", "content": "q"}]}
    refused = gateway.call("/v1/chat/completions", ask, key=f"sk-asb-{key}")
    assert (refused.status, json.loads(refused.body)["error"]["code"]) == refusal
    assert gateway.requests == []
