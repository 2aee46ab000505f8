"""Records of calls.

    GET /api/v1/records              newest first; filters, `text`, a span of time; `before` is the `next` of a page
    GET /api/v1/records/live         the same filters; server-sent events, a record each, as they are written
    GET /api/v1/records/export       the same filters; CSV or lines of JSON
    GET /api/v1/records/ID           with attempts, steps and tags as objects
    GET /api/v1/records/ID/bodies    what the caller sent and what it got

Records are read by a thread with a connection of its own, since a search may take a moment.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from asbru.admin import exports, nouns, record_shapes
from asbru.admin.access import SCOPED, actor_of, reach_of, refuse_strangers
from asbru.admin.history import in_thread
from asbru.admin.span import Moment
from asbru.admin.streams import BrokenOff, Places, StreamedResponse
from asbru.core.errors import AsbruError, BadRequest, NotFound, Overloaded
from asbru.records import query
from asbru.records.bodies import read
from asbru.records.tail import live

EXPORTS_READING_MAX = 4
"""Pages of exports that are read at a time, each by a thread. Only for that time, so that a client that does not read
what it is sent keeps nobody else waiting."""
EXPORTS_MAX = 20
EXPORTS_EACH_MAX = 4
TAILS_EACH_MAX = 5
"""Of one user or token."""
TAGS_MAX = 16
"""Of one search: a record has no more."""

Before = Annotated[str, Query(max_length=64, description="Begin before this id: `next` of the page before.")]
Text = Annotated[str, Query(max_length=128, description="Part of a model's name, an error or a note.")]
Columns = Annotated[str, Query(max_length=1024, description="Only these columns, separated by commas, and the id.")]


_FILTERS = [
    *(
        {"name": name, "in": "query", "schema": {"type": "integer" if name in query.NUMBERS else "string"}}
        for name in query.FILTERS
    ),
    *({"name": name, "in": "query", "schema": {"type": "integer", "minimum": 0}} for name in query.MINIMA),
    {
        "name": "tag",
        "in": "query",
        "style": "deepObject",
        "description": "Value of a tag, as `tag.NAME=value`.",
        "schema": {"type": "object"},
    },
]


def build_router(url: str, tail: live.LiveTail | None) -> APIRouter:
    """The routes; `url`: the database of the records, `tail`: what follows them, None where nothing does."""
    router = APIRouter(tags=["history"])
    _add_list(router, url)
    _add_live(router, tail)
    _add_export(router, url)

    @router.get("/records/{record_id}", openapi_extra={SCOPED: True, **nouns.gives(record_shapes.RecordDetail)})
    async def show_record(request: Request, record_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """The record of one call."""
        found, sizes = await in_thread(lambda: (query.by_id(url, record_id), read.load_sizes(url, record_id)))
        if found is None or not query.Wanted(within=reach_of(request).column()).fits(found):
            raise NotFound(f"there is no record '{record_id}'")
        return nouns.answer(record_shapes.detail(found, sizes))

    @router.get(
        "/records/{record_id}/bodies", openapi_extra={SCOPED: True, **nouns.gives(record_shapes.RecordBodies)}
    )
    async def show_bodies(request: Request, record_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """What the caller sent and what it got, where it is stored."""
        within = query.Wanted(within=reach_of(request).column())
        record, found = await in_thread(lambda: (query.by_id(url, record_id), read.load_bodies(url, record_id)))
        if record is None or not within.fits(record):
            raise NotFound(f"there is no record '{record_id}'")
        if found is None:
            raise NotFound(
                f"there are no bodies of '{record_id}': they are stored only where `records.bodies` and the virtual "
                "key's `record_bodies` say so, and deleted before the records",
                code="no_bodies",
            )
        return nouns.answer(record_shapes.RecordBodies(*map(record_shapes.shown_body, found)))

    return router


def _add_list(router: APIRouter, url: str) -> None:
    @router.get(
        "/records", openapi_extra={SCOPED: True, "parameters": _FILTERS, **nouns.gives(record_shapes.RecordPage)}
    )
    async def list_records(  # pyright: ignore[reportUnusedFunction] -- the router calls it
        request: Request,
        *,
        limit: nouns.Limit = 100,
        before: Before = "",
        since_ms: Moment = None,
        until_ms: Moment = None,
        text: Text = "",
        columns: Columns = "",
    ) -> Response:
        """Records of calls. A page may hold fewer than asked for and not be the last: go on while there is a `next`."""
        wanted, shown = _wanted(request, text), _columns(columns)
        page = await in_thread(
            lambda: query.search(
                url, wanted, before=before, limit=limit, since_ms=since_ms, until_ms=until_ms, columns=shown
            )
        )
        return nouns.answer({"items": page.items, "next": page.next})


def _add_live(router: APIRouter, tail: live.LiveTail | None) -> None:
    places = Places("live tails", places_max=live.CLIENTS_MAX, each_max=TAILS_EACH_MAX)

    @router.get(
        "/records/live", openapi_extra={SCOPED: True, "parameters": _FILTERS, **_streams("text/event-stream")}
    )
    async def follow_records(request: Request, text: Text = "") -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Records as they are written, as server-sent events: `record`; `missed` where some were left out; `dropped`
        at the end of a client that reads too slowly, or that may no longer see them. A comment every 15 seconds."""
        wanted = _wanted(request, text)
        if tail is None:
            raise NotFound("records cannot be followed here: there is no bookkeeper")
        who = actor_of(request).name
        places.check(who)
        events = tail.admit(wanted, lambda: _refusal(request, wanted))
        return StreamedResponse(places.hold(who, events), "text/event-stream")


