"""A caller: what one virtual key may use, and the refusals that say so.

A list that is empty allows nothing. What may be called is told twice, by the key and by its entry for the provider
(its own, else that for `*`): both must allow it, and neither may block it. Answers are remembered, for callers ask for
the same few models; what they ask for beyond that is judged anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from asbru.core.errors import Forbidden
from asbru.governance.entries import EVERY_PROVIDER, EVERYTHING, KeyEntry, ProviderEntry, write_tags
from asbru.governance.patterns import Blocked, Patterns

VERDICTS_MAX: Final = 256
"""Models remembered for one caller; then it starts anew."""
_VERDICT_CHARS_MAX: Final = 256
_NAMED_MAX: Final = 10
"""How much of what is permitted a refusal names."""

_ALLOWED: Final = ""
_NO_PROVIDER: Final = "provider"
_NO_MODEL: Final = "model"
_BLOCKED: Final = "blocked"


class Share(NamedTuple):
    """A provider's part of the calls that name a model without a provider."""

    provider: str
    weight: float


class _Grant:
    """What may be used of a provider."""

    __slots__ = ("blocked", "blocks", "keys", "models", "patterns")

    def __init__(self, entry: ProviderEntry) -> None:
        self.patterns = entry.models
        self.models = Patterns(entry.models, within=True)
        self.blocks = bool(entry.blocked_models)
        self.blocked = Blocked(entry.blocked_models)
        self.keys = None if "*" in entry.keys else frozenset(entry.keys)


