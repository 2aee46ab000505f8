"""What guardrail rules did with calls, from their records.

GET /api/v1/guardrails/hits?since_ms=&until_ms=    by default of the last 24 hours
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from asbru.admin import nouns
from asbru.admin.access import needs, reach_of
from asbru.admin.history import in_thread
from asbru.admin.span import Moment, read_span
from asbru.records.kept import GuardrailHits, read_guardrail_hits

SHAPES = (GuardrailHits,)


def build_router(url: str) -> APIRouter:
    """The route; `url`: the database of records."""
    router = APIRouter(prefix="/guardrails", tags=["guardrails"])
    extra = {**needs("guardrails:read"), **nouns.gives(GuardrailHits)}

    @router.get("/hits", summary="What rules did", openapi_extra=extra)
    async def show_hits(request: Request, since_ms: Moment = None, until_ms: Moment = None) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """How many calls each rule checked, and in how many it acted, over time; of the calls in reach."""
        within = reach_of(request).column()
        span = read_span(since_ms, until_ms)
        return nouns.answer(await in_thread(lambda: read_guardrail_hits(url, *span, within)))

    return router
