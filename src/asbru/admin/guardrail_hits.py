"""What guardrail rules did with calls, from their records.

GET /api/v1/guardrails/hits?since_ms=&until_ms=    by default of the last 24 hours
"""

from __future__ import annotations

import time
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from asbru.admin import nouns
from asbru.admin.access import needs, reach_of
from asbru.admin.history import in_thread
from asbru.core.errors import BadRequest
from asbru.records.kept import GuardrailHits, read_guardrail_hits

DAY_MS = 86_400_000

Moment = Annotated[int | None, Query(ge=0, le=10**14, description="Unix milliseconds.")]

SHAPES = (GuardrailHits,)


def build_router(url: str) -> APIRouter:
    """The route; `url`: the database of records."""
    router = APIRouter(prefix="/guardrails", tags=["guardrails"])
    extra = {**needs("guardrails:read"), **nouns.gives(GuardrailHits)}

    @router.get("/hits", summary="What rules did", openapi_extra=extra)
    async def show_hits(request: Request, since_ms: Moment = None, until_ms: Moment = None) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """How many calls each rule checked, and in how many it acted, over time; of the calls in reach."""
        within = reach_of(request).column()
        until = int(time.time() * 1000) if until_ms is None else until_ms
        since = max(0, until - DAY_MS) if since_ms is None else since_ms
        if since >= until:
            raise BadRequest("expected a `since_ms` before `until_ms`", status=422)
        return nouns.answer(await in_thread(lambda: read_guardrail_hits(url, since, until, within)))

    return router
