"""What outlives a snapshot in one worker: connection pools (kept while their origin is the same), TLS contexts, ids,
counters, how long refused keys cool down, circuits, and what the feed tells.

Not here: the rooms, which are built anew for each snapshot (`build`).
"""

import asyncio
import secrets
import weakref
from collections.abc import Mapping, Sequence

from asbru.app.cache_stores import CacheStores
from asbru.app.snapshot import Snapshot
from asbru.cache import MemoryStore
from asbru.cache.sql import SharedStore
from asbru.catalog import PriceBook, TokenCounter
from asbru.cluster import Feed, Subscriber
from asbru.core.ids import IdSource
from asbru.core.secret_text import SecretText
from asbru.dialects import Dialect, discover
from asbru.governance import VIRTUAL_KEY, Keys
from asbru.governance.entries import OWNER
from asbru.governance.limits import Limits, Reservation
from asbru.governance.standing import Standings
from asbru.mcp.catalogue import MCP_SERVER
from asbru.pipeline import Load, Rooms, StageMaker
from asbru.pipeline.bodies import KeepBodies
from asbru.pipeline.caching import Caching, Meaning
from asbru.pipeline.leases import CallLeases, Leases, Typical
from asbru.pipeline.routing import Routing
from asbru.pipeline.tools import Toolbox
from asbru.records import RecordWriter
from asbru.routing import Key
from asbru.routing.affinity import Sessions
from asbru.routing.breaker import Breaker
from asbru.routing.rules import Rules
from asbru.stored import ObjectIndex
from asbru.stored.responses import ResponseIndex
from asbru.telemetry import LimitedLog, Meter
from asbru.telemetry.tracing import SpanCounts, SpanQueue, TraceExport, Tracer
from asbru.upstream import Origin, Pool, TlsContexts
from asbru.upstream.credentials import Credential
from asbru.wire.outbox import Outbox


class Both:
    """Two subscribers of one kind of entries. An entry that one cannot read is none for the other."""

    def __init__(self, first: Subscriber, second: Subscriber) -> None:
        self._both = (first, second)

    def put(self, entry_id: str, payload: bytes) -> None:
        """See `Subscriber`."""
        try:
            for one in self._both:
                one.put(entry_id, payload)
        except ValueError:
            self.remove(entry_id)
            raise

    def remove(self, entry_id: str) -> None:
        """See `Subscriber`."""
        for one in self._both:
            one.remove(entry_id)