class Caller:
    """Who calls. `entry`: the key as declared; `owners`: the ids whose limits it counts against, its own first, then
    those above it. `identity`: what no other key ever has, "" if none is needed. `booked_on`: the names of its team and
    customer and its tags, as a record holds them, "" for none; `labels`: its own name and those two, as metrics have
    them.
    `mcp`: the tools that it may use, its own and those of the owners above it. `auto_approve`: those that may be called
    for it without asking a person.
    `shares`: the providers with a weight, the heaviest first. `unrestricted`: it may use everything everywhere, nothing
    about it bears on where its calls go, and nothing need be asked."""

    __slots__ = (
        "_blocked",
        "_grants",
        "_models",
        "_verdicts",
        "auto_approve",
        "booked_on",
        "entry",
        "identity",
        "labels",
        "mcp",
        "name",
        "owners",
        "shares",
        "unrestricted",
    )

    def __init__(self, entry: KeyEntry, owners: Sequence[str] = (), mcp: tuple[str, ...] = ()) -> None:
        self.entry = entry
        self.mcp = (*entry.mcp, *mcp)
        self.auto_approve = entry.auto_approve
        self.name = entry.name
        self.identity = entry.identity or entry.name
        self.owners = tuple(owners)
        kinds = dict(owner.split("/", 1) for owner in self.owners)
        self.booked_on = (kinds.get("team", ""), kinds.get("customer", ""), write_tags(entry.tags))
        self.labels = (entry.name, *self.booked_on[:2])
        told = [Share(one.provider, one.weight) for one in entry.providers if one.weight is not None]
        self.shares = tuple(sorted(told, key=lambda share: -share.weight))
        self.unrestricted = (
            not self.shares
            and "*" in entry.models
            and not entry.blocked_models
            and "*" in entry.surfaces
            and all(_is_open(one) for one in entry.providers)
            and any(one.provider == "*" for one in entry.providers)
        )
        self._models = Patterns(entry.models)
        self._blocked = Blocked(entry.blocked_models)
        self._grants = {one.provider: _Grant(one) for one in entry.providers}
        self._verdicts: dict[tuple[str, str], str] = {}

    def may_use(self, provider: str, model: str) -> bool:
        """Whether the caller may use `provider/model`."""
        return self.unrestricted or self._verdict(provider, model) == _ALLOWED

    def naming(self, model: str) -> Iterator[str]:
        """The providers for which the key itself names the model, without any `*`."""
        for pattern in self.entry.models:
            provider, slash, rest = pattern.partition("/")
            if slash and rest == model and "*" not in pattern:
                yield provider
        for one in self.entry.providers:
            if model in one.models and "*" not in model:
                yield one.provider

    def may_be_served_by(self, provider: str, model: str) -> bool:
        """Whether a model behind an alias that the caller may use is not blocked."""
        grant = self._grant(provider)
        return not (self._blocked.fit(provider, model) or (grant is not None and grant.blocked.fit(provider, model)))

    def check_surface(self, surface: str) -> None:
        """Raise `Forbidden` where the caller may not call on a surface ("openai")."""
        surfaces = self.entry.surfaces
        if "*" not in surfaces and surface not in surfaces:
            raise Forbidden(
                f"this key may not call on the {surface} surface; it may call on {_named(surfaces)}",
                code="surface_not_allowed",
            )

    def check_provider(self, provider: str) -> None:
        """Raise `Forbidden` where the caller may use nothing of a provider."""
        if self._grant(provider) is None:
            raise self.refuse(provider, "")

    def check_whole(self, provider: str) -> None:
        """Raise `Forbidden` where the caller may not use every model of a provider."""
        self.check_provider(provider)
        grant = self._grant(provider)
        every = {"*", f"{provider}/*"}
        if (
            grant is None
            or every.isdisjoint(grant.patterns)
            or every.isdisjoint(self.entry.models)
            or grant.blocks
            or self.entry.blocked_models
        ):
            raise Forbidden(
                f"this key may use only some models of the provider '{provider}', and this call may be about any",
                code="model_not_allowed",
            )

    def keys_of(self, provider: str) -> frozenset[str] | None:
        """Names of the provider's keys that may serve the caller; None: all."""
        grant = self._grant(provider)
        return grant.keys if grant is not None else None

    def refuse(self, provider: str, model: str) -> Forbidden:
        """The refusal of a model that the caller may not use: what was asked for, and what is permitted."""
        asked = f"{provider}/{model[:200]}"
        grant = self._grant(provider)
        if grant is None:
            return Forbidden(
                f"this key may not use the provider '{provider}'; it may use {_named(self._grants)}",
                code="provider_not_allowed",
            )
        if self._verdict(provider, model) == _BLOCKED:
            return self.refuse_blocked(provider, model)
        patterns = grant.patterns if self._models.everything else self.entry.models
        return Forbidden(
            f"this key may not use the model '{asked}'; it may use {_named(patterns)}",
            code="model_not_allowed",
            param="model",
        )

    def refuse_blocked(self, provider: str, model: str) -> Forbidden:
        """The refusal of a model that is blocked, by its name or by that of the model behind it."""
        asked = f"{provider}/{model[:200]}"
        return Forbidden(f"the model '{asked}' is blocked for this key", code="model_not_allowed", param="model")

    def refuse_keys(self, provider: str) -> Forbidden:
        """The refusal where the caller may use none of the keys that the provider has."""
        return Forbidden(
            f"this key may not use any of the active keys of the provider '{provider}'",
            code="provider_not_allowed",
        )

    def _grant(self, provider: str) -> _Grant | None:
        return self._grants.get(provider) or self._grants.get("*")

    def _verdict(self, provider: str, model: str) -> str:
        verdict = self._verdicts.get((provider, model))
        if verdict is None:
            verdict = self._judge(provider, model)
            if len(model) <= _VERDICT_CHARS_MAX:
                if len(self._verdicts) >= VERDICTS_MAX:  # callers choose names
                    self._verdicts.clear()
                self._verdicts[provider, model] = verdict
        return verdict

    def _judge(self, provider: str, model: str) -> str:
        grant = self._grant(provider)
        if grant is None:
            return _NO_PROVIDER
        if not self.may_be_served_by(provider, model):
            return _BLOCKED
        return _ALLOWED if self._models.fit(provider, model) and grant.models.fit(provider, model) else _NO_MODEL


def _is_open(entry: ProviderEntry) -> bool:
    return "*" in entry.models and "*" in entry.keys and not entry.blocked_models and entry.weight is None


def _named(names: Iterable[str]) -> str:
    """Some of the names, in words."""
    told = list(names)
    more = f" and {len(told) - _NAMED_MAX} more" if len(told) > _NAMED_MAX else ""
    return ", ".join(f"'{name}'" for name in told[:_NAMED_MAX]) + more if told else "none"


OPEN_CALLER: Final = Caller(KeyEntry("", EVERYTHING, providers=EVERY_PROVIDER, mcp=EVERYTHING))
"""Whoever calls without a key, where that is allowed."""

NOBODY: Final = Caller(KeyEntry("", ()))
"""Who a call is recorded for that was refused before anyone was known."""
