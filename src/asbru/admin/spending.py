"""GET /api/v1/spend: sums of calls, tokens and cost, by any dimensions, such as `?by=day,team&customer=acme`.

From the sums that are kept with the records, never from the records.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, get_args

from fastapi import APIRouter, Query, Request, Response

from asbru.admin import nouns
from asbru.admin.access import SCOPED, reach_of
from asbru.admin.history import in_thread
from asbru.core.errors import BadRequest
from asbru.records import spend

LINES_MAX = 1000
DIMENSIONS: tuple[spend.Dimension, ...] = get_args(spend.Dimension)
_FILTERS = tuple(name for name in DIMENSIONS if name != "day")
_DESCRIBED: dict[str, Any] = {
    "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in _FILTERS]
}

By = Annotated[str, Query(max_length=128, description="Dimensions, separated by commas.")]
TagName = Annotated[str, Query(max_length=64, description="The tag that the dimension `tag` is about.")]


def build_router(url: str) -> APIRouter:
    """The route; `url`: the database of the records."""
    router = APIRouter(tags=["history"])

    @router.get("/spend", openapi_extra={SCOPED: True, **_DESCRIBED})
    async def list_spend(  # pyright: ignore[reportUnusedFunction] -- the router calls it
        request: Request, *, by: By = "", since: date | None = None, until: date | None = None, tag_name: TagName = ""
    ) -> Response:
        """In all, or by dimensions, the dearest first; `since` and `until` are days, both included. Of more than 1,000
        lines the rest is left out, and `more` is true."""
        within = reach_of(request).column()
        where = {name: request.query_params[name] for name in _FILTERS if name in request.query_params}
        dimensions: list[spend.Dimension] = [_dimension(name) for name in by.split(",") if name]
        spent = await in_thread(
            lambda: spend.read_spend(
                url, dimensions, since=since, until=until, where=where, tag=tag_name, within=within
            )
        )
        items = [_shown(dimensions, one) for one in spent[:LINES_MAX]]
        return nouns.answer({"items": items, "more": len(spent) > LINES_MAX})

    return router


def _shown(dimensions: list[spend.Dimension], one: spend.Spent) -> dict[str, Any]:
    by: dict[str, Any] = dict(zip(map(str, dimensions), one.by, strict=True))
    return {**by, **one.sums._asdict()}


def _dimension(name: str) -> spend.Dimension:
    for dimension in DIMENSIONS:
        if name == dimension:
            return dimension
    raise BadRequest(f"by: expected some of {', '.join(DIMENSIONS)}", status=422)
