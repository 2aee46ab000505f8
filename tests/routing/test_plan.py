"""Plans: what a model's name means, which fallbacks follow, and which key is drawn."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.errors import NotFound
from asbru.routing import Key, Plan, ProviderRoute, Target, choose_key, limited_for_s
from asbru.upstream.credentials import FixedCredential


def key(name: str, weight: float = 1.0, models: tuple[str, ...] = ("*",), **aliases: str) -> Key:
    """A key with a header line that nobody reads here."""
    return Key(name, FixedCredential(b""), frozenset(models), weight=weight, aliases=aliases)


def route(name: str, *keys: Key, known: tuple[str, ...] = (), keyless: bool = False) -> ProviderRoute:
    """A provider."""
    made = ProviderRoute(name, "openai_chat", keys, keyless=keyless)
    made.known_models = known
    return made


OPENAI = route("openai", key("a"), known=("gpt-5", "gpt-4o"))
ANTHROPIC = route("anthropic", key("b"), known=("claude-haiku-4-5", "gpt-5"))
OPENAI.recognises = ANTHROPIC.recognises = lambda model: model.startswith("claude-haiku-4-5-")
GROQ = route("groq", key("c", models=("llama-3.3", "org/model"), fast="llama-3.3"), known=("llama-3.3", "hidden"))
PROVIDERS = {one.name: one for one in (OPENAI, ANTHROPIC, GROQ)}


ALIASES = {
    "quick": ("groq", "llama-3.3"),
    "gpt-4o": ("anthropic", "claude-haiku-4-5"),
    "lost": ("gone", "x"),
    "gemini-*": ("groq", "*"),
}


def targets(model: str, home: str = "openai", **fallbacks: list[tuple[str, str]]) -> list[str]:
    """The targets as text."""
    plan = Plan(PROVIDERS, {source.replace("__", "/"): to for source, to in fallbacks.items()}, ALIASES)
    return [str(target) for target in plan.targets(model, home)]


@pytest.mark.parametrize(
    ("model", "home", "target"),
    [
        ("openai/gpt-5", "anthropic", "openai/gpt-5"),
        ("groq/org/model", "openai", "groq/org/model"),
        ("groq/openai/gpt-5", "openai", "groq/openai/gpt-5"),
        ("openai/unheard-of", "openai", "openai/unheard-of"),
        ("gpt-5", "anthropic", "openai/gpt-5"),
        ("claude-haiku-4-5", "openai", "anthropic/claude-haiku-4-5"),
        ("llama-3.3", "openai", "groq/llama-3.3"),
        ("fast", "openai", "groq/fast"),
        ("org/model", "openai", "groq/org/model"),
        ("quick", "openai", "groq/llama-3.3"),
        ("gpt-4o", "openai", "anthropic/claude-haiku-4-5"),
        ("openai/gpt-4o", "openai", "openai/gpt-4o"),
        ("claude-haiku-4-5-20251001", "anthropic", "anthropic/claude-haiku-4-5-20251001"),
        ("claude-haiku-4-5-20251001", "nobody", "openai/claude-haiku-4-5-20251001"),
    ],
)
def test_what_a_name_means(model: str, home: str, target: str) -> None:
    """An alias; a provider before the first slash, whatever follows; else whose model it is, first by what keys name,
    then by what is known, then by what the price data recognises."""
    assert targets(model, home) == [target]


def test_what_keys_name_comes_before_what_is_known() -> None:
    """Of the providers that have a model, those whose keys name it come first; within both, the configured order."""
    listed = route("listed", key("a"), known=("m", "n"))
    other = route("other", key("b"), known=("m", "n"))
    named = route("named", key("c", models=("m",)), known=("m",))
    plan = Plan({one.name: one for one in (listed, other, named)}, {})
    assert [one.name for one in plan.having("m")] == ["named", "listed", "other"]
    assert [str(one) for one in plan.targets("n", "")] == ["listed/n"]
    assert plan.having("other/m") == ()
    assert Plan(plan.providers, {}, {"m": ("other", "n")}).having("m") == (), "an alias is one model of one provider"


def test_names_that_a_family_passes_on() -> None:
    """An alias that ends with `*` is for names that no provider is known to have; it keeps the name."""
    plan = Plan(PROVIDERS, {}, {"llama-*": ("openai", "*"), "fam*": ("groq", "*"), "llama-x*": ("anthropic", "*")})
    assert [str(one) for one in plan.targets("llama-9", "")] == ["openai/llama-9"]
    assert [str(one) for one in plan.targets("llama-x9", "")] == ["anthropic/llama-x9"], "the longest that fits"
    assert [str(one) for one in plan.targets("llama-3.3", "")] == ["groq/llama-3.3"]
    with pytest.raises(NotFound):
        plan.targets("family-1", "")  # whose keys are for other models
    everything = Plan(PROVIDERS, {}, {"*": ("openai", "*")})
    assert [str(one) for one in everything.targets("family-1", "")] == ["openai/family-1"]


@pytest.mark.parametrize(
    ("model", "home"),
    [
        ("nobody/gpt-5", "openai"),
        ("gpt-9", "nobody"),
        ("gpt-9", "openai"),
        ("hidden", "openai"),
        ("lost", "openai"),
        ("", "nobody"),
        ("/", "openai"),
        ("openai/", "openai"),
        ("a/b", ""),
    ],
)
def test_what_nobody_knows_is_not_found(model: str, home: str) -> None:
    """404 that names the providers; no name is guessed, and none leads to a key that is not meant for it."""
    with pytest.raises(NotFound) as raised:
        targets(model, home)
    assert raised.value.code == "model_not_found" and "openai" in raised.value.message


def test_a_long_name_is_not_repeated_whole() -> None:
    """An error does not send a megabyte back."""
    with pytest.raises(NotFound) as raised:
        targets("x/" + "y" * 100_000)
    assert len(raised.value.message) < 1000


@given(st.text(max_size=30))
def test_any_name_has_a_target_or_is_not_found(model: str) -> None:
    """Nothing else happens."""
    with suppress(NotFound):
        assert targets(model)


def test_fallbacks_follow_in_order() -> None:
    """By the resolved name, whatever the caller wrote; providers that are not configured are left out."""
    fallbacks = {"groq__llama-3.3": [("anthropic", "claude-haiku-4-5"), ("gone", "x"), ("openai", "gpt-5")]}
    expected = ["groq/llama-3.3", "anthropic/claude-haiku-4-5", "openai/gpt-5"]
    assert targets("groq/llama-3.3", **fallbacks) == targets("llama-3.3", **fallbacks) == expected
    assert targets("openai/gpt-5", **fallbacks) == ["openai/gpt-5"]


def test_without_fallbacks_a_call_has_one_target() -> None:
    """Then nobody need look which of them has room."""
    providers = {"a": route("a", key("k"))}
    assert not Plan(providers, {}).has_fallbacks
    assert not Plan(providers, {"a/m": [("gone", "m")]}).has_fallbacks
    assert Plan(providers, {"a/m": [("a", "n")]}).has_fallbacks


def test_fallbacks_of_every_model_of_a_provider() -> None:
    """`provider/*` is for each of its models that has none of its own; a target is not its own fallback."""
    fallbacks = {"openai__*": [("openai", "gpt-5"), ("groq", "x")], "openai__gpt-5.5": [("groq", "y")]}
    assert targets("openai/gpt-4o", **fallbacks) == ["openai/gpt-4o", "openai/gpt-5", "groq/x"]
    assert targets("openai/gpt-5", **fallbacks) == ["openai/gpt-5", "groq/x"]
    assert targets("openai/gpt-5.5", **fallbacks) == ["openai/gpt-5.5", "groq/y"]
    assert targets("groq/x", **fallbacks) == ["groq/x"]


def chosen(provider: ProviderRoute, chance: float, tried: tuple[str, ...] = (), now_s: float = 0.0) -> str | None:
    """The name of the drawn key."""
    drawn = choose_key(Target(provider, "m"), tried, now_s, chance=chance)
    return None if drawn is None else drawn.name


@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 7.0]), min_size=2, max_size=5))
def test_keys_are_drawn_by_weight(weights: list[float]) -> None:
    """Over an even sweep of chance each key's share is its weight's; a key without weight is never drawn."""
    provider = route("p", *(key(str(index), weight) for index, weight in enumerate(weights)))
    draws = [chosen(provider, step / 1000) for step in range(1000)]
    total = sum(weights)
    for index, weight in enumerate(weights):
        share = weight / total if total else 1 / len(weights)
        assert abs(draws.count(str(index)) / 1000 - share) <= 0.002
    if total:
        assert not {str(index) for index, weight in enumerate(weights) if not weight} & set(draws)


@given(st.floats(0, 1, exclude_max=True), st.lists(st.floats(0, 1e6), min_size=1, max_size=4))
def test_a_key_is_always_drawn(chance: float, weights: list[float]) -> None:
    """Rounding never leaves the draw empty-handed."""
    provider = route("p", *(key(str(index), weight) for index, weight in enumerate(weights)))
    assert chosen(provider, chance) is not None


@pytest.mark.parametrize("count", [1, 2])
def test_tried_keys_are_not_drawn_again(count: int) -> None:
    """When all were tried there is none."""
    names = [str(index) for index in range(count)]
    provider = route("p", *map(key, names))
    assert chosen(provider, 0.0, tuple(names[:-1])) == names[-1]
    assert chosen(provider, 0.0, tuple(names)) is None


@pytest.mark.parametrize("count", [1, 2])
def test_limited_keys_rest_until_their_time(count: int) -> None:
    """A key that the provider limited is not used before it may be; then it is."""
    keys = [key(str(index)) for index in range(count)]
    provider = route("p", *keys)
    for one in keys:
        one.limited_until_s = 10.0
    assert chosen(provider, 0.0, now_s=9.9) is None
    assert limited_for_s(provider, "m", 4.0) == 6.0
    assert chosen(provider, 0.0, now_s=10.0) == "0"
    assert limited_for_s(provider, "m", 10.0) is None


def test_refused_keys_are_a_last_resort() -> None:
    """Passed over while another is fresh, used when none is: one bad answer never locks a provider out."""
    first, second = key("1"), key("2")
    provider = route("p", first, second)
    first.refused_until_s = 10.0
    assert {chosen(provider, step / 10, now_s=5.0) for step in range(10)} == {"2"}
    second.refused_models["m"] = 10.0
    assert {chosen(provider, step / 10, now_s=5.0) for step in range(10)} == {"1", "2"}
    assert {chosen(provider, step / 10, ("2",), now_s=5.0) for step in range(10)} == {"1"}
    assert second.is_refused("m", 5.0) and not second.is_refused("other", 5.0) and not second.is_refused("m", 10.0)
    single = route("p", first)
    assert chosen(single, 0.0, now_s=5.0) == "1"


def test_keys_serve_the_models_they_are_meant_for() -> None:
    """By name or alias; a key for other models is not drawn, and its rest does not count."""
    one, other = key("1", models=("m",)), key("2", models=("n",), m2="n")
    provider = route("p", one, other)
    assert chosen(provider, 0.99) == "1"
    assert choose_key(Target(provider, "m2"), (), 0.0, chance=0.0) is other
    assert choose_key(Target(provider, "x"), (), 0.0, chance=0.0) is None
    other.limited_until_s = 10.0
    assert limited_for_s(provider, "m", 0.0) is None
    assert choose_key(Target(route("p", other), "m"), (), 20.0, chance=0.0) is None


def test_a_preferred_key_is_first_where_it_is_usable() -> None:
    """Whatever the weights; not when it was tried, cools down or was refused."""
    keys = [key("a", 1000.0), key("b", 0.1), key("c", 0.1)]
    target = Target(route("p", *keys), "m", prefer="b")
    assert choose_key(target, (), 0.0, chance=0.0) is keys[1]
    assert choose_key(target, ("b",), 0.0, chance=0.0) is keys[0]
    keys[1].refused_until_s = 10.0
    assert choose_key(target, (), 0.0, chance=0.0) is keys[0]
    assert choose_key(Target(route("p", *keys), "m", key="c"), (), 0.0, chance=0.0) is keys[2]


def test_refusals_of_models_that_callers_make_up_are_bounded() -> None:
    """Callers choose model names: a key that is refused for each of a million does not remember a million."""
    one = key("1")
    for number in range(20_000):
        one.refuse_model(f"made-up-{number}", until_s=float(number) + 60.0, now_s=float(number))
    assert len(one.refused_models) <= 1024
    assert one.is_refused("made-up-19999", 20_000.0)


@pytest.mark.parametrize("count", [1, 2])
def test_keys_rest_for_one_model(count: int) -> None:
    """A limit of one model leaves the key to the others, and is forgotten when it is over."""
    keys = [key(str(index)) for index in range(count)]
    provider = route("p", *keys)
    for one in keys:
        one.limit_model("m", 10.0, 0.0)
    assert chosen(provider, 0.0, now_s=9.9) is None
    assert choose_key(Target(provider, "other"), (), 9.9, chance=0.0) is keys[0]
    assert limited_for_s(provider, "m", 4.0) == 6.0 and limited_for_s(provider, "other", 4.0) is None
    assert chosen(provider, 0.0, now_s=10.0) == "0"
    assert keys[0].limited_models == {}
