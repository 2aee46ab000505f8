"""Routing rules of the configuration, checked: what could never decide a call is an error here, with its place; what
may yet decide one, once its owner is there, is a warning.
"""

from __future__ import annotations

from collections.abc import Iterable

from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ConfigPath, ParsedConfig, nearest
from asbru.routing.rules import RoutingRule, check_rule

_OWNER_KINDS = {"virtual_key": "key", "team": "team", "customer": "customer"}
"""The kind of object of the management API that a scope of rules is about."""


def warn_of_unowned(config: ConfigFile, stored: Iterable[tuple[str, str]], findings: Findings) -> None:
    """A rule of an owner that neither the file nor the management API has decides no call. `stored`: the kinds and
    names of those of the latter."""
    known = {
        *(("key", key.name) for key in config.virtual_keys),
        *(("team", team.name) for team in config.teams),
        *(("customer", customer.name) for customer in config.customers),
        *stored,
    }
    for index, rule in enumerate(config.routing_rules):
        kind = _OWNER_KINDS.get(rule.scope)
        if kind is not None and rule.owner and (kind, rule.owner) not in known:
            names = [name for other, name in known if other == kind]
            what = rule.scope.replace("_", " ")
            findings.warn(
                ("routing_rules", index, "owner"),
                f"there is no {what} {rule.owner!r}, so this rule has no effect; {nearest(rule.owner, names)}",
            )


def compile_rules(parsed: ParsedConfig, findings: Findings) -> tuple[RoutingRule, ...]:
    """The rules; problems go to `findings`."""
    seen: set[tuple[str, str, str]] = set()
    for index, rule in enumerate(parsed.config.routing_rules):
        path: ConfigPath = ("routing_rules", index)
        for problem in check_rule(rule.when):
            findings.error((*path, "when"), str(problem))
        if (rule.scope == "global") != (not rule.owner):
            findings.error(path, "a rule of a virtual_key, team or customer names its `owner`, a global one none")
        identity = (rule.scope, rule.owner, rule.name)
        if identity in seen:
            findings.error((*path, "name"), f"{rule.name!r} is used twice")
        seen.add(identity)
        _check_targets(path, rule, parsed, findings)
    return tuple(parsed.config.routing_rules)


def _check_targets(path: ConfigPath, rule: RoutingRule, parsed: ParsedConfig, findings: Findings) -> None:
    providers = parsed.config.providers
    for place, target in enumerate(rule.targets):
        where: ConfigPath = (*path, "to", place)
        provider = target.provider
        if provider is not None and provider not in providers:
            findings.error((*where, "provider"), f"there is no provider {provider!r}; {nearest(provider, providers)}")
        elif target.key is not None:
            keys = {key.name: key for key in providers[provider].keys} if provider is not None else {}
            if provider is None:
                findings.error((*where, "key"), "a key belongs to a provider: set `provider` beside it")
            elif target.key not in keys:
                findings.error(
                    (*where, "key"), f"{provider!r} has no key {target.key!r}; {nearest(target.key, keys)}"
                )
    for place, fallback in enumerate(rule.fallbacks):
        provider = fallback.partition("/")[0]
        if provider not in providers:
            findings.error(
                (*path, "fallbacks", place), f"there is no provider {provider!r}; {nearest(provider, providers)}"
            )
