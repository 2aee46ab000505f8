"""Snapshot -> objects: what a worker serves by. The only place that knows every room.

Built anew, whole, for each snapshot. What must outlive one is in `Lasting`: connection pools (kept while their origin
is the same), TLS contexts, ids, counters, how long refused keys cool down, circuits, and what the feed tells.
"""

from __future__ import annotations

import asyncio
import random
import secrets
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from urllib.parse import urlsplit

from asbru.app.build_mcp import mcp_endpoint, mcp_prices
from asbru.app.listed import listed_provider
from asbru.app.model_labels import ModelLabels
from asbru.app.snapshot import KeyFacts, ProviderFacts, Snapshot
from asbru.cache import HEADERS as CACHE_HEADERS
from asbru.cache import Flights, MemoryStore, SemanticSettings
from asbru.cache.sql import SharedStore, TieredStore
from asbru.catalog import PriceBook, PricedModel, TokenCounter, countable, find_priced_model
from asbru.catalog.facts import ModelFacts
from asbru.cluster import Entries, Feed, Subscriber
from asbru.core.ids import IdSource
from asbru.core.secret_text import SecretText
from asbru.core.traits import PLAIN_ADDRESSING
from asbru.dialects import Dialect, discover
from asbru.governance import VIRTUAL_KEY, Keys
from asbru.governance.entries import OWNER
from asbru.governance.limits import Limits, Reservation
from asbru.governance.standing import Standings
from asbru.mcp.catalogue import MCP_SERVER
from asbru.mcp.servers import Server
from asbru.pipeline import Endpoint, Load, Rooms, StageMaker
from asbru.pipeline.bodies import BodyCopies, KeepBodies
from asbru.pipeline.caching import Caching, Meaning
from asbru.pipeline.internal import InternalCalls
from asbru.pipeline.leases import CallLeases, Leases, Typical
from asbru.pipeline.objects import PROVIDER_HEADER
from asbru.pipeline.routing import SESSION_HEADERS, TRACE_HEADER, Routing
from asbru.pipeline.strict import STRICT_HEADER
from asbru.pipeline.tools import NARROWED, Toolbox
from asbru.providers import ProviderFault, credential_maker
from asbru.records import AccessLog, RecordWriter
from asbru.routing import Key, Plan, ProviderRoute
from asbru.routing.affinity import Sessions
from asbru.routing.breaker import Breaker
from asbru.routing.rules import Rules
from asbru.stored import ObjectIds, ObjectIndex, StoredObjects
from asbru.stored.responses import ResponseIndex, StoredResponses
from asbru.telemetry import LimitedLog, Meter, names
from asbru.telemetry.tracing import SpanCounts, SpanQueue, TraceExport, Tracer
from asbru.upstream import Origin, Pool, TlsContexts, proxy_authorization
from asbru.upstream.credentials import Credential, FixedCredential, KeyMaterial, TokenPorts, TokenSender
from asbru.upstream.origin import Reach
from asbru.wire.outbox import Outbox

REMEMBERED_NAMES_MAX = 1024
"""Bare names of which it is remembered whether a provider's price data recognises them; callers choose names."""


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
            self.rooms.limit(leases, self.standings_known, _routing(self.snapshot, self))

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


