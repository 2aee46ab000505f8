"""Models whose operation a provider does not offer: what could only ever be refused is an error, with its place.

    a model, named at a provider     the provider offers nothing that the model is for
    a fallback                       what the first target is for, the second is not for, or its provider does not offer
    a rule for one `request_type`    its target is not for that

Only what is known counts: a model that no data says anything about may be for anything that its provider offers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ConfigPath
from asbru.app.listed import operations_of
from asbru.app.snapshot import ProviderFacts
from asbru.catalog.listing import operations_for
from asbru.core.traits import fits_glob

_ONE_TYPE = re.compile(r'\s*request_type\s*==\s*"(\w+)"\s*(?:&&[^|!?]*)?')
"""A condition that holds for one type of request only, as it is usually written."""


def check_operations(config: ConfigFile, providers: Iterable[ProviderFacts], findings: Findings) -> None:
    """Errors for what cannot be served."""
    known = {facts.name: facts for facts in providers}
    for path, target in (*_keys(config), *_aliases(config), *_rule_targets(config)):
        _check_model(path, target, known, findings)
    for index, fallback in enumerate(config.fallbacks):
        for place, target in enumerate(fallback.targets):
            path: ConfigPath = ("fallbacks", index, "to", place)
            if _check_model(path, target, known, findings):
                first, second = _operations(fallback.source, known), _operations(target, known)
                if first and second and not set(first) & set(second):
                    findings.error(path, _apart(fallback.source, first, target, second))
    for path, wanted, target in _typed_targets(config):
        told = _operations(target, known)
        if told is not None and wanted not in told:
            findings.error(path, f"{target} is not for {wanted}, and the rule is for nothing else")


def _keys(config: ConfigFile) -> Iterator[tuple[ConfigPath, str]]:
    for name, provider in config.providers.items():
        for index, key in enumerate(provider.keys):
            path: ConfigPath = ("providers", name, "keys", index)
            for place, model in enumerate(key.models):
                if model != "*" and model not in key.aliases:
                    yield (*path, "models", place), f"{name}/{model}"
            for alias, model in key.aliases.items():
                yield (*path, "aliases", alias), f"{name}/{model}"


def _aliases(config: ConfigFile) -> Iterator[tuple[ConfigPath, str]]:
    for name, target in config.models.items():
        yield ("models", name), target


def _rule_targets(config: ConfigFile) -> Iterator[tuple[ConfigPath, str]]:
    for index, rule in enumerate(config.routing_rules):
        for place, target in enumerate(rule.targets):
            if target.provider is not None and target.model is not None:
                yield ("routing_rules", index, "to", place), f"{target.provider}/{target.model}"
        for place, fallback in enumerate(rule.fallbacks):
            yield ("routing_rules", index, "fallbacks", place), fallback


def _typed_targets(config: ConfigFile) -> Iterator[tuple[ConfigPath, str, str]]:
    for index, rule in enumerate(config.routing_rules):
        found = _ONE_TYPE.fullmatch(rule.when)
        for place, target in enumerate(rule.targets) if found is not None else ():
            if found is not None and target.provider is not None:
                yield ("routing_rules", index, "to", place), found[1], f"{target.provider}/{target.model or '*'}"


def _check_model(path: ConfigPath, target: str, known: dict[str, ProviderFacts], findings: Findings) -> bool:
    """Whether a target may be good for something."""
    if _operations(target, known) != ():
        return True
    provider, _, model = target.partition("/")
    facts = known[provider]
    wanted = next(operations for pattern, operations in facts.purposes if fits_glob(pattern, model))
    offered = ", ".join(name for name in operations_of(facts) if name != "models")
    findings.error(
        path,
        f"the provider {provider!r} does not support {_words(wanted)}, which {model} is for; it supports {offered}",
    )
    return False


def _operations(target: str, known: dict[str, ProviderFacts]) -> tuple[str, ...] | None:
    """What a target can be asked for; None where its provider is not known."""
    provider, _, model = target.partition("/")
    facts = known.get(provider)
    if facts is None:
        return None
    return operations_for(model, operations_of(facts), () if model == "*" else facts.purposes)


def _apart(source: str, first: tuple[str, ...], target: str, second: tuple[str, ...]) -> str:
    return f"{source} is for {_words(first)}, and {target} for {_words(second)} only"


def _words(operations: tuple[str, ...]) -> str:
    return " and ".join(operations)
