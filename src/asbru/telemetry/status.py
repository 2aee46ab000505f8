"""What each worker says about itself once a second, for people who look: how busy it is, and how providers are.

Times are Unix milliseconds. Everything is bounded by who writes it; metrics, which are for machines, are `metrics`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

PROVIDERS_MAX = 200
KEYS_MAX = 100
CIRCUITS_MAX = 100
LISTED_MAX = 2000
"""Of providers in all, and of each provider."""

KeyState: TypeAlias = Literal["ok", "limited", "refused"]
"""limited: the provider said when to come back (429); refused: it did not take the key."""


class KeyStatus(msgspec.Struct, frozen=True):
    """A key of a provider. `until_ms`: until when it cools down, 0 where it does not. `models`: how many models it
    cools down for while it serves others."""

    name: str
    state: KeyState = "ok"
    until_ms: int = 0
    models: int = 0


class CircuitStatus(msgspec.Struct, frozen=True):
    """A circuit that is not closed. `target`: `model` or `model (key)`."""

    target: str
    state: Literal["open", "half_open"]
    until_ms: int


class ProviderStatus(msgspec.Struct, frozen=True):
    """A provider, as one worker sees it. `in_flight`: connections that carry a call; `queued`: calls that wait for
    one."""

    name: str
    dialect: str
    in_flight: int = 0
    queued: int = 0
    keys: tuple[KeyStatus, ...] = ()
    circuits: tuple[CircuitStatus, ...] = ()


class WorkerStatus(msgspec.Struct, frozen=True):
    """A worker. `feed_version`: of the objects in the database, None while they are not known; `leases`: limits of
    which it holds a part; `behind_rows`: rows that it has not got rid of yet; `listed`: models that providers have
    listed since the report before."""

    index: int
    pid: int
    started_ms: int
    in_flight: int = 0
    open_connections: int = 0
    queued: int = 0
    loop_lag_ms: float = 0.0
    feed_version: int | None = None
    leases: int = 0
    behind_rows: int = 0
    providers: tuple[ProviderStatus, ...] = ()
    listed: dict[str, tuple[str, ...]] = {}
    cache_entries: int = 0
    cache_bytes: int = 0
