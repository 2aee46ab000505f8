"""What runs, and how providers are.

GET /api/v1/system      processes, workers, the snapshot, stores
GET /api/v1/health      providers with their keys, circuits and the calls of the last five minutes
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import msgspec
from fastapi import APIRouter, Response

from asbru.admin import nouns
from asbru.admin.declared_file import DeclaredFile
from asbru.admin.history import in_thread
from asbru.admin.observed import Observed, ProcessStatus, ServedBy
from asbru.core.errors import Overloaded
from asbru.records.health import Activity, LastError, Recent, read_extent, read_recent
from asbru.telemetry.status import CircuitStatus, KeyState, KeyStatus, ProviderStatus, WorkerStatus

RECENT_MS = 5 * 60 * 1000


class WorkerShown(msgspec.Struct, frozen=True):
    """A worker; see `telemetry.status.WorkerStatus`."""

    index: int
    pid: int
    started_ms: int
    in_flight: int
    open_connections: int
    queued: int
    loop_lag_ms: float
    feed_version: int | None
    leases: int


class StoreShown(msgspec.Struct, frozen=True):
    """A database. `records`: calls recorded on the days from the oldest record on; `behind_rows`: rows that
    workers hold until they are written."""

    name: str
    url: str
    bytes: int
    records: int
    oldest_ms: int | None
    behind_rows: int


class System(msgspec.Struct, frozen=True):
    """What runs. `settings_source`: the configuration file; null for the built-in defaults."""

    version: str
    started_at: datetime
    snapshot: ServedBy
    processes: tuple[ProcessStatus, ...]
    workers: tuple[WorkerShown, ...]
    stores: tuple[StoreShown, ...]
    settings_source: str | None


class KeyHealth(msgspec.Struct, frozen=True):
    """A key of a provider. `models_cooling`: how many models it cools down for while it serves others."""

    name: str
    state: KeyState
    cooling_until_ms: int | None
    models_cooling: int
    calls: int
    failed: int
    last_error: LastError | None


class ProviderHealth(msgspec.Struct, frozen=True):
    """A provider, as all workers together see it."""

    name: str
    dialect: str
    keys: tuple[KeyHealth, ...]
    circuits: tuple[CircuitStatus, ...]
    in_flight: int
    queued: int
    calls_5m: int
    failed_5m: int
    latency_p95_us: int | None


class Health(msgspec.Struct, frozen=True):
    """The providers, in the order of the configuration."""

    providers: tuple[ProviderHealth, ...]


SHAPES = (System, Health)


def build_router(
    observed: Observed,
    declared: DeclaredFile,
    url: str,
    *,
    version: str,
    started_at: datetime,
    now_ms: Callable[[], int],
) -> APIRouter:
    """The routes; `url`: the database of the records."""
    router = APIRouter(tags=["system"])

    @router.get("/system", openapi_extra=nouns.gives(System))
    async def show_system() -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """Processes, workers, the snapshot, stores."""
        workers = await observed.workers() or ()
        snapshot, processes = observed.processes()
        extent = await in_thread(lambda: read_extent(url))
        behind = sum(worker.behind_rows for worker in workers)
        shown = System(
            version=version,
            started_at=started_at,
            snapshot=snapshot,
            processes=tuple(processes),
            workers=tuple(msgspec.convert(worker, WorkerShown, from_attributes=True) for worker in workers),
            stores=(StoreShown("records", url, extent.bytes, extent.records, extent.oldest_ms, behind),),
            settings_source=declared.read().file,
        )
        return nouns.answer(shown)

    @router.get("/health", openapi_extra=nouns.gives(Health))
    async def show_health() -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Providers with their keys, circuits, and the calls of the last five minutes."""
        workers = await observed.workers()
        if workers is None:
            raise Overloaded(
                "the workers did not report their state in time; try again", code="unavailable", retry_after_s=1
            )
        recent = await in_thread(lambda: read_recent(url, now_ms() - RECENT_MS))
        return nouns.answer(Health(_health(workers, recent)))

    return router


def _health(workers: Sequence[WorkerStatus], recent: Recent) -> tuple[ProviderHealth, ...]:
    by_name: dict[str, list[ProviderStatus]] = {}
    for worker in workers:
        for one in worker.providers:
            by_name.setdefault(one.name, []).append(one)
    return tuple(_provider(name, seen, recent) for name, seen in by_name.items())


def _provider(name: str, seen: Sequence[ProviderStatus], recent: Recent) -> ProviderHealth:
    activity = recent.providers.get(name, Activity())
    keys: dict[str, list[KeyStatus]] = {}
    circuits: dict[str, CircuitStatus] = {}
    for one in seen:
        for key in one.keys:
            keys.setdefault(key.name, []).append(key)
        for circuit in one.circuits:
            known = circuits.get(circuit.target)
            if known is None or known.until_ms < circuit.until_ms:
                circuits[circuit.target] = circuit
    return ProviderHealth(
        name=name,
        dialect=seen[0].dialect,
        keys=tuple(_key(key, states, recent.keys.get((name, key), Activity())) for key, states in keys.items()),
        circuits=tuple(circuits.values()),
        in_flight=sum(one.in_flight for one in seen),
        queued=sum(one.queued for one in seen),
        calls_5m=activity.calls,
        failed_5m=activity.failed,
        latency_p95_us=activity.latency_p95_us,
    )


def _key(name: str, states: Iterable[KeyStatus], activity: Activity) -> KeyHealth:
    """The worker that waits longest speaks for all."""
    worst = max(states, key=lambda one: (one.until_ms, one.models))
    return KeyHealth(
        name, worst.state, worst.until_ms or None, worst.models, activity.calls, activity.failed, activity.last_error
    )
