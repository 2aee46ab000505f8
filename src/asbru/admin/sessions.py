"""Sessions of agents.

    GET /api/v1/sessions       the latest first; filters, a span of time, another order; `after` is the `next` of a page
    GET /api/v1/sessions/ID    one of them, with the limits that count it by itself

Its calls are records: `GET /api/v1/records?session=...&caller=...&team=...`.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from asbru.admin import nouns
from asbru.admin.access import PERMISSION, SCOPED, actor_of, reach_of
from asbru.admin.history import in_thread
from asbru.admin.span import Moment, read_span
from asbru.admin.standing import OwnerKind, Standing
from asbru.core.errors import BadRequest, NotFound
from asbru.governance.ledger import standings
from asbru.records.sessions import search

Sort = Annotated[
    str, Query(description="What the largest comes first of.", json_schema_extra={"enum": [*search.SORTS]})
]
Model = Annotated[
    str, Query(max_length=nouns.VALUE_CHARS_MAX, description="A model that was called: `provider/model`.")
]
Failed = Annotated[bool, Query(description="Only sessions with a call that failed.")]
_FILTERS = [{"name": name, "in": "query", "schema": {"type": "string"}} for name in search.FILTERS]
_OWNERS: tuple[tuple[OwnerKind, str], ...] = (("key", "caller"), ("team", "team"), ("customer", "customer"))
"""Whose limits its calls count against, by the column that names them."""
_ACCESS: dict[str, Any] = {SCOPED: True, PERMISSION: "records:read"}


class AgentSession(msgspec.Struct, frozen=True):
    """A session of an agent, with the sums of its calls. `agent`: the program, "" if it does not say. `calls`: to
    models; `tool_calls`: to MCP servers. `failed`, `unpriced` and tokens are of both. `cost_nanousd`: what is known of
    it; `unpriced` counts the calls that may have cost more."""

    id: str
    caller: str
    team: str
    session: str
    customer: str
    agent: str
    first_ms: int
    last_ms: int
    calls: int
    tool_calls: int
    failed: int
    unpriced: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_nanousd: int
    models: list[str]


class OneSession(AgentSession, frozen=True):
    """`limits`: those limits of its key, team and customer whose window is `run`, as they stand for this session, as
    long as the ledger counts it as a run. Empty for whoever may not read spend."""

    limits: tuple[standings.LedgerStanding, ...]


SHAPES = (AgentSession, OneSession)


def build_router(url: str, standing: Standing) -> APIRouter:
    """The routes; `url`: the database of the records; `standing`: how limits stand."""
    router = APIRouter(prefix="/sessions", tags=["history"])
    listed = {**_ACCESS, "parameters": _FILTERS, **nouns.gives(AgentSession, paged=True)}

    @router.get("", summary="Sessions of agents", openapi_extra=listed)
    async def list_sessions(  # pyright: ignore[reportUnusedFunction] -- the router calls it
        request: Request,
        *,
        limit: nouns.Limit = 100,
        after: nouns.After = "",
        since_ms: Moment = None,
        until_ms: Moment = None,
        sort: Sort = "last_ms",
        model: Model = "",
        failed: Failed = False,
    ) -> Response:
        """Sessions whose last call ended in a span of time, by default the last 24 hours. A page may contain fewer than
        asked for and not be the last: continue while there is a `next`."""
        span = read_span(since_ms, until_ms)
        wanted = search.Wanted(_equal(request), model, failed, within=reach_of(request).column())
        try:
            page = await in_thread(
                lambda: search.search(
                    url, wanted, since_ms=span.since_ms, until_ms=span.until_ms, sort=sort, after=after, limit=limit
                )
            )
        except ValueError as error:
            raise BadRequest(str(error), status=422) from None
        return nouns.answer({"items": page.items, "next": page.next})

    shown = {**_ACCESS, **nouns.gives(OneSession)}

    @router.get("/{session_id}", summary="A session of an agent", openapi_extra=shown)
    async def show_session(request: Request, session_id: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """One session."""
        found = await in_thread(lambda: search.by_id(url, session_id))
        reach = reach_of(request)
        within = reach.column()
        if found is None or (within is not None and found[within.name] not in within.values):
            raise NotFound(f"there is no session '{session_id}'")
        limits: tuple[standings.LedgerStanding, ...] = ()
        if actor_of(request).may("spend:read"):
            owners: list[tuple[OwnerKind, str]] = [
                (kind, str(found[column])) for kind, column in _OWNERS if found[column]
            ]
            limits = await standing.of_run(owners, str(found["session"]), reach)
        return nouns.answer(found | {"limits": limits})

    return router


def _equal(request: Request) -> dict[str, str]:
    equal = {name: request.query_params[name] for name in search.FILTERS if name in request.query_params}
    nouns.refuse_long(equal)
    return equal
