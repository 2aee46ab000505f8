"""Model names that would never match anything: a `*` where none is understood, a bare name that no provider has, an
alias that would hide a provider's models.

A `*` stands alone in the `models` of a provider's key, as `provider/*` in `fallbacks.from`, and at the end of an alias
and its target. Those of virtual keys are globs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ConfigPath, nearest
from asbru.app.snapshot import ProviderFacts

_ALONE = "`*` must be the only entry; otherwise list the models"
_NO_STAR = "`*` is not supported here; name the model"
_BARE = re.compile(r"(?!regex:)[^/*?\[]+")
_NAMES_SEARCHED_MAX = 5000
"""Names among which the nearest one is looked for."""


def check_model_names(config: ConfigFile, providers: Iterable[ProviderFacts], findings: Findings) -> None:
    """Errors for names that cannot match, warnings for those that may not."""
    for path, message in (*_keys(config), *_fallbacks(config)):
        findings.error(path, message)
    _check_aliases(config, findings)
    _check_virtual_keys(config, _Known(providers), findings)


def _keys(config: ConfigFile) -> Iterator[tuple[ConfigPath, str]]:
    for name, provider in config.providers.items():
        for index, key in enumerate(provider.keys):
            for place, model in enumerate(key.models):
                if "*" in model and model != "*":
                    yield ("providers", name, "keys", index, "models", place), _ALONE
            for model in key.aliases:
                if "*" in model:
                    yield ("providers", name, "keys", index, "aliases", model), _NO_STAR


def _fallbacks(config: ConfigFile) -> Iterator[tuple[ConfigPath, str]]:
    for index, fallback in enumerate(config.fallbacks):
        if "*" in fallback.source and not _is_every_model(fallback.source):
            yield ("fallbacks", index, "from"), "expected `provider/model` or `provider/*`"
        for place, target in enumerate(fallback.targets):
            if "*" in target:
                yield ("fallbacks", index, "to", place), _NO_STAR


def _check_aliases(config: ConfigFile, findings: Findings) -> None:
    for name, target in config.models.items():
        path: ConfigPath = ("models", name)
        provider, _, model = target.partition("/")
        if name.partition("/")[0] in config.providers and "/" in name:
            findings.error(path, "an alias cannot begin with the name of a provider; use the `aliases` of its keys")
        elif name.endswith("*") != (model == "*") or ("*" in model and model != "*") or "*" in provider:
            findings.error(path, "expected `name: provider/model`, or `begin*: provider/*`")
        elif provider not in config.providers:
            hint = nearest(provider, config.providers)
            findings.warn(
                path, f"provider {provider!r} is not configured, so this name is unknown to callers; {hint}"
            )


class _Known:
    """The model names that the providers are known to have, and whether one of them may have others as well."""

    def __init__(self, providers: Iterable[ProviderFacts]) -> None:
        facts = tuple(providers)
        keys = [key for provider in facts for key in provider.keys]
        self.names = {model for provider in facts for model in provider.known_models}
        self.names |= {model for key in keys for model in (*key.models, *key.aliases) if model != "*"}
        self.is_all = not any("*" in key.models for key in keys)


def _check_virtual_keys(config: ConfigFile, known: _Known, findings: Findings) -> None:
    """Bare names; what has a provider before it, is a glob or an expression, may be about any model."""
    if findings.part.touches("providers"):
        return  # what could not be read may have the model
    said: dict[str, str] = {}
    for index, key in enumerate(config.virtual_keys):
        for place, model in enumerate(key.models):
            if model in known.names or not _BARE.fullmatch(model):
                continue
            if model in config.models:
                target = config.models[model]
                findings.error(("virtual_keys", index, "models", place), f"an alias; allow its target, {target}")
                continue
            if model not in said:
                names = sorted(known.names)[:_NAMES_SEARCHED_MAX]
                said[model] = f"no provider is known to have this model; {nearest(model, names, shown_max=5)}"
            tell = findings.error if known.is_all else findings.warn
            tell(("virtual_keys", index, "models", place), said[model])


def _is_every_model(pattern: str) -> bool:
    provider, _, rest = pattern.partition("/")
    return rest == "*" and "*" not in provider
