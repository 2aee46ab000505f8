"""The semantic step: the same question in other words, served or only compared, and everything that is a miss."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.cache.semantic.pairs import KNOWN
from tests.fakes.inside import Caller, answer, provider
from tests.pipeline.caching.test_step import Gateway, reply

from asbru.app.snapshot import Snapshot
from asbru.cache import CacheSettings, Clearing, SemanticSettings

ASKED = "How do I reset my password?"
OTHERWISE = "how can I reset my password"


def snapshot(mode: str = "serve", **semantic: Any) -> Snapshot:
    settings = {"mode": mode, "embeddings": "v/embed", "timeout_s": 60.0, **semantic}
    return Snapshot(
        providers=(provider("a"), provider("v")),
        cache=CacheSettings(enabled=True, semantic=msgspec.convert(settings, SemanticSettings)),
    )


def vectors(*rows: list[float]) -> bytes:
    """What an embeddings model answers."""
    data = [{"object": "embedding", "index": at, "embedding": row} for at, row in enumerate(rows)]
    body = {"object": "list", "data": data, "model": "embed", "usage": {"prompt_tokens": 4, "total_tokens": 4}}
    return answer(200, json.dumps(body).encode())


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Gateway:
    return Gateway(snapshot(), monkeypatch)


def ask(gateway: Gateway, text: str, row: list[float], *lines: bytes, said: str = "", **members: Any) -> Caller:
    """A call whose question has this vector; `said`: what the provider replies if it is asked."""
    gateway.scripts.clear()
    gateway.script("v", vectors(row))
    if said:
        gateway.script("a", answer(200, reply(said)))
    return gateway.ask(*lines, text=text, **members)


def test_the_same_question_in_other_words_is_served(gateway: Gateway) -> None:
    """One embedding each, recorded for the caller as an internal call; the hit says how alike it was."""
    assert ask(gateway, ASKED, [1.0, 0.1], said="click the link").header(b"x-asbru-cache") == b"miss"
    served = ask(gateway, OTHERWISE, [1.0, 0.0])
    assert (served.header(b"x-asbru-cache"), served.header(b"x-asbru-cache-similarity")) == (b"semantic", b"0.9950")
    assert b"click the link" in served.body
    assert [host for host, _ in gateway.requests] == ["v.test", "a.test", "v.test"]
    embedding, hit = gateway.recorder.rows[-2:]
    assert (embedding["surface"], embedding["caller"], embedding["model_served"]) == ("internal", "test", "embed")
    assert (embedding["input_tokens"], embedding["outcome"], embedding["cache"]) == (4, "ok", "")
    assert (hit["cache"], hit["cost_nanousd"], hit["attempts"]) == ("semantic", 0, 0)


@pytest.mark.parametrize(("keys", "outcome"), [(["other", "tes*"], b"semantic"), (["other", "t"], b"miss")])
def test_only_keys_that_opted_in_are_compared(
    monkeypatch: pytest.MonkeyPatch, keys: list[str], outcome: bytes
) -> None:
    """By name or glob; the calls of others are not embedded."""
    gateway = Gateway(snapshot(keys=keys), monkeypatch)
    ask(gateway, ASKED, [1.0, 0.1], said="click the link")
    served = ask(gateway, OTHERWISE, [1.0, 0.0], said="click it")
    assert served.header(b"x-asbru-cache") == outcome
    assert ("v.test" in [host for host, _ in gateway.requests]) == (outcome == b"semantic")


def test_what_a_caller_keeps_apart_stays_apart(gateway: Gateway) -> None:
    """Its own word for a partition holds for questions in other words, too."""
    ask(gateway, ASKED, [1.0, 0.1], b"x-bf-cache-key: one", said="click the link")
    served = ask(gateway, OTHERWISE, [1.0, 0.0], b"x-bf-cache-key: two", said="another")
    assert served.header(b"x-asbru-cache") == b"miss"


def test_the_very_same_question_needs_no_vector(gateway: Gateway) -> None:
    """An exact hit comes first, and costs no embedding."""
    ask(gateway, ASKED, [1.0, 0.0], said="x")
    gateway.scripts.clear()
    assert gateway.ask(text=ASKED).header(b"x-asbru-cache") == b"hit"


@pytest.mark.parametrize(
    ("text", "row"),
    [
        ("How do I reset my router?", [1.0, 0.0]),
        ("How do I not reset my password?", [1.0, 0.0]),
        (OTHERWISE, [0.0, 1.0]),
        (OTHERWISE, [1.0, 0.0, 0.0]),
        (OTHERWISE, [0.0, 0.0]),
    ],
    ids=["other words", "negation", "far", "other dimension", "no direction"],
)
def test_what_is_not_the_same_is_asked(gateway: Gateway, text: str, row: list[float]) -> None:
    """By its words, by its vector, or because vectors cannot be compared."""
    ask(gateway, ASKED, [1.0, 0.0], said="first")
    assert b"second" in ask(gateway, text, row, said="second").body


@pytest.mark.parametrize(
    "changed",
    [
        {"temperature": 0.5},
        {"model": "a/other"},
        {"key": "sk-asb-few"},
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
    ],
)
def test_everything_else_must_be_the_same(gateway: Gateway, changed: dict[str, Any]) -> None:
    """Parameters, model, tools and caller are compared exactly."""
    ask(gateway, ASKED, [1.0, 0.0], said="first")
    assert b"second" in ask(gateway, OTHERWISE, [1.0, 0.0], said="second", **changed).body


def test_long_conversations_are_not_compared(gateway: Gateway) -> None:
    """Above the number of messages no vector is made."""
    turns = [{"role": "user", "content": str(number)} for number in range(4)]
    gateway.script("a", answer(200, reply()))
    gateway.call("/v1/chat/completions", {"model": "a/m", "messages": turns})
    assert [host for host, _ in gateway.requests] == ["a.test"]


@pytest.mark.parametrize(
    "script",
    [
        answer(500, b"{}"),
        answer(200, b'{"data":[]}'),
        answer(200, b'{"data":[{"embedding":["x"]}]}'),
        answer(200, b"nonsense"),
    ],
)
def test_an_embedding_that_fails_is_a_miss(gateway: Gateway, script: bytes) -> None:
    """The call goes on to its provider, and its reply is kept for the very same question."""
    gateway.script("v", *(script,) * 3)
    gateway.script("a", answer(200, reply("fine")))
    assert b"fine" in gateway.ask(text=ASKED).body
    gateway.scripts.clear()
    assert gateway.ask(text=ASKED).header(b"x-asbru-cache") == b"hit"


def test_headers_choose(gateway: Gateway) -> None:
    """A threshold for one call; `only` and Bifrost's `direct` make no vector."""
    ask(gateway, ASKED, [1.0, 0.0], said="first")
    assert (
        b"second"
        in ask(
            gateway, OTHERWISE, [1.0, 0.3], b"x-asbru-cache-threshold: 0.99", b"x-asbru-cache: read", said="second"
        ).body
    )
    assert ask(gateway, OTHERWISE, [1.0, 0.3]).header(b"x-asbru-cache") == b"semantic"
    asked = len(gateway.requests)
    assert gateway.ask(b"x-asbru-cache: only", text=OTHERWISE).status == 404
    gateway.scripts.clear()
    gateway.script("a", answer(200, reply("third")))
    assert b"third" in gateway.ask(b"x-bf-cache-type: direct", text=OTHERWISE).body
    assert len(gateway.requests) == asked + 1


