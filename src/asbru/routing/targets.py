"""Where a call can go: providers with their keys, as the hot path sees them.

A `Key` cools down after a refusal: until a time, for all models (401, 402) or for one (403, and 429 unless the provider
said that it is the key's). Such keys are passed
over; one that was refused is still used when there is no other, so that one bad response never locks out a provider
with a single key. One that was rate-limited (429) is not: the provider said when to come back.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from asbru.core.traits import PLAIN, TraitRule, Traits, resolve

if TYPE_CHECKING:
    from asbru.upstream.credentials import Credential

REFUSED_MODELS_MAX = 1024
"""Models for which one key may cool down at a time."""

TRAITS_MODELS_MAX = 1024
TRAITS_MODEL_CHARS_MAX = 200
"""Models of one provider whose traits are remembered, and the longest name so remembered."""
REFUSED_HISTORY_MAX = 8192
"""Earlier turns that one provider's models have refused, and that are remembered."""
KEY_SETS_MAX = 256
"""Choices of one provider's keys that are remembered."""


class Key:
    """One key of a provider. `lines` are the header lines that present it, None where its `credential` must be asked
    for each request. Times are the loop's clock in seconds."""

    __slots__ = (
        "aliases",
        "credential",
        "every_model",
        "limited_models",
        "limited_until_s",
        "lines",
        "models",
        "name",
        "refused_models",
        "refused_until_s",
        "secret",
        "weight",
    )

    def __init__(
        self, name: str, credential: Credential, models: frozenset[str], *, weight: float, aliases: dict[str, str]
    ) -> None:
        self.name = name
        self.credential = credential
        self.lines = credential.fixed
        self.models = models
        self.every_model = "*" in models
        self.weight = weight
        self.aliases = aliases
        self.limited_until_s = 0.0
        self.limited_models: dict[str, float] = {}
        self.refused_until_s = 0.0
        self.refused_models: dict[str, float] = {}
        self.secret = ""
        """What the credential is made of, so that a provider's words can be searched for it; never shown."""

    def serves(self, model: str) -> bool:
        """Whether this key is meant for `model` (the public name)."""
        return self.every_model or model in self.models or model in self.aliases

    def refuse_model(self, model: str, until_s: float, now_s: float) -> None:
        """Let the key cool down for one model. Callers choose names: what is over is forgotten when there are many."""
        self.refused_models = _with_room(self.refused_models, now_s)
        self.refused_models[model] = until_s

    def limit_model(self, model: str, until_s: float, now_s: float) -> None:
        """Let the key rest for one model, whose limit is reached; bounded as `refuse_model`."""
        self.limited_models = _with_room(self.limited_models, now_s)
        self.limited_models[model] = until_s

    def cools_until_s(self, model: str, now_s: float) -> float:
        """Until when the key may not be used for `model`: a time in the past where it may. Forgets what is over."""
        until_s = self.limited_models.get(model, 0.0) if self.limited_models else 0.0
        if 0.0 < until_s <= now_s:
            del self.limited_models[model]
        return max(until_s, self.limited_until_s)

    def is_refused(self, model: str, now_s: float) -> bool:
        """Whether the provider lately refused this key (for this model)."""
        if self.refused_until_s > now_s:
            return True
        return bool(self.refused_models) and self.refused_models.get(model, 0.0) > now_s


def _with_room(models: dict[str, float], now_s: float) -> dict[str, float]:
    if len(models) < REFUSED_MODELS_MAX:
        return models
    left = {name: until for name, until in models.items() if until > now_s}
    return left if len(left) < REFUSED_MODELS_MAX else {}


class RetryPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Attempts with the same key after a network error or a 5xx; pauses double and are drawn with full jitter."""

    max: Annotated[int, Meta(ge=0, le=10, description="Retries after the first attempt.")] = 2
    pause_initial_s: Annotated[float, Meta(ge=0, le=3600, description="Maximum of the first pause, seconds.")] = 0.25
    pause_max_s: Annotated[float, Meta(ge=0, le=3600, description="Maximum of any pause, seconds.")] = 5.0


class TraitTable(dict[str, Traits]):
    """What each model takes and refuses, by the provider's own name for it; worked out when it is first asked for."""

    __slots__ = ("_rules", "_traits")

    def __init__(self, traits: Traits, rules: tuple[TraitRule, ...]) -> None:
        super().__init__()
        self._traits = traits
        self._rules = rules

    def __missing__(self, model: str) -> Traits:
        traits = resolve(self._traits, self._rules, model)
        if len(model) <= TRAITS_MODEL_CHARS_MAX:
            if len(self) >= TRAITS_MODELS_MAX:  # callers choose names
                self.clear()
            self[model] = traits
        return traits


