"""What happened: the records of calls, and who changed what.

    GET /api/v1/records              newest first; filters, `text`, a span of time; `before` is the `next` of a page
    GET /api/v1/records/ID
    GET /api/v1/changes              newest first; of a kind, of an object

Records are read by a thread with a connection of its own, since a search may take a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request, Response

from asbru.admin import nouns
from asbru.admin.act import Act, unwritable
from asbru.core.errors import BadRequest, NotFound
from asbru.records import query
from asbru.storage import StorageError

T = TypeVar("T")

Before = Annotated[str, Query(max_length=64, description="Begin before this id: `next` of the page before.")]
Number = Annotated[int | None, Query(ge=1, le=10**15, description="Begin before this number: `next`.")]
Moment = Annotated[int | None, Query(ge=0, le=10**14, description="Unix milliseconds.")]
Text = Annotated[str, Query(max_length=128, description="Part of a model's name, an error or a note.")]
Word = Annotated[str, Query(max_length=512)]

_NUMBERS = ("status",)
_FILTERS: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "query", "schema": {"type": "integer" if name in _NUMBERS else "string"}}
        for name in query.FILTERS
    ]
}


def build_router(act: Act, url: str) -> APIRouter:
    """The routes; `url`: the database of the records."""
    router = APIRouter(tags=["history"])

    @router.get("/records", openapi_extra=_FILTERS)
    async def list_records(  # pyright: ignore[reportUnusedFunction] -- the router calls it
        request: Request,
        *,
        limit: nouns.Limit = 100,
        before: Before = "",
        since_ms: Moment = None,
        until_ms: Moment = None,
        text: Text = "",
    ) -> Response:
        """Records of calls. A page may hold fewer than asked for and not be the last: go on while there is a `next`."""
        equal = _filters(request)
        page = await in_thread(
            lambda: query.search(
                url, before=before, limit=limit, since_ms=since_ms, until_ms=until_ms, equal=equal, text=text
            )
        )
        return nouns.answer({"items": page.items, "next": page.next})

    @router.get("/records/{record_id}")
    async def show_record(record_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """The record of one call."""
        found = await in_thread(lambda: query.by_id(url, record_id))
        if found is None:
            raise NotFound(f"there is no record '{record_id}'")
        return nouns.answer(found)

    @router.get("/changes")
    async def list_changes(  # pyright: ignore[reportUnusedFunction] -- likewise
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


def _filters(request: Request) -> dict[str, str | int]:
    given: dict[str, str | int] = {}
    for name in query.FILTERS:
        value = request.query_params.get(name)
        if value is None:
            continue
        if name in _NUMBERS and not (value.isascii() and value.isdigit() and len(value) < 10):
            raise BadRequest(f"{name}: expected a whole number", status=422)
        given[name] = int(value) if name in _NUMBERS else value
    return given


async def in_thread(read: Callable[[], T]) -> T:
    """What is read from the database; a failure is 503."""
    try:
        return await asyncio.to_thread(read)
    except StorageError as error:
        raise unwritable(error) from error
