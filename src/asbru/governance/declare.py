"""Owners as declared -> feed entries. For the processes that write the feed: compile and the management API.

    flaws(one)                      what is wrong with an owner by itself, by the path of the member
    customer_entry(one) ...         (id, payload) of an owner; the owner has no flaws
    virtual_key_entry(one, digest)  the same for a virtual key, whose id is the digest of its value

Whether what an owner names is there (a team's customer, a provider) is for those to judge who know what else is
declared. Workers do not import this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple, TypeAlias
from zoneinfo import ZoneInfo

import msgspec

from asbru.core.money import NANOUSD_PER_USD
from asbru.governance.declared import (
    Access,
    Budget,
    Customer,
    Limited,
    ProviderAccess,
    RateLimit,
    ScopeLimits,
    Team,
)
from asbru.governance.entries import (
    EVERY_PROVIDER,
    EVERYTHING,
    KeyEntry,
    LimitEntry,
    OwnerEntry,
    ProviderEntry,
    identity_of,
)
from asbru.governance.patterns import check_pattern

_CALENDAR_WINDOWS = ("1d", "1w", "1M", "1Q", "1Y")
_SCOPE_NAMES = {
    "provider": "a provider's name",
    "model": "`provider/model`",
    "provider_key": "`provider/key-name`",
    "tool": "`server/tool`",
}

Entry: TypeAlias = tuple[str, bytes]
"""The id and payload of a feed entry."""


class Flaw(NamedTuple):
    """What is wrong with a member of what was declared. `path`: names and list positions, from the Struct on."""

    path: tuple[str | int, ...]
    message: str


# Flaws


def flaws(one: Limited) -> tuple[Flaw, ...]:
    """All that is wrong with an owner beyond types and bounds, which msgspec or pydantic have checked."""
    found = list(_limit_flaws(one))
    if isinstance(one, Access):
        found += _access_flaws(one)
    if isinstance(one, ScopeLimits):
        found += _scope_flaws(one)
    return tuple(found)


def _scope_flaws(one: ScopeLimits) -> Iterator[Flaw]:
    _, slash, rest = one.name.partition("/")
    if (one.scope == "provider") if slash else (one.scope != "provider"):
        yield Flaw(("name",), f"expected {_SCOPE_NAMES[one.scope]}, got {one.name!r}")
    elif slash and not rest:
        yield Flaw(("name",), f"expected {_SCOPE_NAMES[one.scope]}: nothing follows the slash")


def _limit_flaws(one: Limited) -> Iterator[Flaw]:
    for place, budget in enumerate(one.budgets):
        path = ("budgets", place)
        if budget.aligned and budget.window not in _CALENDAR_WINDOWS:
            yield Flaw((*path, "window"), f"a window with `aligned` is one of {', '.join(_CALENDAR_WINDOWS)}")
        if budget.timezone != "UTC":
            if not budget.aligned:
                yield Flaw((*path, "timezone"), "a time zone matters only with `aligned: true`")
            elif not _is_timezone(budget.timezone):
                yield Flaw((*path, "timezone"), "not a time zone known here; expected one such as `Europe/Berlin`")
        if _nanousd(budget) < 1:
            yield Flaw((*path, "amount_usd"), "less than a nano-dollar")
    for place, limit in enumerate(one.rate_limits):
        if limit.metric == "concurrency" and limit.window != "1m":
            yield Flaw(("rate_limits", place, "window"), "`concurrency` has no window: it counts concurrent calls")
    yield from _repeated_limit_flaws(one)


def _repeated_limit_flaws(one: Limited) -> Iterator[Flaw]:
    """What is spent of a limit is found by its metric and window, whatever its amount and place in the list."""
    seen: set[tuple[str, str]] = set()
    for entry, path in (
        *((_budget_entry(budget), ("budgets", place)) for place, budget in enumerate(one.budgets)),
        *((_rate_entry(limit), ("rate_limits", place)) for place, limit in enumerate(one.rate_limits)),
    ):
        if (entry.metric, entry.window) in seen:
            what = "budget" if entry.metric == "cost" else f"limit of `{entry.metric}`"
            per = f" per `{entry.window}`" if entry.window else ""
            yield Flaw(path, f"there is another {what}{per}; keep one of them, or choose another window")
        seen.add((entry.metric, entry.window))


def _access_flaws(one: Access) -> Iterator[Flaw]:
    if one.team is not None and one.customer is not None:
        yield Flaw(("customer",), "a key of a team belongs to the team's customer: omit `customer`")
    if one.expires_at is not None:
        try:
            expiry_ms(one.expires_at)
        except ValueError as error:
            yield Flaw(("expires_at",), str(error))
    yield from _pattern_flaws((), one.models, one.blocked_models)
    repeated = Counter(access.provider for access in one.providers)
    for place, access in enumerate(one.providers):
        path = ("providers", place)
        if repeated[access.provider] > 1:
            yield Flaw((*path, "provider"), f"{access.provider!r} is listed twice; combine the entries")
        for flaw in _limit_flaws(access):
            yield Flaw((*path, *flaw.path), flaw.message)
        yield from _pattern_flaws(path, access.models, access.blocked_models)


def _pattern_flaws(path: tuple[str | int, ...], models: Iterable[str], blocked: Iterable[str]) -> Iterator[Flaw]:
    for member, patterns in (("models", models), ("blocked_models", blocked)):
        for place, pattern in enumerate(patterns):
            try:
                check_pattern(pattern)
            except ValueError as error:
                yield Flaw((*path, member, place), str(error))


def expiry_ms(text: str) -> int:
    """Unix milliseconds of a time in RFC 3339, at least 1, since 0 means never; raises ValueError."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        when = None
    if when is None or when.tzinfo is None:
        raise ValueError("expected a time with its zone, such as `2027-01-31T00:00:00Z`")
    return max(1, int(when.timestamp() * 1000))