class ProviderRoute:
    """A provider as a place to send calls: its keys, what it offers, and what it and its models take and refuse."""

    __slots__ = (
        "_key_sets",
        "dialect",
        "identity_line",
        "keyless",
        "keys",
        "known_models",
        "learned",
        "name",
        "only_key",
        "only_traits",
        "operations",
        "recognises",
        "refused_history",
        "retries",
        "traits",
    )

    def __init__(
        self,
        name: str,
        dialect: str,
        keys: tuple[Key, ...],
        *,
        keyless: bool,
        traits: Traits = PLAIN,
        trait_rules: tuple[TraitRule, ...] = (),
    ) -> None:
        self.name = name
        self.identity_line = b"x-asbru-provider: %b\r\n" % name.encode()
        self.dialect = dialect
        self.keys = keys
        self.keyless = keyless
        self.only_key = keys[0] if len(keys) == 1 and keys[0].every_model else None
        """The key for every call where there is no choice."""
        self.operations: frozenset[str] = frozenset({"chat"})
        self.known_models: tuple[str, ...] = ()
        self.recognises: Callable[[str], bool] = _nothing
        """Whether the price data takes a name for one of its models, though it is in no list (a dated name)."""
        self.only_traits = None if trait_rules else traits
        """The traits of every model where no rule tells them apart."""
        self.traits = TraitTable(traits, trait_rules)
        self.learned: dict[str, Traits] = {}
        """What models were found to take, by translated calls that they refused; see `learn`."""
        self.refused_history: dict[tuple[str, int], int] = {}
        """What models have refused of earlier turns, by model and what a turn is known by; see `remember_refusal`."""
        self.retries = RetryPolicy()
        self._key_sets: dict[frozenset[str], ProviderRoute] = {}

    def with_keys(self, names: frozenset[str]) -> ProviderRoute:
        """The same provider with those of its keys that are called so."""
        known = self._key_sets.get(names)
        if known is None:
            known = copy.copy(self)
            known.keys = keys = tuple(key for key in self.keys if key.name in names)
            known.only_key = keys[0] if len(keys) == 1 and keys[0].every_model else None
            if len(self._key_sets) >= KEY_SETS_MAX:
                self._key_sets.clear()
            self._key_sets[names] = known
        return known

    def leading_to(self, model: str, may: Callable[[str, str], bool]) -> ProviderRoute | None:
        """The same provider without the keys whose alias leads from `model` to one of the provider's that `may` says no
        to; None where all that serve it do."""
        barred = {key.name for key in self.keys if model in key.aliases and not may(self.name, key.aliases[model])}
        if not barred:
            return self
        rest = self.with_keys(frozenset(key.name for key in self.keys if key.name not in barred))
        return rest if rest.serves(model) else None

    def learn(self, model: str, traits: Traits | None) -> None:
        """Remember what a model takes in translated calls, while this snapshot is served; None: forget it."""
        if traits is None:
            self.learned.pop(model, None)
            return
        if len(self.learned) >= TRAITS_MODELS_MAX:  # callers choose names
            self.learned.clear()
        self.learned[model] = traits

    def remember_refusal(self, model: str, digest: int, how: int) -> None:
        """Remember how requests with an earlier turn are written for a model, while this snapshot is served. The oldest
        of too many is forgotten."""
        known = self.refused_history
        if len(model) > TRAITS_MODEL_CHARS_MAX:
            return
        if (model, digest) not in known and len(known) >= REFUSED_HISTORY_MAX:
            del known[next(iter(known))]
        known[model, digest] = known.get((model, digest), 0) | how

    def has(self, model: str) -> bool:
        """Whether the provider is taken to have a model that it is not known to have by this name."""
        return self.recognises(model) and self.serves(model)

    def serves(self, model: str) -> bool:
        """Whether any key is meant for `model`."""
        return self.keyless or any(key.serves(model) for key in self.keys)


def _nothing(model: str) -> bool:
    del model
    return False


class Target(msgspec.Struct, frozen=True):
    """One place a call may go: a provider and the model's public name there. `key`: the only key of it that may be
    used, `prefer`: the one to begin with where it can be used, "" for any."""

    provider: ProviderRoute
    model: str
    key: str = ""
    prefer: str = ""

    def __str__(self) -> str:
        return f"{self.provider.name}/{self.model}"
