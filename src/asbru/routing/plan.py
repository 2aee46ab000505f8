"""Which targets a call has, in which order, and which key an attempt uses. Decisions only.

Nothing is sent here, and nothing is remembered: how long a key cools down stands in the key, written by the path.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from asbru.core.errors import NotFound
from asbru.routing.targets import Key, ProviderRoute, Target

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
        self._bare: dict[str, ProviderRoute] = {}
        for provider in self.providers.values():
            for model in (*provider.known_models, *(m for key in provider.keys for m in (*key.models, *key.aliases))):
                if provider.serves(model):
                    self._bare.setdefault(model, provider)

    def targets(self, model: str, home: str) -> tuple[Target, ...]:
        """The targets for the model a caller asked for, first choice first.

        `provider/model` is split at the first slash if what is before it is a provider. A bare name goes to the
        provider whose model it is known to be, else to `home`, the provider that the surface imitates, if there is
        one. Raises `NotFound`.
        """
        known = self._known.get((model, home))
        return known if known is not None else self._plan(model, home)

    def _plan(self, model: str, home: str) -> tuple[Target, ...]:
        first = self._resolve(model, home)
        targets = (first, *self._fallbacks.get(f"{first.provider.name}/{first.model}", ()))
        if len(model) <= PLANNED_CHARS_MAX:
            if len(self._known) >= PLANS_MAX:  # callers choose names
                self._known.clear()
            self._known[model, home] = targets
        return targets

    def _resolve(self, model: str, home: str) -> Target:
        name, slash, rest = model.partition("/")
        provider = self.providers.get(name) if slash else None
        if provider is not None and rest:
            return Target(provider, rest)
        provider = self._bare.get(model)
        if provider is None and not slash:
            provider = self.providers.get(home)
        if provider is None:
            raise NotFound(self._unknown(model), code="model_not_found", param="model")
        return Target(provider, model)

    def _unknown(self, model: str) -> str:
        names = ", ".join(sorted(self.providers)[:_SUGGESTED_MAX]) or "none"
        return (
            f"the model '{model[:200]}' is unknown; expected 'provider/model' with a configured provider ({names}) "
            "or a model that one of them is known to serve"
        )


def choose_key(
    provider: ProviderRoute, model: str, tried: Collection[str], now_s: float, *, chance: float
) -> Key | None:
    """A key for the next attempt: by weight among those that serve `model`, were not tried by this call and do not
    cool down; failing that, one that was refused lately. None when there is none. `chance` in [0, 1)."""
    keys = provider.keys
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
    return _draw(fresh or fit, chance)


def _draw(keys: Sequence[Key], chance: float) -> Key:
    total = sum(key.weight for key in keys)
    if total <= 0.0:
        return keys[int(chance * len(keys))]
    left = chance * total
    for key in keys:
        left -= key.weight
        if left < 0.0:
            return key
    return keys[-1]


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