def test_an_entry_that_is_gone_is_not_served(gateway: Gateway) -> None:
    """What was cleared or evicted is asked again, and its vector is forgotten."""
    ask(gateway, ASKED, [1.0, 0.0], said="first")
    gateway.lasting.cache_memory.clear(Clearing())
    assert gateway.lasting.meaning is not None
    assert len(gateway.lasting.meaning.vectors) == 1
    assert b"second" in ask(gateway, OTHERWISE, [1.0, 0.0], said="second").body
    assert len(gateway.lasting.meaning.vectors) == 1


@pytest.mark.parametrize(
    ("said", "outcome"),
    [("You click the link.", "shadow_agreed"), ("Sell the house in 1999.", "shadow_differed")],
)
def test_shadow_mode_serves_nothing_and_compares(monkeypatch: pytest.MonkeyPatch, said: str, outcome: str) -> None:
    """The provider is asked; the record says whether what would have been served agrees with its reply."""
    gateway = Gateway(snapshot("shadow"), monkeypatch)
    ask(gateway, ASKED, [1.0, 0.0], said="You click the link.")
    shadowed = ask(gateway, OTHERWISE, [1.0, 0.0], said=said)
    assert shadowed.header(b"x-asbru-cache") == b"miss"
    assert said.encode() in shadowed.body
    assert gateway.row["cache"] == outcome
    assert gateway.lasting.cache is not None
    assert gateway.lasting.cache.counts[outcome] == 1


