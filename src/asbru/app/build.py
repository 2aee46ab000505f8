"""Snapshot -> objects: what a worker serves by. The only place that knows every room.

Built anew, whole, for each snapshot. What must outlive one is in `lasting`. Providers, MCP servers and the cache have
files of their own: `build_provider`, `build_mcp`, `build_cache`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from asbru.app.build_cache import caching
from asbru.app.build_mcp import mcp_endpoint, mcp_prices
from asbru.app.build_provider import origin_of, provider_endpoint
from asbru.app.lasting import Lasting, routing_for
from asbru.app.listed import listed_provider
from asbru.app.model_labels import ModelLabels
from asbru.app.snapshot import Snapshot
from asbru.cache import HEADERS as CACHE_HEADERS
from asbru.catalog import PriceBook, countable
from asbru.catalog.facts import ModelFacts
from asbru.cluster import Entries
from asbru.mcp.servers import Server
from asbru.pipeline import Endpoint, Rooms, StageMaker
from asbru.pipeline.bodies import BodyCopies
from asbru.pipeline.objects import PROVIDER_HEADER
from asbru.pipeline.routing import SESSION_HEADERS, TRACE_HEADER
from asbru.pipeline.strict import STRICT_HEADER
from asbru.pipeline.tools import NARROWED, Toolbox
from asbru.records import AccessLog
from asbru.routing import Plan
from asbru.routing.affinity import Sessions
from asbru.routing.breaker import Breaker
from asbru.stored import ObjectIds, StoredObjects
from asbru.stored.responses import StoredResponses
from asbru.telemetry import names
from asbru.upstream import Origin, Pool


def build_rooms(snapshot: Snapshot, lasting: Lasting) -> Rooms:
    """The rooms for a snapshot. Raises `ValueError` if it makes no sense, having changed nothing."""
    limits = snapshot.limits
    endpoints: dict[str, Endpoint] = {}
    used: set[tuple[Origin, int]] = set()
    for facts in snapshot.providers:
        origin = origin_of(facts)
        used.add((origin, limits.response_bytes_max))
        pool = lasting.pool(origin, limits.response_bytes_max)
        endpoints[facts.name] = provider_endpoint(facts, pool, lasting, traced=snapshot.tracing is not None)
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
        routing=routing_for(snapshot, lasting),
        breaker=_breaker(snapshot, lasting),
        sessions=_sessions(snapshot, lasting),
        tracer=lasting.trace(snapshot.tracing),
        metric_tags=snapshot.metrics.tags or None,
        bodies=_bodies(snapshot, lasting),
        objects=_objects(snapshot, lasting),
        responses=_responses(snapshot, lasting),
        tools=tools,
        model_facts=ModelFacts(listed_provider(facts, snapshot.models) for facts in snapshot.providers),
        cache=caching(snapshot, lasting),
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

    tools.configure(settings, bytes.fromhex(snapshot.pepper.reveal()), connect, snapshot.apis)
    return tools if settings.servers or settings.groups else None


def _stages(snapshot: Snapshot, lasting: Lasting) -> Sequence[StageMaker]:
    """What looks at content; the guardrails are loaded with the first rule. What is offered to models comes last: it is
    none of the caller's words."""
    stages = (*lasting.stages, *_guards(snapshot, lasting))
    if lasting.tools is not None:
        lasting.tools.listeners.guarded = bool(stages)
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
    names = {TRACE_HEADER, PROVIDER_HEADER, NARROWED, STRICT_HEADER, *SESSION_HEADERS}
    if rooms.cache is not None:
        names |= CACHE_HEADERS
    watched = frozenset(name.encode() for name in names)
    watched |= {name for stage in rooms.stages for name in getattr(stage, "watched", ())}
    if rooms.tools is not None and rooms.tools.rules is not None:
        watched |= rooms.tools.rules.watched
    return watched if rooms.routing is None else watched | rooms.routing.watched


def handed_headers(rooms: Rooms) -> frozenset[bytes]:
    """The headers of callers that the server must keep for tools that are called within calls."""
    return frozenset() if rooms.tools is None else rooms.tools.handed


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
