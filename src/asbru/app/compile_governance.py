"""Customers, teams, virtual keys and limits of the file -> entries of the feed.

What is wrong with one of them by itself is `governance.declare`'s to say; here stands what they mean together: owners,
providers and surfaces that are named must be there. What would merely never happen is a warning, and so is an owner
that the management API may yet bring: until then its keys are refused.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable

import msgspec

from asbru.app.compile_mcp import warn_of_server
from asbru.app.compile_providers import Findings
from asbru.app.config import ConfigFile, ConfigPath, ParsedConfig, nearest
from asbru.app.config.live import VirtualKey
from asbru.app.snapshot import ProviderFacts
from asbru.cluster import Entries
from asbru.dialects import discover
from asbru.governance import VIRTUAL_KEY, digest_of
from asbru.governance.declare import (
    customer_entry,
    expiry_ms,
    flaws,
    scope_entry,
    team_entry,
    virtual_key_entry,
)
from asbru.governance.declared import Limited
from asbru.governance.entries import OWNER
from asbru.mcp.protocol import dialect as tools
from asbru.pipeline.passthrough import SURFACE

_KEY_LENGTH_MIN = 16
_NO_DIGEST = "unset "
"""Begins the id of an entry that stands for a key without a value."""


def compile_governance(
    parsed: ParsedConfig, pepper: bytes, findings: Findings, *, stored: Collection[tuple[str, str]] = ()
) -> Entries:
    """The entries of all owners; problems go to `findings`. `stored`: kind and name of those of the management API."""
    config = parsed.config
    known = _Known(config, stored)
    owners: dict[str, bytes] = {}
    for index, customer in enumerate(config.customers):
        if _is_sound(("customers", index), customer, findings):
            owners.update((customer_entry(customer),))
    for index, team in enumerate(config.teams):
        path = ("teams", index)
        known.check_owner((*path, "customer"), team.customer, findings, kind="customer")
        if _is_sound(path, team, findings):
            owners.update((team_entry(team),))
    owners.update(_scopes(config, findings))
    return {VIRTUAL_KEY: _virtual_keys(parsed, pepper, known, findings), OWNER: owners}


def warn_of_unpriced(config: ConfigFile, providers: Iterable[ProviderFacts], findings: Findings) -> None:
    """Under a budget, a call whose price is unknown is refused: better read here than by a caller."""
    owners: tuple[Limited, ...] = (*config.customers, *config.teams, *config.virtual_keys)
    if config.governance.unknown_price == "allow" or not any(owner.budgets for owner in owners):
        return
    for provider in providers:
        if not provider.prices:
            findings.warn(
                ("providers", provider.name),
                "no price of its models is known, so calls under a budget are refused; "
                "set `prices`, or `governance.unknown_price: allow`",
            )


def enforce_auth(config: ConfigFile, findings: Findings) -> bool | None:
    """Whether every call needs a virtual key; None: as soon as there is one. Its other names are taken with a hint."""
    governance = config.governance
    given = {
        "enforce_auth": governance.enforce_auth,
        "enforce_auth_on_inference": governance.enforce_auth_on_inference,
        "is_vk_mandatory": governance.is_vk_mandatory,
        "enforceGovernanceHeader": governance.enforce_governance_header,
    }
    set_names = [name for name, value in given.items() if value is not None]
    for name in set_names:
        if name != "enforce_auth":
            findings.warn(("governance", name), "read as `enforce_auth`, which is the name of this setting in Asbru")
    if len({given[name] for name in set_names}) > 1:
        findings.error(("governance", set_names[-1]), f"{' and '.join(set_names)} say different things")
    return given[set_names[0]] if set_names else None


def _is_sound(path: ConfigPath, one: Limited, findings: Findings) -> bool:
    found = flaws(one)
    for flaw in found:
        findings.error((*path, *flaw.path), flaw.message)
    return not found


def _scopes(config: ConfigFile, findings: Findings) -> dict[str, bytes]:
    entries: dict[str, bytes] = {}
    for index, one in enumerate(config.governance.limits):
        path: ConfigPath = ("governance", "limits", index)
        if not _is_sound(path, one, findings):
            continue
        entry_id, payload = scope_entry(one)
        if entry_id in entries:
            findings.error((*path, "name"), f"the {one.scope.replace('_', ' ')} {one.name!r} has limits already")
        entries[entry_id] = payload
        provider, _, rest = one.name.partition("/")
        if one.scope == "tool":
            warn_of_server((*path, "name"), provider, config, findings)
            continue
        _warn_of_provider((*path, "name"), provider, config, findings)
        settings = config.providers.get(provider)
        if one.scope == "provider_key" and settings and rest not in (key.name for key in settings.keys):
            findings.warn((*path, "name"), f"{provider!r} has no key {rest!r}")
    return entries


def _virtual_keys(parsed: ParsedConfig, pepper: bytes, known: _Known, findings: Findings) -> dict[str, bytes]:
    """Entries of the feed by digest."""
    config = parsed.config
    compiled: dict[str, bytes] = {}
    for index, key in enumerate(config.virtual_keys):
        path: ConfigPath = ("virtual_keys", index, "value")
        sound = _is_sound(path[:-1], key, findings)
        if sound:
            known.check(path[:-1], key, findings)
        if path in parsed.unset:
            name = parsed.unset[path]
            findings.warn(path, f"environment variable {name} is not set: virtual key {key.name!r} is disabled")
            if sound and known.is_stored(key.name):
                # The name is the file's all the same: values that are stored under it are refused.
                disabled = msgspec.structs.replace(key, active=False)
                compiled.update((virtual_key_entry(disabled, f"{_NO_DIGEST}{key.name}", declared=True),))
            continue
        value = key.value.reveal()
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            findings.error(path, "expected a virtual key of visible ASCII characters without spaces")
            continue
        if len(value) < _KEY_LENGTH_MIN:
            findings.warn(path, f"shorter than {_KEY_LENGTH_MIN} characters: easy to guess")
        digest = digest_of(value.encode(), pepper)
        if digest in compiled:
            findings.error(path, "two virtual keys have the same value")
        if sound:
            digest, compiled[digest] = virtual_key_entry(key, digest, declared=True)
    return compiled


class _Known:
    """What owners may name."""

    def __init__(self, config: ConfigFile, stored: Iterable[tuple[str, str]]) -> None:
        self._config = config
        self._owners = {
            "customer": {customer.name for customer in config.customers},
            "team": {team.name for team in config.teams},
        }
        self._stored_keys = {name for kind, name in stored if kind == "key"}
        for kind, name in stored:
            if kind in self._owners:
                self._owners[kind].add(name)
        self._surfaces = {
            "*",
            SURFACE,
            tools.SURFACE,
            *(dialect.surface.name for dialect in discover().values() if dialect.surface.name),
        }
        self._now_ms = time.time() * 1000

    def is_stored(self, key_name: str) -> bool:
        """Whether the management API has a virtual key of this name."""
        return key_name in self._stored_keys

    def check_owner(self, path: ConfigPath, name: str | None, findings: Findings, *, kind: str) -> None:
        """The owner above is there, or may yet come."""
        known = self._owners[kind]
        if name is None or name in known or findings.part.touches(f"{kind}s"):
            return
        if self._config.control.enabled:
            findings.warn(
                path,
                f"there is no {kind} {name!r} yet: the keys below it are refused until the management API has one; "
                f"{nearest(name, known)}",
            )
        else:
            findings.error(path, f"there is no {kind} {name!r}; {nearest(name, known)}")

    def check(self, path: ConfigPath, key: VirtualKey, findings: Findings) -> None:
        """What the key at `path` names is there, or `findings` has it."""
        config = self._config
        self.check_owner((*path, "team"), key.team, findings, kind="team")
        self.check_owner((*path, "customer"), key.customer, findings, kind="customer")
        for place, surface in enumerate(key.surfaces):
            if surface not in self._surfaces:
                findings.error(
                    (*path, "surfaces", place), f"there is no surface {surface!r}; {nearest(surface, self._surfaces)}"
                )
        for place, pattern in enumerate(key.models):
            provider, slash, _ = pattern.partition("/")
            if slash and not pattern.startswith("regex:"):
                _warn_of_provider((*path, "models", place), provider, config, findings)
        for place, access in enumerate(key.providers):
            where: ConfigPath = (*path, "providers", place)
            _warn_of_provider((*where, "provider"), access.provider, config, findings)
            settings = config.providers.get(access.provider)
            names = {"*", *(one.name for one in settings.keys)} if settings else set[str]()
            for number, name in enumerate(access.keys):
                if names and name not in names:
                    findings.warn((*where, "keys", number), f"{access.provider!r} has no key {name!r}")
        if key.expires_at is not None and expiry_ms(key.expires_at) <= self._now_ms:
            findings.warn((*path, "expires_at"), f"virtual key {key.name!r} has expired and is refused")


def _warn_of_provider(path: ConfigPath, provider: str, config: ConfigFile, findings: Findings) -> None:
    if "*" not in provider and provider not in config.providers:
        findings.warn(path, f"provider {provider!r} is not configured")
