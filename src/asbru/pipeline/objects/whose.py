"""Whose an object is, and which provider keeps a new one.

an id            its provider and the key that made it; of another owner, forged or cut: 404
a new object     the provider that the header or the query names, else the first configured one that offers this and
                 that the key may use
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from asbru.core.errors import AsbruError, Forbidden, NotFound, Overloaded, UnsupportedByProvider
from asbru.pipeline.access import permitted_keys, permitted_whole
from asbru.pipeline.call import Call
from asbru.pipeline.endpoint import NO_KEY, Endpoint
from asbru.pipeline.rooms import Rooms
from asbru.routing import Key, ProviderRoute, Target
from asbru.routing.weights import draw
from asbru.stored import ObjectRef, StoredObjects

PROVIDER_HEADER: Final = "x-asbru-provider"
PROVIDER_PARAMETER: Final = "provider"


def stored_objects(rooms: Rooms) -> StoredObjects:
    """What stores objects; raises `Overloaded` where that is not possible."""
    if rooms.objects is None:
        raise Overloaded("objects cannot be stored now; try again shortly", retry_after_s=1)
    return rooms.objects


def open_id(call: Call, kind: str, text: str, rooms: Rooms) -> ObjectRef:
    """What an id holds. Raises `NotFound` alike for ids that are another's and that are none."""
    caller = call.caller
    assert caller is not None
    ref = stored_objects(rooms).ids.open(text)
    if ref is None or ref.kind != kind or ref.owner != caller.identity:
        raise NotFound(f"there is no {kind} '{text[:200]}'", code="object_not_found")
    return ref


def keeper_of(call: Call, ref: ObjectRef, rooms: Rooms) -> tuple[Target, Key]:
    """The provider that keeps an object, and the key to ask with: the one that made it."""
    caller = call.caller
    assert caller is not None
    endpoint = endpoint_of(call, ref.provider, rooms)
    gone = NotFound(
        f"the provider '{ref.provider}' or its key '{ref.key}', which keep this {ref.kind}, is no longer configured",
        code="object_not_found",
    )
    if endpoint is None:
        raise gone
    caller.check_provider(ref.provider)
    route = permitted_keys(caller, endpoint.route)
    if route.keyless:
        return Target(route, ""), NO_KEY
    key = next((one for one in route.keys if one.name == ref.key), None)
    if key is None:
        raise gone
    return Target(route, ""), key


def keeper_of_new(call: Call, rooms: Rooms) -> tuple[Target, Key]:
    """The provider that is to keep a new object, and a key of it."""
    family = call.operation.name
    named = named_provider(call)
    if named:
        if named not in rooms.endpoints:
            raise NotFound(f"there is no provider '{named[:200]}'", code="provider_not_found")
        endpoint = endpoint_of(call, named, rooms)
        if endpoint is None or family not in endpoint.operations:
            raise UnsupportedByProvider(f"the provider '{named}' does not support {call.operation.words}")
        return _with_key(permitted(call, endpoint.route), rooms)
    first: AsbruError | None = None
    for name in rooms.endpoints:
        endpoint = endpoint_of(call, name, rooms)
        if endpoint is not None and family in endpoint.operations:
            try:
                return _with_key(permitted(call, endpoint.route), rooms)
            except Forbidden as error:
                first = first or error
    raise first or UnsupportedByProvider(f"no configured provider supports {call.operation.words}")


def endpoint_of(call: Call, provider: str, rooms: Rooms) -> Endpoint | None:
    """A provider in the caller's dialect; None where it is not there or does not speak it."""
    endpoint = rooms.endpoints.get(provider)
    return None if endpoint is None else endpoint.in_dialect(call.dialect)


def permitted(call: Call, route: ProviderRoute) -> ProviderRoute:
    """The provider with the keys that the caller may use. What makes it use models that Asbru does not see
    is only for callers that may use all of them."""
    caller, stored = call.caller, call.operation.stored
    assert caller is not None and stored is not None
    if stored.spends:
        return permitted_whole(caller, route)
    caller.check_provider(route.name)
    return permitted_keys(caller, route)


def named_provider(call: Call) -> str:
    """The provider that the caller names, "" for none."""
    named = call.watched.get(PROVIDER_HEADER, "").strip()
    return named or next((value for name, value in parameters(call.query) if name == PROVIDER_PARAMETER), "")


def parameters(query: bytes) -> Iterator[tuple[str, str]]:
    """The parameters of a query."""
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        yield _decoded(name), _decoded(value)


def query_without_provider(query: bytes) -> bytes:
    """The query for the provider."""
    return b"&".join(part for part in query.split(b"&") if _decoded(part.partition(b"=")[0]) != PROVIDER_PARAMETER)


def _decoded(part: bytes) -> str:
    return unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8", "replace")


def _with_key(route: ProviderRoute, rooms: Rooms) -> tuple[Target, Key]:
    """Any of its keys, whatever models they are for; rather one that was not refused lately."""
    if route.keyless:
        return Target(route, ""), NO_KEY
    now_s = rooms.clock()
    keys = [key for key in route.keys if key.limited_until_s <= now_s]
    if not keys:
        raise NotFound(f"no key of '{route.name}' can be used now", code="no_key_available")
    fresh = [key for key in keys if key.refused_until_s <= now_s]
    return Target(route, ""), draw(fresh or keys, rooms.chance())