def build_rooms(snapshot: Snapshot, lasting: Lasting) -> Rooms:
    """The rooms for a snapshot. Raises `ValueError` if it makes no sense, having changed nothing."""
    limits = snapshot.limits
    endpoints: dict[str, Endpoint] = {}
    used: set[tuple[Origin, int]] = set()
    for facts in snapshot.providers:
        origin = origin_of(facts)
        used.add((origin, limits.response_bytes_max))
        pool = lasting.pool(origin, limits.response_bytes_max)
        endpoints[facts.name] = _endpoint(facts, pool, lasting, traced=snapshot.tracing is not None)
    plan = Plan(
        {name: endpoint.route for name, endpoint in endpoints.items()},
        {fallback.source: [_split(target) for target in fallback.targets] for fallback in snapshot.fallbacks},
        {name: _split(target) for name, target in snapshot.models.items()},
    )
    used |= {(_socket_origin(forward.unix_socket), limits.response_bytes_max) for forward in snapshot.forwards}
    overload = snapshot.overload
    lasting.load.in_flight_max = limits.requests_in_flight_max
    lasting.load.queued_max, lasting.load.wait_s = overload.places, overload.wait_s
    for pool in lasting.pools.values():
        pool.queued_max, pool.wait_s = overload.places, overload.wait_s
    tools = _tools(snapshot, lasting)
    if lasting.tools is not None:
        used |= {(endpoint.pool.origin, limits.response_bytes_max) for endpoint in lasting.tools.endpoints}
    lasting.keep_only(used)
    lasting.keys = {
        (facts.name, key.name, key.value): made
        for facts in snapshot.providers
        for key, made in zip(facts.keys, endpoints[facts.name].route.keys, strict=False)
    }
    in_use = {id(key.credential) for key in lasting.keys.values()}
    lasting.credentials = {known: one for known, one in lasting.credentials.items() if id(one) in in_use}
    prices = PriceBook({**{facts.name: facts.prices for facts in snapshot.providers}, **mcp_prices(snapshot.mcp)})
    lasting.rooms = Rooms(
        lasting.loop,
        keys=lasting.virtual_keys,
        plan=plan,
        endpoints=endpoints,
        prices=prices,
        recorder=AccessLog(lasting.recorder) if snapshot.access_log else lasting.recorder,
        meter=lasting.meter,
        load=lasting.load,
        failures=lasting.failures,
        ids=lasting.ids,
        chance=random.random,
        unix_time=time.time,
        count_tokens=lambda request: lasting.counter.count(countable(request)),
        body_bytes_max=limits.body_bytes_max,
        response_bytes_max=limits.response_bytes_max,
        leases=lasting.leases_for(prices, snapshot.reservation),
        standings=lasting.standings_known,
        stages=_stages(snapshot, lasting),
        routing=_routing(snapshot, lasting),
        breaker=_breaker(snapshot, lasting),
        sessions=_sessions(snapshot, lasting),
        tracer=lasting.trace(snapshot.tracing),
        metric_tags=snapshot.metrics.tags or None,
        bodies=_bodies(snapshot, lasting),
        objects=_objects(snapshot, lasting),
        responses=_responses(snapshot, lasting),
        tools=tools,
        model_facts=ModelFacts(listed_provider(facts, snapshot.models) for facts in snapshot.providers),
        cache=_cache(snapshot, lasting),
    )
    lasting.snapshot = snapshot
    catalogue = None if lasting.tools is None else lasting.tools.catalogue
    lasting.meter.configure(ModelLabels(snapshot, endpoints, catalogue).label, snapshot.metrics.series_max)
    return lasting.rooms


def _tools(snapshot: Snapshot, lasting: Lasting) -> Toolbox | None:
    """The servers of tools; None where none is configured."""
    tools, settings = lasting.tools, snapshot.mcp
    if tools is None:
        return None
    bytes_max, traced = snapshot.limits.response_bytes_max, snapshot.tracing is not None

    def connect(server: Server, address: str) -> Endpoint:
        return mcp_endpoint(server, address, lambda origin: lasting.pool(origin, bytes_max), traced=traced)

    tools.configure(settings, bytes.fromhex(snapshot.pepper.reveal()), connect)
    return tools if settings.servers or settings.groups else None


def _routing(snapshot: Snapshot, lasting: Lasting) -> Routing | None:
    """What chooses targets besides the plan; None where nothing of it is configured, so that it costs nothing."""
    has_rules = any(rule.enabled for rule in snapshot.routing_rules)
    if not has_rules and lasting.standings_known is None:
        return None
    return Routing(Rules(snapshot.routing_rules) if has_rules else None, lasting.standings_known)


def _stages(snapshot: Snapshot, lasting: Lasting) -> Sequence[StageMaker]:
    """What looks at content; the guardrails are loaded with the first rule. What is offered to models comes last: it is
    none of the caller's words."""
    stages = (*lasting.stages, *_guards(snapshot, lasting))
    settings = snapshot.mcp
    if lasting.tools is None or not settings.servers or not settings.offer:
        return stages
    return (*stages, lasting.tools.offering(time.monotonic))


def _guards(snapshot: Snapshot, lasting: Lasting) -> Sequence[StageMaker]:
    rules = snapshot.guardrails.rules
    if not any(rule.enabled for rule in rules):
        return ()
    from asbru.guardrails.engine import RuleSet
    from asbru.pipeline.guarding import Guarding, GuardPorts

    rule_set = RuleSet(rules, bytes.fromhex(snapshot.pepper.reveal()))
    ports = GuardPorts(lasting.loop, lasting.pool, lambda: lasting.rooms, lasting.dialects["openai_chat"])
    return (Guarding(rule_set, ports, random.random, lasting.standings_known),)


def _breaker(snapshot: Snapshot, lasting: Lasting) -> Breaker | None:
    """The breaker, which goes on as it was; None where it is switched off."""
    breaker = lasting.breaker
    breaker.settings = snapshot.breaker
    if not snapshot.breaker.enabled:
        breaker.circuits.clear()
    for provider in snapshot.providers:
        for state in ("open", "half_open"):
            count = partial(breaker.count, provider.name, state)
            lasting.meter.gauge(names.CIRCUITS, partial(_now, count), (provider.name, state))
    return breaker if snapshot.breaker.enabled else None


