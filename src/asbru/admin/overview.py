"""GET /api/v1/overview: what calls came to in a span of time, over it, and in the span before.

From the sums that are kept with the records, never from the records. A filter with an empty value asks for the calls
without one: `?team=`.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from asbru.admin import nouns
from asbru.admin.access import SCOPED, reach_of
from asbru.admin.history import in_thread
from asbru.admin.span import DAY_MS, Moment, read_span
from asbru.core.errors import BadRequest
from asbru.records.rollups import overview

SPAN_MS_MAX = 3 * 366 * DAY_MS

BODIES = (overview.Overview,)
"""What is described in OpenAPI."""
_BY: dict[str, Any] = {
    "name": "by",
    "in": "query",
    "description": "The dimension of the groups; none without it.",
    "schema": {"type": "string", "enum": list(overview.BY)},
}
_FILTERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "maxLength": nouns.VALUE_CHARS_MAX}}
    for name in overview.FILTERS
]

Step = Annotated[
    int | None, Query(ge=1, le=30 * 86_400, description="Seconds of a point; more where points would be too many.")
]


def build_router(url: str) -> APIRouter:
    """The route; `url`: the database of the sums."""
    router = APIRouter(tags=["history"])

    @router.get(
        "/overview", openapi_extra={SCOPED: True, "parameters": [_BY, *_FILTERS], **nouns.gives(overview.Overview)}
    )
    async def show_overview(  # pyright: ignore[reportUnusedFunction] -- the router calls it
        request: Request, *, since_ms: Moment = None, until_ms: Moment = None, step_s: Step = None
    ) -> Response:
        """Sums, points of time, the ten largest groups and errors; by default of the last 24 hours. `span` says what
        they are about: it begins at a multiple of the step."""
        since, until = read_span(since_ms, until_ms)
        if until - since > SPAN_MS_MAX:
            raise BadRequest("expected a span of at most three years", status=422)
        by = request.query_params.get("by", "")
        if by not in ("", *overview.BY):
            raise BadRequest(f"by: expected one of {', '.join(overview.BY)}", status=422)
        where = {name: request.query_params[name] for name in overview.FILTERS if name in request.query_params}
        nouns.refuse_long(where)
        asked = overview.Asked(since, until, step_s, by, where, reach_of(request).column())
        return nouns.answer(await in_thread(lambda: overview.read_overview(url, asked)))

    return router
