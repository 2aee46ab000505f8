"""Where a call can go: providers with their keys, as the hot path sees them.

A `Key` cools down after a refusal: until a time, for all models (401, 402, 429) or for one (403). Such keys are passed
over; one that was refused is still used when there is no other, so that one bad response never locks out a provider
with a single key. One that was rate-limited (429) is not: the provider said when to come back.
"""

from __future__ import annotations

import msgspec

REFUSED_MODELS_MAX = 1024
"""Models for which one key may cool down at a time."""


class Key:
    """One credential. `line` is the header line that presents it; times are the loop's clock in seconds."""

    __slots__ = (
        "aliases",
        "every_model",
        "limited_until_s",
        "line",
        "models",
        "name",
        "refused_models",
        "refused_until_s",
        "weight",
    )

    def __init__(
        self, name: str, line: bytes, models: frozenset[str], *, weight: float, aliases: dict[str, str]
    ) -> None:
        self.name = name
        self.line = line
        self.models = models
        self.every_model = "*" in models
        self.weight = weight
        self.aliases = aliases
        self.limited_until_s = 0.0
        self.refused_until_s = 0.0
        self.refused_models: dict[str, float] = {}

    def serves(self, model: str) -> bool:
        """Whether this key is meant for `model` (the public name)."""
        return self.every_model or model in self.models or model in self.aliases

    def refuse_model(self, model: str, until_s: float, now_s: float) -> None:
        """Let the key cool down for one model. Callers choose names: what is over is forgotten when there are many."""
        refused = self.refused_models
        if len(refused) >= REFUSED_MODELS_MAX:
            self.refused_models = refused = {name: until for name, until in refused.items() if until > now_s}
            if len(refused) >= REFUSED_MODELS_MAX:
                refused.clear()
        refused[model] = until_s

    def is_refused(self, model: str, now_s: float) -> bool:
        """Whether the provider lately refused this key (for this model)."""
        if self.refused_until_s > now_s:
            return True
        return bool(self.refused_models) and self.refused_models.get(model, 0.0) > now_s


class RetryPolicy(msgspec.Struct, frozen=True):
    """See `app.snapshot.Retries`."""

    max: int = 2
    pause_initial_s: float = 0.25
    pause_max_s: float = 5.0


class ProviderRoute:
    """A provider as a place to send calls. `pool` and `deadlines` belong to the upstream driver; `paths` maps an
    operation to its path and is what the provider offers."""

    __slots__ = (
        "ask_stream_usage",
        "dialect",
        "identity_line",
        "keyless",
        "keys",
        "known_models",
        "legacy_max_tokens",
        "max_output_tokens",
        "name",
        "only_key",
        "operations",
        "refuse_inputs",
        "retries",
        "strip",
    )

    def __init__(self, name: str, dialect: str, keys: tuple[Key, ...], *, keyless: bool) -> None:
        self.name = name
        self.identity_line = b"x-asbru-provider: %b\r\n" % name.encode()
        self.dialect = dialect
        self.keys = keys
        self.keyless = keyless
        self.only_key = keys[0] if len(keys) == 1 and keys[0].every_model else None
        """The key for every call where there is no choice."""
        self.operations: frozenset[str] = frozenset({"chat"})
        self.known_models: tuple[str, ...] = ()
        self.max_output_tokens: dict[str, int] = {}
        self.strip: frozenset[str] = frozenset()
        self.refuse_inputs: tuple[str, ...] = ()
        self.ask_stream_usage = True
        self.legacy_max_tokens = False
        self.retries = RetryPolicy()

    def serves(self, model: str) -> bool:
        """Whether any key is meant for `model`."""
        return self.keyless or any(key.serves(model) for key in self.keys)


class Target(msgspec.Struct, frozen=True):
    """One place a call may go: a provider and the model's public name there."""

    provider: ProviderRoute
    model: str

    def __str__(self) -> str:
        return f"{self.provider.name}/{self.model}"
