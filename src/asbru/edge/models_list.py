"""Which models a caller may use, for the list of models; how it is written is the dialect's business.

    named in the configuration: aliases, keys, fallbacks, the caller's own virtual key     always
    the provider's own list                                                                where it can be asked
    what the price data names                                                              where it cannot

A provider is asked when a list is wanted and none is at hand, within `DEADLINES`, all providers at once; its answer is
kept for `LISTED_FOR_S`, a failure for `FAILED_FOR_S`. No call waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from asbru.core.errors import AsbruError
from asbru.edge.model_facts import look_up
from asbru.governance import Caller
from asbru.pipeline import Endpoint, Rooms
from asbru.routing import Plan, ProviderRoute
from asbru.upstream import Exchange, ExchangeDeadlines

LISTED_FOR_S = 300.0
FAILED_FOR_S = 30.0
DEADLINES = ExchangeDeadlines(connect_s=2.0, first_token_s=3.0, idle_s=3.0, total_s=3.0)


async def fetch_models(rooms: Rooms, caller: Caller) -> None:
    """Have the lists of providers at hand, and what is known of the models that `caller` may use."""
    await fetch_lists(rooms, caller)
    if rooms.model_facts is not None:
        await look_up(rooms.loop, rooms.model_facts, model_names(rooms, caller))


async def fetch_lists(rooms: Rooms, caller: Caller) -> None:
    """Ask each provider that `caller` may use, and whose list is too old, for its models."""
    asked: list[tuple[Endpoint, Exchange]] = []
    try:
        for endpoint in rooms.endpoints.values():
            head = _request_of(endpoint, caller) if endpoint.listed_until_s <= rooms.clock() else None
            if head is None:
                continue
            endpoint.listed_until_s = rooms.clock() + DEADLINES.total_s  # others go on with what there is
            try:
                asked.append((endpoint, endpoint.pool.begin(head, b"", DEADLINES, streaming_wanted=False)))
            except AsbruError:
                continue  # no room in the pool: calls come first
        for endpoint, exchange in asked:
            listed = await _read(endpoint, exchange)
            if listed is not None:
                endpoint.listed = listed
            endpoint.listed_until_s = rooms.clock() + (FAILED_FOR_S if listed is None else LISTED_FOR_S)
    finally:
        for _, exchange in asked:
            if not exchange.over:
                exchange.abort()


async def _read(endpoint: Endpoint, exchange: Exchange) -> tuple[str, ...] | None:
    try:
        upstream = await exchange
    except AsbruError as error:
        error.let_go()
        return None
    if upstream.status != 200 or upstream.streaming:
        return None
    return endpoint.dialect.models.read(upstream.body)


def _request_of(endpoint: Endpoint, caller: Caller) -> bytes | None:
    """The head to ask with; None where the provider has no list, or no key that needs nobody's help."""
    route = _route_of(endpoint.route, caller)
    if "models" not in route.operations:
        return None
    if route.keyless:
        return endpoint.write_list_head(b"")
    lines = next((key.lines for key in route.keys if key.lines is not None), None)
    return None if lines is None else endpoint.write_list_head(lines)


def model_names(rooms: Rooms, caller: Caller) -> list[str]:
    """Every alias and "provider/model" that `caller` may use: within each provider those that are named first."""
    names = [name for name, target in rooms.plan.aliases.items() if _may_use(caller, target.provider, target.model)]
    for endpoint in rooms.endpoints.values():
        route = _route_of(endpoint.route, caller)
        named = set(_named(route, rooms.plan, caller))
        known = endpoint.listed if endpoint.listed is not None else route.known_models
        rest = {model for model in known if route.serves(model)} - named
        names.extend(
            f"{route.name}/{model}" for model in (*sorted(named), *sorted(rest)) if _may_use(caller, route, model)
        )
    return names


def _may_use(caller: Caller, route: ProviderRoute, model: str) -> bool:
    return caller.may_use(route.name, model) and route.leading_to(model, caller.may_be_served_by) is not None


def _route_of(whole: ProviderRoute, caller: Caller) -> ProviderRoute:
    """The provider with the keys that may serve the caller."""
    key_names = caller.keys_of(whole.name)
    return whole if key_names is None else whole.with_keys(key_names)


def _named(route: ProviderRoute, plan: Plan, caller: Caller) -> Iterator[str]:
    """Models of the provider that the configuration names, as far as they can be called."""
    for key in route.keys:
        yield from (model for model in (*key.models, *key.aliases) if "*" not in model)
    yield from (model for model in plan.in_fallbacks(route.name) if route.serves(model))
    entry = caller.entry
    for pattern in entry.models:
        provider, slash, model = pattern.partition("/")
        if slash and provider == route.name and "*" not in model and route.serves(model):
            yield model
    for one in entry.providers:
        if one.provider == route.name:
            yield from (model for model in one.models if "*" not in model and route.serves(model))
