"""What a caller may use, and what the refusals say."""

from __future__ import annotations

from typing import Any

import pytest

from asbru.core.errors import Forbidden
from asbru.governance import OPEN_CALLER, Caller
from asbru.governance import caller as caller_module
from asbru.governance.entries import KeyEntry, ProviderEntry


def caller(*models: str, **facts: Any) -> Caller:
    """A caller that may use these models."""
    return Caller(KeyEntry("bob", models, **facts))


TWO = (ProviderEntry("groq"), ProviderEntry("mock"))
BOB = caller("openai/*", "gpt-5", "groq/llama/3")


@pytest.mark.parametrize(
    ("provider", "model", "allowed"),
    [
        ("openai", "gpt-4o", True),
        ("openai", "org/model", True),
        ("groq", "gpt-5", True),
        ("groq", "llama/3", True),
        ("groq", "llama", False),
        ("groq", "3", False),
        ("openai2", "x", False),
        ("anthropic", "*", False),
        ("", "", False),
    ],
)
def test_what_a_key_may_use(provider: str, model: str, allowed: bool) -> None:
    """Grants name a model at any provider, a model at one, or all of one; nothing else is granted."""
    assert [BOB.may_use(provider, model) for _ in range(2)] == [allowed] * 2
    assert OPEN_CALLER.may_use(provider, model)
    assert not caller().may_use(provider, model)


@pytest.mark.parametrize(
    ("facts", "allowed"),
    [
        ({"providers": ()}, False),
        ({"providers": (ProviderEntry("groq"),)}, False),
        ({"providers": (ProviderEntry("openai"),)}, True),
        ({"providers": (ProviderEntry("*"), ProviderEntry("openai", models=()))}, False),
        ({"providers": (ProviderEntry("*", models=()), ProviderEntry("openai"))}, True),
        ({"providers": (ProviderEntry("openai", models=("gpt-4*",)),)}, True),
        ({"providers": (ProviderEntry("openai", models=("gpt-5*",)),)}, False),
        ({"providers": (ProviderEntry("openai", blocked_models=("gpt-4o",)),)}, False),
        ({"blocked_models": ("openai/gpt-4*",)}, False),
        ({"blocked_models": ("GPT-4O",)}, False),
        ({"blocked_models": ("gpt-5",)}, True),
    ],
)
def test_key_and_provider_must_both_allow(facts: dict[str, Any], allowed: bool) -> None:
    """The entry for the provider counts before the one for all; what either blocks is blocked."""
    made = caller("*", **facts)
    assert made.may_use("openai", "gpt-4o") is allowed
    assert not made.unrestricted


@pytest.mark.parametrize(
    ("facts", "unrestricted"),
    [
        ({}, True),
        ({"surfaces": ("openai",)}, False),
        ({"providers": (ProviderEntry("*", keys=("a",)),)}, False),
        ({"providers": (ProviderEntry("openai"),)}, False),
        ({"providers": (ProviderEntry("*"), ProviderEntry("openai"))}, True),
    ],
)
def test_who_needs_no_look(facts: dict[str, Any], unrestricted: bool) -> None:
    """Only whoever may use everything, everywhere, with every key is passed by without a look."""
    assert caller("*", **facts).unrestricted is unrestricted


def test_answers_are_remembered_for_so_many_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Callers choose names: neither many nor long ones cost memory."""
    monkeypatch.setattr(caller_module, "VERDICTS_MAX", 5)
    made = caller("m1*")
    for number in range(20):
        assert made.may_use("openai", f"m{number}") is str(number).startswith("1")
    made.may_use("openai", "x" * 1000)
    verdicts = made._verdicts  # pyright: ignore[reportPrivateUsage] -- its bound is what is tested
    assert len(verdicts) <= 5 and all(len(model) < 1000 for _, model in verdicts)


@pytest.mark.parametrize(
    ("made", "code", "words"),
    [
        (caller("*", providers=TWO), "provider_not_allowed", "it may use 'groq', 'mock'"),
        (caller("*", providers=()), "provider_not_allowed", "it may use none"),
        (caller("groq/*", "gpt-5"), "model_not_allowed", "'openai/gpt-4o'; it may use 'groq/*', 'gpt-5'"),
        (caller("*", providers=(ProviderEntry("*", models=("o3",)),)), "model_not_allowed", "it may use 'o3'"),
        (caller("*", blocked_models=("*4o",)), "model_not_allowed", "'openai/gpt-4o' is blocked for this key"),
        (caller(*(f"m{number}" for number in range(30))), "model_not_allowed", "'m9' and 20 more"),
    ],
)
def test_a_refusal_names_what_is_permitted(made: Caller, code: str, words: str) -> None:
    """403 that says what was asked for and what could be asked for instead, bounded."""
    error = made.refuse("openai", "gpt-4o")
    assert (error.status, error.code) == (403, code) and words in error.message


def test_surfaces_that_are_not_permitted_are_refused() -> None:
    """By name, with those that are."""
    made = caller("*", surfaces=("anthropic",))
    made.check_surface("anthropic")
    with pytest.raises(Forbidden, match="may not call on the openai surface; it may call on 'anthropic'") as raised:
        made.check_surface("openai")
    assert raised.value.code == "surface_not_allowed"
    with pytest.raises(Forbidden, match="none"):
        caller("*", surfaces=()).check_surface("openai")


def test_keys_of_a_provider() -> None:
    """None is all of them; an entry for the provider counts before the one for all."""
    made = caller("*", providers=(ProviderEntry("*"), ProviderEntry("openai", keys=("a", "b"))))
    assert (made.keys_of("groq"), made.keys_of("openai")) == (None, frozenset("ab"))
    assert caller("*", providers=()).keys_of("openai") is None  # and nothing of it may be used
