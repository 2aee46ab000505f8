"""Status on the link: each worker tells the bookkeeper how it is, once a second; the control process asks for all.

A report is whole, so that one that is lost is made good by the next; only the lists of models come when they have
changed, and all of them to a new bookkeeper. A worker that has hung up is forgotten.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from asbru.app.lean import msgspec
from asbru.telemetry import status

if TYPE_CHECKING:
    from asbru.cache import MemoryStore
    from asbru.edge.server import Server
    from asbru.governance.limits import Limits
    from asbru.link.link import Link
    from asbru.link.peers import Peer, Question
    from asbru.pipeline import Endpoint, Load, Rooms
    from asbru.routing import Key

STATUS = "worker.status"
"""Message, msgpack: a `WorkerStatus`."""
READ_STATUS = "worker.status.read"
"""Question of the control process, empty; the answer is a list of `WorkerStatus`."""
WORKERS_MAX = 1024


class StatusReporter:
    """The worker's side. `rooms`, `feed_version`: those of now."""

    def __init__(
        self,
        index: int,
        link: Link,
        *,
        rooms: Callable[[], Rooms | None],
        server: Server,
        load: Load,
        limits: Limits,
        feed_version: Callable[[], int | None],
        cache: MemoryStore,
    ) -> None:
        self._index = index
        self._link = link
        self._rooms = rooms
        self._server = server
        self._load = load
        self._limits = limits
        self._feed_version = feed_version
        self._cache = cache
        self._started_ms = int(time.time() * 1000)
        self._told: dict[str, tuple[str, ...]] = {}
        self._late_s = 0.0
        self._due_s = 0.0
        self._encode = msgspec.msgpack.Encoder().encode
        link.on_connect(self._told.clear)

    def sweep(self, now_s: float, pause_s: float) -> None:
        """At each sweep: how late it is, which is how long the loop was busy with something else."""
        if self._due_s:
            self._late_s = max(self._late_s, now_s - self._due_s)
        self._due_s = now_s + pause_s

    def push(self) -> None:
        """About once a second: tell how things are, if that leaves now."""
        if self._link.writable:
            self._link.tell(STATUS, self._encode(self._status()))
            self._late_s = 0.0

    def _status(self) -> status.WorkerStatus:
        rooms = self._rooms()
        endpoints = [] if rooms is None else list(islice(rooms.endpoints.values(), status.PROVIDERS_MAX))
        listed = {
            one.route.name: one.listed[: status.LISTED_MAX]
            for one in endpoints
            if one.listed is not None and self._told.get(one.route.name) is not one.listed
        }
        self._told.update((one.route.name, one.listed) for one in endpoints if one.listed is not None)
        return status.WorkerStatus(
            index=self._index,
            pid=os.getpid(),
            started_ms=self._started_ms,
            in_flight=self._load.in_flight,
            open_connections=len(self._server.connections),
            queued=len(self._load.waiting),
            loop_lag_ms=round(self._late_s * 1000, 1),
            feed_version=self._feed_version(),
            leases=self._limits.leases,
            behind_rows=self._link.queued,
            providers=() if rooms is None else tuple(_providers(rooms, endpoints)),
            listed=listed,
            cache_entries=len(self._cache),
            cache_bytes=self._cache.bytes,
        )


class StatusBoard:
    """The bookkeeper's side: the last report of each worker that is connected."""

    def __init__(self) -> None:
        self._reports: dict[str, status.WorkerStatus] = {}
        self._listed: dict[str, dict[str, tuple[str, ...]]] = {}
        self._decode = msgspec.msgpack.Decoder(status.WorkerStatus).decode
        self._encode = msgspec.msgpack.Encoder().encode

    def take(self, peer: Peer, payload: bytes) -> None:
        """A worker's STATUS."""
        report = self._decode(payload)
        if peer.incarnation in self._reports or len(self._reports) < WORKERS_MAX:
            listed = self._listed.setdefault(peer.incarnation, {})
            listed.update(report.listed)
            self._reports[peer.incarnation] = report

    def part(self, incarnation: str) -> None:
        """A worker has ended."""
        self._reports.pop(incarnation, None)
        self._listed.pop(incarnation, None)

    def read(self, _: Question) -> bytes:
        """The answer to READ_STATUS."""
        replace = msgspec.structs.replace
        whole = [replace(one, listed=self._listed[name]) for name, one in self._reports.items()]
        return self._encode(sorted(whole, key=lambda one: one.index))


def _unix_ms_of(now_s: float) -> Callable[[float], int]:
    """Times of the worker's clock as Unix milliseconds."""
    ahead_s = time.time() - now_s
    return lambda moment_s: int((moment_s + ahead_s) * 1000)


def _providers(rooms: Rooms, endpoints: list[Endpoint]) -> Iterator[status.ProviderStatus]:
    now_s = rooms.clock()
    to_ms = _unix_ms_of(now_s)
    circuits: dict[str, list[status.CircuitStatus]] = {}
    if rooms.breaker is not None:
        for name, state, until_s in rooms.breaker.open_circuits(now_s):
            target = f"{name.model} ({name.key})" if name.key else name.model
            found = circuits.setdefault(name.provider, [])
            if len(found) < status.CIRCUITS_MAX:
                found.append(status.CircuitStatus(target, state, to_ms(until_s)))
    for one in endpoints:
        keys = one.route.keys[: status.KEYS_MAX]
        yield status.ProviderStatus(
            one.route.name,
            one.dialect.name,
            one.pool.busy_connections,
            one.pool.waiting,
            tuple(_key_status(key, now_s, to_ms) for key in keys),
            tuple(circuits.get(one.route.name, ())),
        )


def _key_status(key: Key, now_s: float, to_ms: Callable[[float], int]) -> status.KeyStatus:
    models = sum(until_s > now_s for table in (key.limited_models, key.refused_models) for until_s in table.values())
    state: status.KeyState = "ok"
    if key.refused_until_s > now_s:
        state = "refused"
    elif key.limited_until_s > now_s:
        state = "limited"
    until_s = max(key.refused_until_s, key.limited_until_s)
    return status.KeyStatus(key.name, state, to_ms(until_s) if state != "ok" else 0, models)
