"""Which targets a call has, in which order, and which key an attempt uses. Decisions only.

Nothing is sent here, and nothing is remembered: how long a key cools down stands in the key, written by the path.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from asbru.core.errors import NotFound
from asbru.routing.targets import Key, ProviderRoute, Target
from asbru.routing.weights import draw

_SUGGESTED_MAX = 5
PLANS_MAX = 4096
PLANNED_CHARS_MAX = 200
"""Plans remembered by the name that was asked for, and the longest name so remembered."""


class Plan:
    """The providers and fallbacks of one snapshot."""

    def __init__(
        self, providers: Mapping[str, ProviderRoute], fallbacks: Mapping[str, Sequence[tuple[str, str]]]
    ) -> None:
        self.providers = dict(providers)
        self._fallbacks = {
            source: tuple(Target(self.providers[name], model) for name, model in targets if name in self.providers)
            for source, targets in fallbacks.items()
        }
        self._known: dict[tuple[str, str], tuple[Target, ...]] = {}
        self._bare: dict[str, tuple[ProviderRoute, ...]] = {}
        for provider in self.providers.values():
            named = (m for key in provider.keys for m in (*key.models, *key.aliases))
            for model in dict.fromkeys((*provider.known_models, *named)):
                if provider.serves(model):
                    self._bare[model] = (*self._bare.get(model, ()), provider)

    def targets(self, model: str, home: str) -> tuple[Target, ...]:
        """The targets for the model a caller asked for, first choice first.

        `provider/model` is split at the first slash if what is before it is a provider. A bare name goes to the
        provider whose model it is known to be, else to `home`, the provider that the surface imitates, if there is
        one. Raises `NotFound`.
        """
        known = self._known.get((model, home))
        return known if known is not None else self._plan(model, home)

    def having(self, model: str) -> tuple[ProviderRoute, ...]:
        """The providers that are known to have the model of this name; none where the name says which provider."""
        name, slash, rest = model.partition("/")
        return () if slash and rest and name in self.providers else self._bare.get(model, ())

    def _plan(self, model: str, home: str) -> tuple[Target, ...]:
        first = self._resolve(model, home)
        targets = (first, *self._fallbacks_of(first))
        if len(model) <= PLANNED_CHARS_MAX:
            if len(self._known) >= PLANS_MAX:  # callers choose names
                self._known.clear()
            self._known[model, home] = targets
        return targets

    def _fallbacks_of(self, target: Target) -> tuple[Target, ...]:
        """Those of the target itself, else those of every model of its provider; never the target again."""
        named = self._fallbacks.get(str(target))
        if named is None:
            named = self._fallbacks.get(f"{target.provider.name}/*", ())
        return tuple(one for one in named if one != target)

    def _resolve(self, model: str, home: str) -> Target:
        name, slash, rest = model.partition("/")
        provider = self.providers.get(name) if slash else None
        if provider is not None and rest:
            return Target(provider, rest)
        having = self._bare.get(model)
        provider = having[0] if having else None if slash else self.providers.get(home)
        if provider is None:
            raise NotFound(self._unknown(model), code="model_not_found", param="model")
        return Target(provider, model)

    def _unknown(self, model: str) -> str:
        names = ", ".join(sorted(self.providers)[:_SUGGESTED_MAX]) or "none"
        return (
            f"the model '{model[:200]}' is not known; expected 'provider/model' with a configured provider ({names}) "
            "or a model that one of them is known to have"
        )


def choose_key(
    provider: ProviderRoute, model: str, tried: Collection[str], now_s: float, *, chance: float, only: str = ""
) -> Key | None:
    """A key for the next attempt: by weight among those that serve `model`, were not tried by this call and do not
    cool down; failing that, one that was refused lately. None when there is none. `chance` in [0, 1); `only`: the name
    of the one key that may be used."""
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
    return draw(fresh or fit, chance)


def why_unusable(provider: ProviderRoute, model: str, now_s: float) -> list[tuple[str, str]]:
    """Why none of the keys may be used now: the name of each key meant for `model`, and the reason."""
    waits = [(key.name, key.cools_until_s(model, now_s) - now_s) for key in provider.keys if key.serves(model)]
    return [(name, f"rate-limited by the provider, for {wait_s:.0f} s more") for name, wait_s in waits if wait_s > 0]


def limited_for_s(provider: ProviderRoute, model: str, now_s: float) -> float | None:
    """How long until a key that cools down after a 429 may be used; None when no key for `model` does."""
    waits = [key.cools_until_s(model, now_s) - now_s for key in provider.keys if key.serves(model)]
    return min((wait for wait in waits if wait > 0), default=None)