def test_the_report_of_shadow_mode_agrees_with_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the labelled pairs, with everything let through: those that ask the same agree, the others differ."""
    gateway = Gateway(snapshot("shadow", gate="off"), monkeypatch)
    truth = [(pair, True) for pair in KNOWN.same] + [(pair, False) for pair in KNOWN.different]
    for number, ((one, other), is_same) in enumerate(truth):
        gateway.lasting.cache_memory.clear(Clearing())
        ask(gateway, one, [1.0, 0.0], said=f"The answer is {number} apples, as far as I know.")
        said = (
            f"As far as I know the answer is {number} apples." if is_same else f"Never, not even {number + 1} pears."
        )
        ask(gateway, other, [1.0, 0.0], said=said)
        assert gateway.lasting.meaning is not None
        gateway.lasting.meaning.vectors.clear(Clearing())
    assert gateway.lasting.cache is not None
    counts = gateway.lasting.cache.counts
    assert (counts["shadow_agreed"], counts["shadow_differed"]) == (len(KNOWN.same), len(KNOWN.different))


@pytest.mark.parametrize(
    ("verdict", "expected"), [("YES", b"semantic"), ("yes.", b"semantic"), ("NO", b"miss"), ("Well, YES", b"miss")]
)
def test_a_verifier_decides_where_the_gate_is_unsure(
    monkeypatch: pytest.MonkeyPatch, verdict: str, expected: bytes
) -> None:
    """Only then it is asked, with both questions; anything but a plain YES is a no."""
    gateway = Gateway(snapshot(verifier="v/judge"), monkeypatch)
    ask(gateway, ASKED, [1.0, 0.0], said="first")
    gateway.scripts.clear()
    gateway.script("v", vectors([1.0, 0.0]), answer(200, reply(verdict)))
    gateway.script("a", answer(200, reply("second")))
    text = "I lost access to my account password, please advise"
    assert gateway.ask(text=text).header(b"x-asbru-cache") == expected
    question = next(body for host, body in gateway.requests[::-1] if b"YES or NO" in body)
    assert ASKED.encode() in question
    assert text.encode() in question


def test_a_gate_that_is_off_or_loose_lets_more_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """`loose` serves what the gate is unsure of, and never what it rules out; `off` trusts the threshold."""
    for gate, text, expected in (
        ("loose", "I forgot my password", b"semantic"),
        ("loose", "How do I reset 2 passwords?", b"miss"),
        ("off", "How do I reset 2 passwords?", b"semantic"),
    ):
        gateway = Gateway(snapshot(gate=gate), monkeypatch)
        ask(gateway, ASKED, [1.0, 0.0], said="first")
        assert ask(gateway, text, [1.0, 0.0], said="second").header(b"x-asbru-cache") == expected, (gate, text)
