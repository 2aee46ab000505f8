"""Which targets a call has, in which order, and which key an attempt uses. Decisions only.

What a model's name means, the first that holds:

    an alias of the configuration (`models`)                       its target
    `provider/model`, of a configured provider                     that, known or not: the provider has the last word
    in the configuration of providers (keys' models, aliases)      the first of those providers
    known by the provider's type or by the price data              the first of those providers
    recognised by the price data (a dated name of a known model)   the provider that is imitated, else the first
    an alias that ends with `*`, the longest that fits             the same name at its provider
    else                                                           unknown: refused, with the nearest names

"First" is by the order of the configuration. A caller that may not use the first gets the first that it may use
(`pipeline.routing.choose`).

Nothing is sent here, and nothing is remembered: how long a key cools down stands in the key, written by the path.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from asbru.core.errors import NotFound
from asbru.routing.targets import Key, ProviderRoute, Target
from asbru.routing.weights import draw

_SUGGESTED_MAX = 3
_COMPARED_MAX = 500
_PROVIDERS_SHOWN_MAX = 20
"""Near names and providers in a refusal, and how many names are compared for it."""
PLANS_MAX = 4096
PLANNED_CHARS_MAX = 200
"""Plans remembered by the name that was asked for, and the longest name so remembered."""


class MayUse(Protocol):
    """A caller, as far as a plan must know it."""

    def may_use(self, provider: str, model: str) -> bool:
        """Whether the caller may use `provider/model`."""
        ...


class Plan:
    """The providers and fallbacks of one snapshot."""

    def __init__(
        self,
        providers: Mapping[str, ProviderRoute],
        fallbacks: Mapping[str, Sequence[tuple[str, str]]],
        aliases: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self.providers = dict(providers)
        led = {name: to for name, to in (aliases or {}).items() if to[0] in self.providers}
        self.aliases = {
            name: Target(self.providers[to], model) for name, (to, model) in led.items() if name[-1] != "*"
        }
        """The configuration's names for targets."""
        families = sorted((name for name in led if name[-1] == "*"), key=len, reverse=True)
        self._families = [(name[:-1], self.providers[led[name][0]]) for name in families]
        self._fallbacks = {
            source: tuple(Target(self.providers[name], model) for name, model in targets if name in self.providers)
            for source, targets in fallbacks.items()
        }
        self._in_fallbacks = _by_provider(fallbacks)
        self._known: dict[tuple[str, str], tuple[Target, ...]] = {}
        self._bare: dict[str, tuple[ProviderRoute, ...]] = {}
        for names_of in (_named, _known):
            for provider in self.providers.values():
                for model in names_of(provider):
                    having = self._bare.get(model, ())
                    if provider not in having and provider.serves(model):
                        self._bare[model] = (*having, provider)

    @property
    def has_fallbacks(self) -> bool:
        """Whether a call may have more than one target."""
        return any(self._fallbacks.values())

    def in_fallbacks(self, provider: str) -> frozenset[str]:
        """Models of a provider that fallbacks lead to or from."""
        return self._in_fallbacks.get(provider, frozenset())

    def targets(self, model: str, home: str, caller: MayUse | None = None) -> tuple[Target, ...]:
        """The targets for the model a caller asked for, first choice first; `home` is the provider that the surface
        imitates. Raises `NotFound`, which names the providers and models nearest to the name that `caller` may use.
        """
        known = self._known.get((model, home))
        return known if known is not None else self._plan(model, home, caller)

    def having(self, model: str) -> tuple[ProviderRoute, ...]:
        """The providers that are known to have the model of this name; none where the name says which provider."""
        if model in self.aliases or self._named_with_provider(model) is not None:
            return ()
        return self._bare.get(model) or tuple(one for one in self.providers.values() if one.has(model))

    def with_fallbacks(self, first: Target) -> tuple[Target, ...]:
        """A target and its fallbacks: those of the target itself, else those of every model of its provider; never the
        target again."""
        named = self._fallbacks.get(str(first))
        if named is None:
            named = self._fallbacks.get(f"{first.provider.name}/*", ())
        return (first, *(one for one in named if one != first))

    def _plan(self, model: str, home: str, caller: MayUse | None) -> tuple[Target, ...]:
        first = self._resolve(model, home)
        if first is None:
            raise NotFound(self._unknown(model, caller), code="model_not_found", param="model")
        targets = self.with_fallbacks(first)
        if len(model) <= PLANNED_CHARS_MAX:
            if len(self._known) >= PLANS_MAX:  # callers choose names
                self._known.clear()
            self._known[model, home] = targets
        return targets

    def _resolve(self, model: str, home: str) -> Target | None:
        named = self.aliases.get(model) or self._named_with_provider(model)
        if named is not None:
            return named
        having = self.having(model)
        imitated = self.providers.get(home)
        if imitated in having and model not in self._bare:
            return Target(imitated, model)
        if having:
            return Target(having[0], model)
        families = (to for prefix, to in self._families if model.startswith(prefix) and to.serves(model))
        return next((Target(to, model) for to in families), None)

    def _named_with_provider(self, model: str) -> Target | None:
        name, slash, rest = model.partition("/")
        provider = self.providers.get(name) if slash and rest else None
        return None if provider is None else Target(provider, rest)

    def _unknown(self, model: str, caller: MayUse | None) -> str:
        names = [
            (provider.name, known)
            for provider in self.providers.values()
            for known in (*self._in_fallbacks.get(provider.name, ()), *_named(provider), *_known(provider))
        ][:_COMPARED_MAX]
        usable = [(name, known) for name, known in names if caller is None or caller.may_use(name, known)]
        named = {name for name, _ in usable}
        providers = [
            name for name in sorted(self.providers) if name in named or caller is None or caller.may_use(name, model)
        ]
        shown = ", ".join(providers[:_PROVIDERS_SHOWN_MAX]) or "none"
        return (
            f"the model '{model[:200]}' is unknown{_did_you_mean(model, usable)}; expected 'provider/model' with a "
            f"configured provider ({shown}) or a model that one of them is known to serve"
        )


