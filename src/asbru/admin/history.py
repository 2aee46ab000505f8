"""Who changed what.

GET /api/v1/changes              newest first; of a kind, of an object
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Query, Response

from asbru.admin import nouns
from asbru.admin.act import Act, unwritable
from asbru.objects import hide
from asbru.storage import StorageError

T = TypeVar("T")

Number = Annotated[int | None, Query(ge=1, le=10**15, description="Begin before this number: `next`.")]
Word = Annotated[str, Query(max_length=512)]


def build_router(act: Act, secret_fields: Mapping[str, Collection[str]]) -> APIRouter:
    """The route. `secret_fields`: by kind, for what was noted before a field was one."""
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
                "before": _shown(change.before, secret_fields.get(change.kind, ())),
                "after": _shown(change.after, secret_fields.get(change.kind, ())),
            }
            for change in changes
        ]
        return nouns.answer({"items": items, "next": changes[-1].number if len(changes) == limit else None})

    return router


def _shown(body: str, secret_fields: Collection[str]) -> msgspec.Raw:
    if not body or not secret_fields:
        return msgspec.Raw(body.encode() or b"null")
    shown: dict[str, Any] = msgspec.json.decode(body)
    hide(shown, secret_fields)
    return msgspec.Raw(msgspec.json.encode(shown))


async def in_thread(read: Callable[[], T]) -> T:
    """What is read from the database; a failure is 503."""
    try:
        return await asyncio.to_thread(read)
    except StorageError as error:
        raise unwritable(error) from error