class Lasting:
    """What outlives a snapshot in one worker. `dialects`: by name, default those that are found; `limits`: what the
    feed's limits are held by, or `leases` in its place; `stages`: what looks at content, in order; `standings`: how far
    limits are used, by default what `limits` knows; `bodies`: where copies of bodies go; `object_index`: what knows who
    stored what; `response_index`: what stores responses; `tools`: the servers of tools, as the feed tells them;
    `shared_cache`: entries that workers share."""

    def __init__(  # noqa: PLR0913 -- the one builder, a worker, names all that lasts
        self,
        loop: asyncio.AbstractEventLoop,
        recorder: RecordWriter,
        meter: Meter,
        outbox: Outbox | None = None,
        *,
        dialects: Mapping[str, Dialect] | None = None,
        limits: Limits | None = None,
        leases: Leases | None = None,
        stages: Sequence[StageMaker] = (),
        standings: Standings | None = None,
        bodies: KeepBodies | None = None,
        object_index: ObjectIndex | None = None,
        response_index: ResponseIndex | None = None,
        tools: Toolbox | None = None,
        shared_cache: SharedStore | None = None,
    ) -> None:
        self.tools = tools
        self.bodies = bodies
        self.object_index = object_index
        self.response_index = response_index
        self.standings = standings
        self.loop = loop
        self.dialects = discover() if dialects is None else dialects
        self.leases = leases
        self._call_leases: CallLeases | None = None
        self._typical = Typical()
        self.stages = stages
        self.outbox = outbox or Outbox(loop.call_soon)
        self.recorder = recorder
        self.meter = meter
        self.ids = IdSource(secrets.token_hex(4))
        self.contexts = TlsContexts()
        self.counter = TokenCounter()
        self.pools: dict[tuple[Origin, int], Pool] = {}
        self._swept: weakref.WeakSet[Pool] = weakref.WeakSet()  # also pools that only calls under way still use
        self.load = Load(loop.call_soon)
        self.failures = LimitedLog()
        self.breaker = Breaker()
        self.sessions = Sessions()
        self.spans: SpanQueue | None = None
        self.cache_memory = MemoryStore(0)
        self.shared_cache = shared_cache
        self.cache_stores = CacheStores(loop, self.pool, meter)
        self.cache: Caching | None = None
        self.meaning: Meaning | None = None
        self.span_counts = SpanCounts()
        self.keys: dict[tuple[str, str, SecretText], Key] = {}
        self.credentials: dict[tuple[object, ...], Credential] = {}
        self.virtual_keys = Keys()
        self.feed = Feed()
        if tools is not None:
            self.feed.subscribe(MCP_SERVER, tools.catalogue)
        self.rooms: Rooms | None = None
        self.snapshot: Snapshot | None = None
        """Those built last, and what of."""
        self.limits = limits
        if limits is None:
            self.feed.subscribe(VIRTUAL_KEY, self.virtual_keys)
            self.feed.subscribe(OWNER, self.virtual_keys.owners)
        else:
            self.feed.subscribe(VIRTUAL_KEY, Both(self.virtual_keys, limits.owners.keys))
            self.feed.subscribe(OWNER, Both(self.virtual_keys.owners, limits.owners.owners))
            limits.owners.on_limited = self._on_limited

    @property
    def standings_known(self) -> Standings | None:
        """How far limits are used; None while there is no limit."""
        if self.limits is not None and self.limits.owners.limited:
            return self.limits
        return self.standings

    def leases_for(self, prices: PriceBook, settings: Reservation) -> Leases | None:
        """What calls ask for leave; None while there is no limit."""
        if self.limits is None:
            return self.leases
        self._call_leases = CallLeases(self.limits, prices, settings, self._typical)
        return self._call_leases if self.limits.owners.limited else None

    def _on_limited(self, limited: bool) -> None:
        """The first limit came, or the last one went."""
        if self.rooms is not None and self.snapshot is not None:
            leases = self._call_leases if limited else None
            self.rooms.limit(leases, self.standings_known, routing_for(self.snapshot, self))

    @property
    def header_prefixes(self) -> set[bytes]:
        """What headers of callers begin with that go along to providers of some dialect."""
        return {prefix for dialect in self.dialects.values() for prefix in dialect.header_prefixes}

    def sweep(self, now_s: float) -> None:
        """Deadlines of calls that wait, and of every pool: an error in one of them does not keep the others."""
        failed: Exception | None = None
        for sweep in (self.load.sweep, *(pool.sweep for pool in tuple(self._swept))):
            try:
                sweep(now_s)
            except Exception as error:  # noqa: BLE001 -- raised below, once all are swept
                failed = error
        if failed is not None:
            raise failed

    def trace(self, export: TraceExport | None) -> Tracer | None:
        """What traces calls from now on; None: nothing does. The queue is kept while it goes to the same place."""
        before = self.spans
        if before is None or before.export != export:
            self.spans = None if export is None else SpanQueue(export, self.span_counts)
            if before is not None:
                self.loop.run_in_executor(None, before.close)  # what waits is sent, which may take a while
        if self.spans is None or export is None:
            return None
        tracer = Tracer(export.sample_ratio, export.propagators, self.spans.put)
        tracer.body_bytes_max = export.body_bytes_max
        return tracer

    def pool(self, origin: Origin, response_bytes_max: int) -> Pool:
        """The pool for an origin, kept from an earlier snapshot where it is the same."""
        key = (origin, response_bytes_max)
        pool = self.pools.get(key)
        if pool is None:
            pool = self.pools[key] = Pool(
                origin, self.contexts, self.loop, response_bytes_max=response_bytes_max, outbox=self.outbox
            )
            self._swept.add(pool)
        return pool

    def keep_only(self, origins: set[tuple[Origin, int]]) -> None:
        """Close the pools that no snapshot needs any more; calls on them end by themselves."""
        for key in [key for key in self.pools if key not in origins]:
            self.pools.pop(key).close()


def routing_for(snapshot: Snapshot, lasting: Lasting) -> Routing | None:
    """What chooses targets besides the plan; None where nothing of it is configured, so that it costs nothing."""
    has_rules = any(rule.enabled for rule in snapshot.routing_rules)
    if not has_rules and lasting.standings_known is None:
        return None
    return Routing(Rules(snapshot.routing_rules) if has_rules else None, lasting.standings_known)
