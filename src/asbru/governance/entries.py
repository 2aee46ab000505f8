"""Feed entries of governance: what workers are told of owners, from the file and from the store alike.

    kind "virtual_key"   id: digest of the key's value, hex      payload: KeyEntry
    kind "owner"         id: "customer/NAME", "team/NAME"        payload: OwnerEntry
                             "provider/NAME", "model/PROVIDER/MODEL", "provider_key/PROVIDER/KEY"

A key's entry holds its own limits and those for each provider; the owners above it are named, and may come later or
never: a key whose owner is not known is refused. Unknown members are passed over, since a newer process may have
written the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

VIRTUAL_KEY = "virtual_key"
OWNER = "owner"
_IDENTITY_CHARS = 32

EVERYTHING = ("*",)
"""The default of lists of names; entries that hold this very object leave it out."""


class LimitEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One budget or rate limit. `id` is stable across changes of `amount`, so that what is spent stays spent:
    "team/blue/cost/1M", of which an owner has no two alike. `metric`: one of `declared.Metric`, or "cost". `amount`:
    nano-dollars for "cost", else a count. `window`: "" for concurrency."""

    id: str
    metric: str
    amount: int
    window: str = ""
    aligned: bool = False
    timezone: str = "UTC"
    strict: bool = True


class OwnerEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """An owner that is no key. `parent`: the id of the owner above, "" for none; `mcp`: the tools that all of its keys
    may use."""

    name: str
    parent: str = ""
    limits: tuple[LimitEntry, ...] = ()
    mcp: tuple[str, ...] = ()


class ProviderEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a key may use of a provider; see `declared.ProviderAccess`."""

    provider: str = "*"
    models: tuple[str, ...] = EVERYTHING
    blocked_models: tuple[str, ...] = ()
    keys: tuple[str, ...] = EVERYTHING
    weight: float | None = None
    limits: tuple[LimitEntry, ...] = ()


EVERY_PROVIDER = (ProviderEntry(),)
"""The default of what a key may use of providers, likewise."""


class KeyEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A virtual key. `owner_id`: "key/NAME", under which its own limits count. `expires_ms`: 0 for never.
    `declared`: in the file, so that no other key of this name is valid. `temporary`: a gateway that is open to everyone
    stays so although there is this key. `identity`: what tells it from every other key, also from one that has its name
    later (decision 0011); "": its name, of keys that are older than identities."""

    name: str
    models: tuple[str, ...]
    owner_id: str = ""
    parent: str = ""
    limits: tuple[LimitEntry, ...] = ()
    providers: tuple[ProviderEntry, ...] = EVERY_PROVIDER
    blocked_models: tuple[str, ...] = ()
    surfaces: tuple[str, ...] = EVERYTHING
    mcp: tuple[str, ...] = ()
    auto_approve: tuple[str, ...] = ()
    offer_tools: bool = True
    expires_ms: int = 0
    active: bool = True
    tags: dict[str, str] = {}
    declared: bool = False
    temporary: bool = False
    record_bodies: bool = False
    cache: bool = True
    identity: str = ""


def identity_of(digest: str) -> str:
    """The identity of a key that has no other than its value: another value makes it another key."""
    return f"file:{digest[:_IDENTITY_CHARS]}"


def write_virtual_key(name: str, models: Iterable[str], identity: str = "") -> bytes:
    """The payload of a key that is limited in nothing but its models."""
    return msgspec.msgpack.encode(KeyEntry(name=name, models=tuple(models), mcp=EVERYTHING, identity=identity))


def write_tags(tags: Mapping[str, str]) -> str:
    """Tags as a record holds them: a JSON object with its names in order, "" for none."""
    return msgspec.json.encode(dict(sorted(tags.items()))).decode() if tags else ""
