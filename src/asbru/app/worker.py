"""A worker: the data plane. One of N equal processes that share the port; everything it serves by is a snapshot.

    python -m asbru.app.worker --control-fd N --snapshot PATH --bookkeeper PATH --index I --host H --port P
                               [--tls-cert F --tls-key F]

Control lines are described in `app.children`. On a reload the new rooms are built whole and swapped in one
assignment: a call goes on with the rooms it began with. Then the feed is brought to what the configuration declares,
step by step. Imports neither pydantic nor YAML nor the price library.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import ssl
import time
from functools import partial
from pathlib import Path

import uvloop

import asbru.app.lean  # noqa: F401 -- before msgspec  # pyright: ignore[reportUnusedImport] -- see there
from asbru import __version__
from asbru.app.arguments import read_arguments
from asbru.app.build import build_forwards, build_rooms, declare, handed_headers, watched_headers
from asbru.app.control_socket import ControlSocket
from asbru.app.lasting import Lasting
from asbru.app.lifeline import end_process, end_with_supervisor
from asbru.app.mcp_ports import LinkPorts
from asbru.app.metrics import MetricsReporter
from asbru.app.paths import declared_file
from asbru.app.snapshot import Snapshot, read_snapshot
from asbru.app.tools.messages import HERE as TOOLS_HERE
from asbru.app.worker_status import StatusReporter
from asbru.cache.sql import SharedStore, follow_clearings
from asbru.cluster import Entries, follow_store, read_entries
from asbru.edge.door import Door
from asbru.edge.forward import Forwarder
from asbru.edge.mcp import PREFIXES as MCP_PREFIXES
from asbru.edge.server import SWEEP_S, Server
from asbru.edge.surfaces import PROBES
from asbru.governance.limits import Limits
from asbru.link.link import Link
from asbru.mcp.servers import AWAITED_SUBJECT
from asbru.mcp.servers.delivery import DELIVERED_SUBJECT
from asbru.mcp.servers.outside import ASKED_SUBJECT, GIVEN_SUBJECT, LOGGED_SUBJECT
from asbru.mcp.servers.subscriptions import OVER_SUBJECT, SUBSCRIBED_SUBJECT, UPDATED_SUBJECT
from asbru.pipeline.passthrough import PREFIX
from asbru.pipeline.tools import Subscriptions, Toolbox
from asbru.records import RecordWriter
from asbru.records.bodies import writer as body_writer
from asbru.records.retention import SETTINGS, write_settings
from asbru.stored import ObjectIndex
from asbru.stored.responses import ResponseIndex
from asbru.telemetry import Meter, log, names
from asbru.upstream import read_by_records
from asbru.wire.outbox import Outbox

GC_ALLOCATIONS = 20_000
"""Objects between two collections of the youngest: a call leaves no cycles, so the usual 700 look for nothing."""

STORE_WAIT_S = 5.0
"""How long the first start waits for what the database holds, in seconds."""

SUBSCRIBE_DEADLINE_S = 30.0
"""How long the tools process may take to subscribe at a server."""

TICK_S = 1.0
"""How often changed metrics are pushed to the bookkeeper, in seconds."""


FEW_CONNECTIONS = 0.9
"""Below this part of `limits.connections_max` the log says that open files do not allow more."""


class Worker:
    """The worker's objects and its control line."""

    def __init__(self, options: dict[str, str], loop: asyncio.AbstractEventLoop) -> None:
        self._options = options
        self._loop = loop
        self._name = f"worker-{options.get('index', '0')}"
        snapshot, declared = _load(options["snapshot"])
        self._grace_s = snapshot.limits.drain_grace_s
        self.meter = Meter()
        self.link = Link(loop, options["bookkeeper"])
        self.writer = RecordWriter(loop, self.link, meter=self.meter)
        self.reporter = MetricsReporter(self.link, self.meter)
        outbox = Outbox(loop.call_soon)
        self.limits = Limits(loop, self.link, time.monotonic)
        bodies = body_writer.BodyWriter(self.link)
        self._lasting = Lasting(
            loop,
            self.writer,
            self.meter,
            outbox,
            limits=self.limits,
            bodies=bodies,
            object_index=ObjectIndex(self.link),
            response_index=ResponseIndex(self.link),
            tools=self._toolbox(),
            shared_cache=SharedStore(self.link),
        )
        follow_clearings(self.link, self._lasting.cache_memory, self._lasting.cache_stores.clear)
        self._store_known = asyncio.Event()
        follow_store(self._lasting.feed, self.link, loop.call_later, self._store_known.set)
        self._lasting.virtual_keys.store_known = self._store_known.is_set
        self.door = Door(
            self._lasting.dialects.values(), lambda: self.server.draining, self.reporter.scrape, __version__
        )
        self.server = Server(
            loop,
            snapshot.limits,
            self.door.handle,
            outbox,
            header_prefixes=self._lasting.header_prefixes,
            knows=self.door.knows,
            probes=PROBES,
            descriptors=_descriptors(),
        )
        self.server.sweeps.append(self._lasting.sweep)
        self.server.sweeps.append(outbox.tick)
        self.server.sweeps.append(self._tick)
        self._ticked_s = 0.0
        self._count()
        self._count_spans()
        self.meter.count_by(names.BODIES_SHED, lambda: bodies.shed)
        self.link.on_connect(self._tell_settings)
        self._swap(snapshot)
        self._status = StatusReporter(
            int(options.get("index", "0")),
            self.link,
            rooms=lambda: self._lasting.rooms,
            server=self.server,
            load=self._lasting.load,
            limits=self.limits,
            feed_version=lambda: self._lasting.feed.version,
            cache=self._lasting.cache_memory,
        )
        for _ in declare(snapshot, declared, self._lasting):
            pass  # nobody waits for an answer yet
        self._reloading: asyncio.Task[None] | None = None
        self._ending: asyncio.Future[bool] = loop.create_future()
        self._cut = asyncio.Event()
        self._control = ControlSocket(loop, options.get("control-fd"), self._name)

    def _toolbox(self) -> Toolbox:
        """Servers of tools, and what the tools process tells of them."""
        link, subscriptions = self.link, self._subscriptions()
        made = Toolbox(LinkPorts(link), subscriptions)
        awaited = made.await_between(partial(link.tell, AWAITED_SUBJECT))
        link.subscribe(AWAITED_SUBJECT, awaited.on_told)
        deliveries = made.deliver_between(link.incarnation, link.fetch, link.tell, time.monotonic)
        link.subscribe(DELIVERED_SUBJECT, deliveries.on_delivered)
        made.ended.tell = partial(link.tell, OVER_SUBJECT)
        link.subscribe(OVER_SUBJECT, made.ended.on_told)
        outside = made.hear_outside(link.incarnation, link.tell, time.monotonic)
        link.subscribe(ASKED_SUBJECT, outside.on_asked)
        link.subscribe(GIVEN_SUBJECT, outside.on_given)
        link.subscribe(LOGGED_SUBJECT, outside.on_logged)
        link.on_connect(outside.tell_here)

        def tools_here(_: bytes) -> None:
            subscriptions.tell_again()
            outside.tell_here()

        link.subscribe(TOOLS_HERE, tools_here)
        return made

    def _subscriptions(self) -> Subscriptions:
        """Of callers to resources, which the tools process keeps."""
        link = self.link
        made = Subscriptions(link.incarnation, partial(link.fetch, deadline_s=SUBSCRIBE_DEADLINE_S))
        link.subscribe(SUBSCRIBED_SUBJECT, made.on_subscribed)
        link.subscribe(UPDATED_SUBJECT, made.on_updated)
        return made

    def _swap(self, snapshot: Snapshot) -> None:
        rooms = build_rooms(snapshot, self._lasting)
        forwards = build_forwards(snapshot, self._lasting)
        self.door.rooms = rooms
        self.door.forwarder = Forwarder(forwards)
        self.door.cors_origins = frozenset(origin.encode() for origin in snapshot.cors_origins)
        self.server.forward((*forwards, PREFIX, *MCP_PREFIXES))
        self.server.watch(watched_headers(rooms), handed_headers(rooms))
        self.server.limit(snapshot.limits)
        self._grace_s = snapshot.limits.drain_grace_s
        self._tell_settings()

    def _tell_bound(self) -> None:
        """Say that there can be far fewer connections than the configuration allows; the other workers are equal."""
        bound, wanted = self.server.bound.most, self.server.limits.connections_max
        if bound < FEW_CONNECTIONS * wanted and self._options.get("index", "0") == "0":
            log(
                "warning",
                "the limit of open files is too low for limits.connections_max; raise it (ulimit -n, LimitNOFILE)",
                open_files=_descriptors(),
                connections_max=wanted,
                connections=bound,
            )

    def _tell_settings(self) -> None:
        """The bookkeeper, who has no snapshot, deletes by these."""
        assert self._lasting.snapshot is not None
        self.link.tell(SETTINGS, write_settings(self._lasting.snapshot.records))

    def _count(self) -> None:
        """Gauges: read when metrics are pushed, so that keeping them costs nothing."""
        load = self._lasting.load
        pools = self._lasting.pools
        self.meter.gauge(names.CALLS_IN_FLIGHT, lambda: load.in_flight)
        self.meter.gauge(names.CALLS_QUEUED, lambda: len(load.waiting))
        self.meter.count_by(names.CALLS_SHED, lambda: load.refused)
        self.meter.gauge(names.LOOP_LAG_SECONDS, self.server.take_lag_s)
        self.meter.gauge(names.LEASES, lambda: self.limits.leases)
        self.meter.gauge(names.LIMITS_FULL, lambda: self.limits.full)
        self.meter.gauge(names.CONNECTIONS_OPEN, lambda: len(self.server.connections))
        self.meter.gauge(
            names.UPSTREAM_CONNECTIONS, lambda: sum(pool.idle_connections for pool in pools.values()), ("all", "idle")
        )
        self.meter.gauge(
            names.UPSTREAM_CONNECTIONS, lambda: sum(pool.busy_connections for pool in pools.values()), ("all", "busy")
        )

    def _count_spans(self) -> None:
        lasting, counts = self._lasting, self._lasting.span_counts
        self.meter.count_by(names.SPANS_EXPORTED, lambda: counts.sent)
        self.meter.count_by(names.SPANS_DROPPED, lambda: counts.dropped, ("queue_full",))
        self.meter.count_by(names.SPANS_DROPPED, lambda: counts.failed, ("failed",))
        self.meter.gauge(names.SPANS_QUEUED, lambda: 0 if lasting.spans is None else len(lasting.spans))

    def _tick(self, now_s: float) -> None:
        self._status.sweep(now_s, SWEEP_S)
        if now_s - self._ticked_s >= TICK_S:
            self._ticked_s = now_s
            self._control.say("alive")
            self.reporter.push()
            self._status.push()
            self._lasting.failures.tick(now_s)

    # Control

    def listen_to_control(self) -> None:
        """Take lines from the supervisor, and signals from anyone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end, True)
        self._control.listen(self._take_line, self._lose_supervisor)

    def _take_line(self, word: str, rest: str) -> None:
        if word == "reload":
            if self._reloading is not None:
                self._reloading.cancel()  # what it left half done, the new one's differences complete
            self._reloading = self._loop.create_task(self._reload(rest))
        else:
            self._end(drain=word == "drain")

    def _lose_supervisor(self) -> None:
        if not self._ending.done():
            log("warning", "the supervisor is gone; calls in flight may complete", process=self._name)
            self._end(drain=True)

    async def _reload(self, path: str) -> None:
        try:
            snapshot, declared = _load(path)
            await asyncio.sleep(0)  # calls go on between the steps, each of which takes a few milliseconds
            self._swap(snapshot)
            for _ in declare(snapshot, declared, self._lasting):
                await asyncio.sleep(0)
        except (ValueError, OSError) as error:
            log("error", "a snapshot was rejected", process=self._name, why=error)
            self._control.say(f"refused {error}")
        else:
            self._control.say(f"reloaded {path}")

    def _end(self, drain: bool) -> None:
        if self._cut.is_set():
            raise SystemExit(1)  # asked three times: at once
        if self._ending.done():
            self._cut.set()
        else:
            self._control.end()
            self._ending.set_result(drain)

    # Life

    async def run(self) -> None:
        """Serve until told to end."""
        options = self._options
        self.link.open()
        await self._wait_for_store()
        tls = _tls_context(options["tls-cert"], options.get("tls-key")) if "tls-cert" in options else None
        await self.server.listen(options.get("host", "127.0.0.1"), int(options.get("port", 8080)), tls)
        self.listen_to_control()
        self._tell_bound()
        gc.collect()
        gc.freeze()  # what stands now stays: later collections need not look at it
        gc.set_threshold(GC_ALLOCATIONS, 20, 50)
        self._control.say("ready")
        if await self._ending:
            await self._drain()
        self.server.close()
        if self._lasting.tools is not None:
            await self._lasting.tools.close()
        await asyncio.sleep(0)  # connections that were closed tell their calls, which are accounted
        self.writer.close()
        self.limits.close()
        self._lasting.failures.close()
        self.reporter.push()
        await self.link.close(on_turn=lambda: self._control.say("writing"))
        if self._lasting.spans is not None:
            self._lasting.spans.close()  # after the records, which matter more
        self._control.close()

    async def _drain(self) -> None:
        """Let calls end, until the grace is over or somebody does not want to wait so long."""
        drain, cut = asyncio.ensure_future(self.server.drain(self._grace_s)), asyncio.ensure_future(self._cut.wait())
        await asyncio.wait((drain, cut), return_when=asyncio.FIRST_COMPLETED)
        if not drain.done():
            drain.cancel()
        elif not drain.result():
            log("warning", f"calls were still in flight after {self._grace_s:g} s", process=self._name)
        cut.cancel()

    async def _wait_for_store(self) -> None:
        """Serve nobody before the store's keys are known: they would be refused. A store that says nothing is waited
        for no longer than STORE_WAIT_S."""
        try:
            async with asyncio.timeout(STORE_WAIT_S):
                await self._store_known.wait()
        except TimeoutError:
            log(
                "warning", "the database cannot be read; serving without its objects until it can", process=self._name
            )


def _load(path: str) -> tuple[Snapshot, Entries]:
    snapshot = Path(path)
    return read_snapshot(snapshot.read_bytes()), read_entries(declared_file(snapshot).read_bytes())


def _descriptors() -> int:
    """How many files this process may have open; 0: as many as it likes."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 0 if soft == resource.RLIM_INFINITY else soft


def _tls_context(cert: str, key: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(cert, key)
    return read_by_records(context)


def main() -> None:
    """The process."""
    options = read_arguments(
        None,
        required=("snapshot", "bookkeeper"),
        optional=("control-fd", "index", "host", "port", "tls-cert", "tls-key"),
    )
    if "control-fd" not in options:  # its end tells that the supervisor is gone, and calls may complete
        end_with_supervisor()
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(Worker(options, loop).run())
    finally:
        loop.close()
    end_process()


if __name__ == "__main__":
    main()
