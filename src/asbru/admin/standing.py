"""GET /api/v1/standing: how far limits are used, `?kind=team&id=blue&id=red`.

Limits are those of the objects as they are declared and stored; what is used of them is the ledger's. Of a virtual key
also those for each provider. An object that does not exist, is out of reach, or has no limits, adds nothing; limits
of providers, models and the like are out of reach of a scope.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Literal, TypeAlias

import msgspec
from fastapi import APIRouter, Query, Request, Response

from asbru.admin import nouns
from asbru.admin.access import SCOPED, reach_of
from asbru.admin.history import in_thread
from asbru.admin.objects import Objects
from asbru.admin.reach import Reach
from asbru.core.errors import NotFound
from asbru.governance import declare
from asbru.governance.declared import Access, Limited
from asbru.governance.entries import LimitEntry
from asbru.governance.ledger import standings
from asbru.governance.standing import Used
from asbru.storage import open_reader

IDS_MAX = 200
_OWNERS = ("key", "team", "customer")
"""The others' limits are objects of their own."""

OwnerKind: TypeAlias = Literal["key", "team", "customer", "provider", "model", "provider_key", "tool"]
Ids = Annotated[
    list[Annotated[str, Query(max_length=512)]],
    Query(alias="id", max_length=IDS_MAX, description="Names; `provider/model` and `provider/key-name` of those."),
]


class Standings(msgspec.Struct, frozen=True):
    """The limits of the owners that were asked for."""

    items: tuple[standings.LedgerStanding, ...]


class Standing:
    """See the module. `objects`: by kind; `url`: the database of the ledger."""

    def __init__(self, objects: Mapping[str, Objects], url: str, now_ms: Callable[[], int]) -> None:
        self._objects = objects
        self._url = url
        self._now_ms = now_ms

    def build_router(self) -> APIRouter:
        """The route."""
        router = APIRouter(tags=["spend"])

        @router.get("/standing", openapi_extra={SCOPED: True, **nouns.gives(Standings)})
        async def list_standings(request: Request, kind: OwnerKind, ids: Ids) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
            """How far the limits of these objects are used."""
            reach = reach_of(request)
            asked = [pair for one in dict.fromkeys(ids) for pair in _limits(self._objects, kind, one, reach)]
            return nouns.answer(Standings(await self._read(asked)))

        return router

    async def used(self, owners: Iterable[tuple[OwnerKind, str]], reach: Reach) -> Used:
        """How much of their limits owners have used, which are those of one call. One out of reach adds nothing."""
        asked = [
            (owner, limit)
            for kind, name in owners
            for owner, limit in _limits(self._objects, kind, name, reach)
            if owner == f"{kind}/{name}"
        ]
        found = await self._read(asked)

        def fullest(*metrics: str) -> float:
            return max((100.0 * one.spent / one.amount for one in found if one.metric in metrics), default=0.0)

        return Used(fullest("cost"), fullest("tokens", "input_tokens", "output_tokens"), fullest("requests"))

    async def of_run(
        self, owners: Iterable[tuple[OwnerKind, str]], run: str, reach: Reach
    ) -> tuple[standings.LedgerStanding, ...]:
        """The limits of these owners that count each run separately, as they stand for this run. A limit that has
        counted no such run, and an owner out of reach, add nothing."""
        asked = [pair for kind, name in owners for pair in _limits(self._objects, kind, name, reach)]
        return await in_thread(lambda: _read_run(self._url, asked, run, self._now_ms()))

    async def _read(self, asked: list[tuple[str, LimitEntry]]) -> tuple[standings.LedgerStanding, ...]:
        return await in_thread(lambda: _read(self._url, asked, self._now_ms()))


def _limits(
    objects: Mapping[str, Objects], kind: OwnerKind, one: str, reach: Reach
) -> Iterator[tuple[str, LimitEntry]]:
    owner = f"{kind}/{one}"
    if kind not in _OWNERS and not reach.is_whole:  # what is used of these, callers of every team use
        return
    try:
        found = objects[kind].read(one, reach) if kind in _OWNERS else objects["limits"].read(owner)
    except NotFound:
        return
    assert isinstance(found, Limited)
    yield from ((owner, limit) for limit in declare.limits_of(owner, found))
    if isinstance(found, Access):
        for access in found.providers:
            part = f"{owner}/provider/{access.provider}"
            yield from ((part, limit) for limit in declare.limits_of(part, access))


def _read(url: str, asked: list[tuple[str, LimitEntry]], now_ms: int) -> tuple[standings.LedgerStanding, ...]:
    database = open_reader(url) if asked else None
    try:
        return tuple(standings.read_standing(database, owner, limit, now_ms) for owner, limit in asked)
    finally:
        if database is not None:
            database.close()


def _read_run(
    url: str, asked: list[tuple[str, LimitEntry]], run: str, now_ms: int
) -> tuple[standings.LedgerStanding, ...]:
    database = open_reader(url) if asked else None
    if database is None:
        return ()
    try:
        found = (standings.read_run(database, owner, limit, run=run, now_ms=now_ms) for owner, limit in asked)
        return tuple(one for one in found if one is not None)
    finally:
        database.close()