def _is_timezone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, OSError, ValueError):  # not found, a folder, a path
        return False
    return True


# Entries


def customer_entry(one: Customer) -> Entry:
    """The entry of a customer."""
    return _owner_entry(f"customer/{one.name}", one)


def team_entry(one: Team) -> Entry:
    """The entry of a team."""
    return _owner_entry(f"team/{one.name}", one, f"customer/{one.customer}" if one.customer else "")


def scope_entry(one: ScopeLimits) -> Entry:
    """The entry of limits of a provider, a model or a provider's key."""
    return _owner_entry(f"{one.scope}/{one.name}", one)


def virtual_key_entry(
    one: Access, digest: str, *, declared: bool = False, temporary: bool = False, identity: str = ""
) -> Entry:
    """The entry of a virtual key; `digest` is that of its value (`digest_of`). `declared`: by the file, where a key is
    another one as soon as its value is; `temporary`, `identity`: see `KeyEntry`."""
    owner_id = f"key/{one.name}"
    parent = f"team/{one.team}" if one.team else f"customer/{one.customer}" if one.customer else ""
    entry = KeyEntry(
        name=one.name,
        models=one.models,
        owner_id=owner_id,
        parent=parent,
        limits=limits_of(owner_id, one),
        providers=_provider_entries(owner_id, one.providers),
        blocked_models=one.blocked_models,
        surfaces=_names(one.surfaces),
        mcp=one.mcp,
        auto_approve=one.auto_approve,
        offer_tools=one.offer_tools,
        expires_ms=0 if one.expires_at is None else expiry_ms(one.expires_at),
        active=one.active,
        tags=one.tags,
        declared=declared,
        temporary=temporary,
        record_bodies=one.record_bodies,
        cache=one.cache,
        identity=identity_of(digest) if declared else identity,
    )
    return digest, msgspec.msgpack.encode(entry)


def _owner_entry(owner_id: str, one: Limited, parent: str = "") -> Entry:
    mcp = one.mcp if isinstance(one, Customer | Team) else ()
    entry = OwnerEntry(name=owner_id.partition("/")[2], parent=parent, limits=limits_of(owner_id, one), mcp=mcp)
    return owner_id, msgspec.msgpack.encode(entry)


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return EVERYTHING if names == EVERYTHING else names


def _provider_entries(owner_id: str, accesses: tuple[ProviderAccess, ...]) -> tuple[ProviderEntry, ...]:
    entries = tuple(_provider_entry(owner_id, access) for access in accesses)
    return EVERY_PROVIDER if entries == EVERY_PROVIDER else entries


def _provider_entry(owner_id: str, access: ProviderAccess) -> ProviderEntry:
    return ProviderEntry(
        provider=access.provider,
        models=_names(access.models),
        blocked_models=access.blocked_models,
        keys=_names(access.keys),
        weight=access.weight,
        limits=limits_of(f"{owner_id}/provider/{access.provider}", access),
    )


def limits_of(owner_id: str, one: Limited) -> tuple[LimitEntry, ...]:
    """The limits of an owner that has no flaws. Their ids consist of metric and window, of which there are no two
    alike; so amounts and the order may change, and what is spent stays."""
    return tuple(
        msgspec.structs.replace(entry, id="/".join(filter(None, (owner_id, entry.metric, entry.window))))
        for entry in (*map(_budget_entry, one.budgets), *map(_rate_entry, one.rate_limits))
    )


def _budget_entry(one: Budget) -> LimitEntry:
    return LimitEntry(
        id="",
        metric="cost",
        amount=_nanousd(one),
        window=one.window,
        aligned=one.aligned,
        timezone=one.timezone,
        strict=one.policy == "strict",
    )


def _rate_entry(one: RateLimit) -> LimitEntry:
    return LimitEntry(
        id="", metric=one.metric, amount=one.amount, window="" if one.metric == "concurrency" else one.window
    )


def _nanousd(one: Budget) -> int:
    return round(one.amount_usd * NANOUSD_PER_USD)
