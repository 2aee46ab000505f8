"""Who changed what.

GET /api/v1/changes              newest first; of a kind, of an object
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec
from fastapi import APIRouter, Query, Response

from asbru.admin import nouns
from asbru.admin.act import Act, unwritable
from asbru.storage import StorageError

T = TypeVar("T")

Number = Annotated[int | None, Query(ge=1, le=10**15, description="Begin before this number: `next`.")]
Word = Annotated[str, Query(max_length=512)]


def build_router(act: Act) -> APIRouter:
    """The route."""
    router = APIRouter(tags=["history"])

    @router.get("/changes")
    async def list_changes(  # pyright: ignore[reportUnusedFunction] -- the router calls it
        limit: nouns.Limit = 100, before: Number = None, kind: Word = "", object_id: Word = ""
    ) -> Response:
        """Who changed what, and when; bodies before and after, in which secrets are masked."""
        changes = act.objects.load_changes(before=before, limit=limit, kind=kind, object_id=object_id)
        items = [
            {
                **msgspec.to_builtins(change),
                "before": msgspec.Raw(change.before.encode() or b"null"),
                "after": msgspec.Raw(change.after.encode() or b"null"),
            }
            for change in changes
        ]
        return nouns.answer({"items": items, "next": changes[-1].number if len(changes) == limit else None})

    return router


async def in_thread(read: Callable[[], T]) -> T:
    """What is read from the database; a failure is 503."""
    try:
        return await asyncio.to_thread(read)
    except StorageError as error:
        raise unwritable(error) from error