def _bodies(snapshot: Snapshot, lasting: Lasting) -> BodyCopies | None:
    """What copies bodies; None where none are recorded."""
    settings = snapshot.records
    if settings.bodies == "off" or lasting.bodies is None:
        return None
    return BodyCopies(lasting.bodies, every=settings.bodies == "all", bytes_max=settings.body_bytes_max)


def _objects(snapshot: Snapshot, lasting: Lasting) -> StoredObjects | None:
    """What stores objects; None where there is no key or no index."""
    keys = [bytes.fromhex(key.reveal()) for key in snapshot.object_keys]
    if not keys or lasting.object_index is None:
        return None
    return StoredObjects(ObjectIds(keys), lasting.object_index)


def _responses(snapshot: Snapshot, lasting: Lasting) -> StoredResponses | None:
    """What stores responses; None where none are stored."""
    keys = [bytes.fromhex(key.reveal()) for key in snapshot.object_keys]
    if not keys or lasting.response_index is None or not snapshot.conversations.stored:
        return None
    return StoredResponses(ObjectIds(keys), lasting.response_index, snapshot.conversations)


def _cache(snapshot: Snapshot, lasting: Lasting) -> Caching | None:
    """What keeps replies, as before; None where it is off, and then what was kept is forgotten."""
    settings, memory = snapshot.cache, lasting.cache_memory
    memory.limit(settings.bytes_max if settings.enabled else 0)
    if not settings.enabled:
        return None
    if lasting.cache is None:
        lasting.cache = Caching(memory, Flights(lasting.loop.call_later, lasting.loop.call_soon))
        _count_cache(lasting.cache, memory, lasting.meter)
    shared = lasting.shared_cache if settings.store == "sql" else None
    if shared is not None:
        shared.bytes_max = settings.sql_bytes_max
    lasting.cache.store = memory if shared is None else TieredStore(memory, shared)
    lasting.cache.configure(settings, _meaning(settings.semantic, lasting))
    return lasting.cache


def _meaning(settings: SemanticSettings, lasting: Lasting) -> Meaning | None:
    """What finds questions in other words, as before; None where it is off."""
    if settings.mode == "off":
        lasting.meaning = None
        return None
    if lasting.meaning is None:
        from asbru.cache.semantic import vectors  # loads numpy

        lasting.meaning = Meaning(InternalCalls(lasting.dialects["openai_chat"]), vectors.Vectors(settings.bytes_max))
    lasting.meaning.vectors.bytes_max = settings.bytes_max
    return lasting.meaning


def _count_cache(cache: Caching, memory: MemoryStore, meter: Meter) -> None:
    for result in cache.counts:
        meter.count_by(names.CACHE_CALLS, partial(cache.counts.__getitem__, result), (result,))
    meter.count_by(names.CACHE_SAVED, lambda: cache.saved_nanousd)
    meter.count_by(names.CACHE_EVICTED, lambda: memory.evicted)
    meter.gauge(names.CACHE_ENTRIES, lambda: len(memory))
    meter.gauge(names.CACHE_BYTES, lambda: memory.bytes)


def _now(count: Callable[[float], int]) -> int:
    return count(time.monotonic())


def _sessions(snapshot: Snapshot, lasting: Lasting) -> Sessions | None:
    """The sessions, remembered as before; None where they are switched off, or there is nothing to choose from."""
    sessions = lasting.sessions
    sessions.settings = snapshot.affinity
    if not snapshot.affinity.enabled or sum(len(provider.keys) for provider in snapshot.providers) < 2:
        sessions.clear()
        return None
    return sessions


def watched_headers(rooms: Rooms) -> frozenset[bytes]:
    """The headers that the server must keep for these rooms."""
    names = {TRACE_HEADER, PROVIDER_HEADER, NARROWED, STRICT_HEADER}
    if rooms.sessions is not None:
        names |= set(SESSION_HEADERS)
    if rooms.cache is not None:
        names |= CACHE_HEADERS
    watched = frozenset(name.encode() for name in names)
    watched |= {name for stage in rooms.stages for name in getattr(stage, "watched", ())}
    return watched if rooms.routing is None else watched | rooms.routing.watched


def declare(snapshot: Snapshot, declared: Entries, lasting: Lasting) -> Iterator[None]:
    """Bring the feed to what was compiled together with the snapshot, in steps that are small enough to stand between
    two calls. Whether everyone is let in changes last: who has a key is known by then."""
    yield from lasting.feed.replace_file(declared)
    lasting.virtual_keys.configure(
        bytes.fromhex(snapshot.pepper.reveal()), open_access=snapshot.open_access, optional=snapshot.keys_optional
    )


def build_forwards(snapshot: Snapshot, lasting: Lasting) -> dict[bytes, Pool]:
    """Pools for the forwarded path prefixes."""
    return {
        forward.prefix.rstrip("/").encode(): lasting.pool(
            _socket_origin(forward.unix_socket), snapshot.limits.response_bytes_max
        )
        for forward in snapshot.forwards
    }