def _named(provider: ProviderRoute) -> Iterator[str]:
    """Models that the provider's keys name."""
    for key in provider.keys:
        yield from (model for model in (*key.models, *key.aliases) if "*" not in model)


def _known(provider: ProviderRoute) -> tuple[str, ...]:
    return provider.known_models


def _did_you_mean(model: str, usable: Iterable[tuple[str, str]]) -> str:
    """The names nearest to one that is not known; "" where none is near."""
    from difflib import get_close_matches  # 0.2 MB in each worker, for callers who misspell

    asked = model[:PLANNED_CHARS_MAX].lower()
    whole = {f"{provider}/{known}": f"{provider}/{known}" for provider, known in usable}
    bare = {name.partition("/")[2].lower(): name for name in whole} | {name.lower(): name for name in whole}
    near = dict.fromkeys(bare[name] for name in get_close_matches(asked, bare, n=2 * _SUGGESTED_MAX))
    found = [*near][:_SUGGESTED_MAX]
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def _by_provider(fallbacks: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, frozenset[str]]:
    """The models in fallbacks, wildcards apart."""
    named: dict[str, set[str]] = {}
    for source, targets in fallbacks.items():
        provider, _, model = source.partition("/")
        for name, one in ((provider, model), *targets):
            if one and "*" not in one:
                named.setdefault(name, set()).add(one)
    return {provider: frozenset(models) for provider, models in named.items()}


def choose_key(target: Target, tried: Collection[str], now_s: float, *, chance: float) -> Key | None:
    """A key for the next attempt: the preferred one, else by weight among those that serve the model, are not among
    `tried` and do not cool down; failing that, one that was refused lately. None when there is none. `chance` in
    [0, 1)."""
    provider, model, only = target.provider, target.model, target.key
    keys = provider.keys if not only else tuple(key for key in provider.keys if key.name == only)
    if len(keys) == 1:
        key = keys[0]
        usable = key.serves(model) and key.cools_until_s(model, now_s) <= now_s and key.name not in tried
        return key if usable else None
    fit = [
        key
        for key in keys
        if key.limited_until_s <= now_s
        and (not key.limited_models or key.cools_until_s(model, now_s) <= now_s)
        and key.name not in tried
        and key.serves(model)
    ]
    if not fit:
        return None
    fresh = [key for key in fit if not key.is_refused(model, now_s)]
    if target.prefer:
        for key in fresh:
            if key.name == target.prefer:
                return key
    return draw(fresh or fit, chance)


def why_unusable(provider: ProviderRoute, model: str, now_s: float) -> list[tuple[str, str]]:
    """Why none of the keys may be used now: the name of each key meant for `model`, and the reason."""
    waits = [(key.name, key.cools_until_s(model, now_s) - now_s) for key in provider.keys if key.serves(model)]
    return [
        (name, f"rate-limited by the provider for another {wait_s:.0f} s") for name, wait_s in waits if wait_s > 0
    ]


def limited_for_s(provider: ProviderRoute, model: str, now_s: float) -> float | None:
    """How long until a key that cools down after a 429 may be used; None when no key for `model` does."""
    waits = [key.cools_until_s(model, now_s) - now_s for key in provider.keys if key.serves(model)]
    return min((wait for wait in waits if wait > 0), default=None)
