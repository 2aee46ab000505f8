"""The cache of replies: what it holds and what it saved, and how it is cleared.

GET    /api/v1/cache?since_ms=    entries, bytes, hits, what was saved; by default of the last 24 hours
DELETE /api/v1/cache?key=|tag=|prefix=|all=true

A clearing is done when the database has forgotten and workers were told; each worker forgets within moments.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeAlias

import msgspec
from fastapi import APIRouter, Query, Request, Response

from asbru.admin import nouns
from asbru.admin.access import actor_of
from asbru.admin.act import Act, Deed
from asbru.admin.history import in_thread
from asbru.admin.observed import Observed
from asbru.admin.span import Moment, read_span
from asbru.cache import Clearing
from asbru.cache.sql import table
from asbru.core.errors import BadRequest, Overloaded
from asbru.records.kept import CacheStep, CacheUse, read_cache_use

ClearCache: TypeAlias = "Callable[[Clearing], Awaitable[bool]]"
"""Clears entries everywhere; whether that was done."""

Word = Annotated[str, Query(max_length=1024)]


class CacheHeld(msgspec.Struct, frozen=True):
    """Entries, and their size in bytes."""

    entries: int
    bytes: int


class CacheReport(msgspec.Struct, frozen=True):
    """`memory`: of all workers together, which may hold the same entry each; `database`: what they share;
    `steps`: the span in parts of the same length."""

    since_ms: int
    until_ms: int
    memory: CacheHeld
    database: CacheHeld
    use: CacheUse
    steps: tuple[CacheStep, ...]


SHAPES = (CacheReport,)


async def clear_nothing(clearing: Clearing) -> bool:
    """For an API that stands alone: there is nothing to clear."""
    del clearing
    return True


def build_router(act: Act, observed: Observed, url: str, clear: ClearCache) -> APIRouter:
    """The routes; `url`: the database of records and entries."""
    router = APIRouter(tags=["cache"])

    @router.get("/cache", openapi_extra=nouns.gives(CacheReport))
    async def show_cache(since_ms: Moment = None, until_ms: Moment = None) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """What the cache holds now, and what it did in a span of time."""
        span = read_span(since_ms, until_ms)
        workers = await observed.workers() or ()
        size = await in_thread(lambda: table.read_size(url))
        use, steps = await in_thread(lambda: read_cache_use(url, *span))
        return nouns.answer(
            CacheReport(
                *span,
                CacheHeld(sum(one.cache_entries for one in workers), sum(one.cache_bytes for one in workers)),
                CacheHeld(size.entries, size.bytes),
                use,
                steps,
            )
        )

    @router.delete("/cache", status_code=204)
    async def clear_cache(  # pyright: ignore[reportUnusedFunction] -- likewise
        request: Request,
        *,
        key: Word = "",
        tag: Word = "",
        prefix: Word = "",
        all: bool = False,  # noqa: A002 -- the wire's own word
    ) -> Response:
        """Forget the entry of a key, those with a tag, those whose keys begin with a prefix, or all."""
        clearing = Clearing(key, tag, prefix)
        if all == bool(key or tag or prefix):
            raise BadRequest("expected `key`, `tag` or `prefix`, or `all=true`", status=422)

        async def ask() -> None:
            if not await clear(clearing):
                raise Overloaded("the cache cannot be cleared now; nothing was changed", retry_after_s=1)

        def note(deed: Deed) -> None:
            named = [f"{name} {word}" for name, word in (("key", key), ("tag", tag), ("prefix", prefix)) if word]
            deed.note("cleared", "cache", ", ".join(named) or "all")

        await act.perform(actor_of(request), "cache:write", note, before=ask)
        return Response(status_code=204)

    return router