def _add_export(router: APIRouter, url: str) -> None:
    reading = asyncio.Semaphore(EXPORTS_READING_MAX)
    places = Places("exports", places_max=EXPORTS_MAX, each_max=EXPORTS_EACH_MAX)

    @router.get(
        "/records/export",
        openapi_extra={SCOPED: True, "parameters": _FILTERS, **_streams("text/csv", "application/jsonl")},
    )
    async def export_records(  # pyright: ignore[reportUnusedFunction] -- likewise
        request: Request,
        *,
        format: exports.Format = "csv",  # noqa: A002 -- the name of the parameter
        since_ms: Moment = None,
        until_ms: Moment = None,
        text: Text = "",
        columns: Columns = "",
    ) -> Response:
        """The records as a file, the newest first. Texts that a spreadsheet would take for a formula begin with an
        apostrophe in CSV."""
        wanted, shown = _wanted(request, text), _columns(columns)
        who = actor_of(request).name
        places.check(who)

        async def read_page(before: str) -> query.Page:
            if before and (refusal := _refusal(request, wanted)):
                raise BrokenOff(f"an export is broken off: {refusal}")
            async with reading:
                return await in_thread(
                    lambda: query.search(
                        url,
                        wanted,
                        before=before,
                        limit=exports.PAGE_RECORDS,
                        since_ms=since_ms,
                        until_ms=until_ms,
                        columns=shown,
                    )
                )

        name = f"records.{format}"
        pieces = exports.write_export(format, list(dict.fromkeys(("id", *shown))), read_page)
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamedResponse(places.hold(who, pieces), exports.MEDIA_TYPES[format], headers)


def _wanted(request: Request, text: str) -> query.Wanted:
    given = dict(request.query_params)
    nouns.refuse_long({name: value for name, value in given.items() if name != "columns"})
    try:
        wanted = query.read_wanted(given, text)
    except ValueError as error:
        raise BadRequest(str(error), status=422) from None
    if len(wanted.tags) > TAGS_MAX:
        raise BadRequest(f"expected at most {TAGS_MAX} tags, got {len(wanted.tags)}", status=422)
    return wanted._replace(within=reach_of(request).column())


def _refusal(request: Request, wanted: query.Wanted) -> str:
    """Why whoever was let in may no longer see what it wanted; "" while it may."""
    try:
        refuse_strangers(request)
        within = reach_of(request).column()
    except Overloaded:  # the database is locked; it is asked again soon
        return ""
    except AsbruError as error:
        return error.message
    return "" if within == wanted.within else "the scope has changed"


def _columns(given: str) -> tuple[str, ...]:
    columns = tuple(filter(None, given.split(","))) or query.NAMES
    unknown = [name for name in columns if name not in query.NAMES]
    if unknown:
        raise BadRequest(f"columns: expected some of {', '.join(query.NAMES)}", status=422)
    return columns


def _streams(*kinds: str) -> dict[str, Any]:
    content = {kind: {"schema": {"type": "string"}} for kind in kinds}
    return {"responses": {"200": {"description": "OK", "content": content}}}