def _split(target: str) -> tuple[str, str]:
    provider, _, model = target.partition("/")
    return provider, model


def _socket_origin(path: str) -> Origin:
    return Origin(host="localhost", port=0, unix_socket=path)


def origin_of(facts: ProviderFacts) -> Origin:
    """Where a provider is and how it is reached. Raises `ValueError`."""
    parts = urlsplit(facts.base_url)
    tls = parts.scheme == "https"
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError(f"provider {facts.name}: expected an http(s) base_url, got {facts.base_url!r}")
    return Origin(
        host=parts.hostname,
        port=parts.port or (443 if tls else 80),
        tls=tls,
        trust=facts.tls,
        unix_socket=facts.unix_socket,
        **{name: getattr(facts, name) for name in Reach.__struct_fields__},
    )


def _endpoint(facts: ProviderFacts, pool: Pool, lasting: Lasting, *, traced: bool) -> Endpoint:
    parts = urlsplit(facts.base_url)
    route = _route(facts, lasting)
    plain_proxy = facts.proxy is not None and parts.scheme == "http"
    spoken = {facts.dialect: facts.operations, **facts.also}
    endpoint, *others = (
        Endpoint(
            route,
            lasting.dialects[name],
            pool,
            facts.deadlines,
            operations=frozenset(operations),
            base_path=parts.path.rstrip("/"),
            authority=parts.netloc.rpartition("@")[2],
            headers={name: value.reveal() for name, value in facts.headers.items()},
            absolute=f"http://{parts.netloc}" if plain_proxy else "",
            extra_lines=proxy_authorization(facts.proxy) if plain_proxy and facts.proxy else b"",
            traced=traced,
            vendor=facts.vendor,
            addressing=facts.addressing.get(name, PLAIN_ADDRESSING),
        )
        for name, operations in spoken.items()
    )
    endpoint.others = {other.dialect.name: other for other in others} or None
    for other in others:
        other.models = facts.also_for.get(other.dialect.name, ())
    return endpoint


def _route(facts: ProviderFacts, lasting: Lasting) -> ProviderRoute:
    keyless = len(facts.keys) == 1 and not facts.keys[0].value.reveal()
    keys = () if keyless else tuple(_key(facts, key, lasting) for key in facts.keys)
    route = ProviderRoute(
        facts.name, facts.dialect, keys, keyless=keyless, traits=facts.traits, trait_rules=facts.trait_rules
    )
    route.operations = frozenset(facts.operations)
    route.known_models = facts.known_models
    route.recognises = _recogniser(tuple(priced for priced in facts.prices if "*" not in priced.id))
    route.retries = facts.retries
    return route


def _recogniser(price_data: tuple[PricedModel, ...]) -> Callable[[str], bool]:
    @lru_cache(REMEMBERED_NAMES_MAX)
    def recognises(model: str) -> bool:
        return find_priced_model(price_data, model) is not None

    return recognises


def _key(facts: ProviderFacts, key: KeyFacts, lasting: Lasting) -> Key:
    """A key; one that is the same as before goes on cooling down."""
    credential = _credential(facts, key, lasting)
    made = Key(key.name, credential, frozenset(key.models), weight=key.weight, aliases=key.aliases)
    made.secret = key.value.reveal()
    identity = (facts.name, key.name, key.value)
    before = lasting.keys.get(identity)
    if before is not None:
        made.limited_until_s = before.limited_until_s
        made.limited_models = before.limited_models
        made.refused_until_s = before.refused_until_s
        made.refused_models = before.refused_models
    return made


def _credential(facts: ProviderFacts, key: KeyFacts, lasting: Lasting) -> Credential:
    """How a key is shown. One that must be asked is kept while nothing that it depends on changes: it may hold a
    token, or be fetching one."""
    try:
        maker = credential_maker(facts.auth)
    except ProviderFault as error:
        raise ValueError(f"provider {facts.name}: {error}") from None
    if maker is None:
        name, scheme = ("authorization", "Bearer ") if facts.auth == "bearer" else (facts.auth, "")
        try:
            return FixedCredential.of_header(name, f"{scheme}{key.value.reveal()}")
        except ValueError as error:
            raise ValueError(f"provider {facts.name}: the value of key '{key.name}' {error}") from None
    origin = origin_of(facts)
    identity = (facts.name, key.name, key.value, facts.auth, facts.base_url, origin)
    credential = lasting.credentials.get(identity)
    if credential is None:
        sender = TokenSender(origin, lasting.pool)
        ports = TokenPorts(
            f"{facts.name}/{key.name}", sender.send, time.monotonic, time.time, lasting.loop.call_later
        )
        credential = maker(KeyMaterial(key.value, facts.base_url), ports)
        lasting.credentials[identity] = credential
    return credential
