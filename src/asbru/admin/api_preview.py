"""Servers of tools, looked at before they are added. Nothing is kept.

POST /api/v1/mcp/preview    the tools that a document of an HTTP API would become
POST /api/v1/mcp/test       how an MCP server answers at its URL; no program is started

Whoever may add a server may have any address connected to that the outbound policy allows, so testing one needs the
same permission. Not here: how a server is asked (`app.mcp_trial`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from asbru.admin import nouns
from asbru.admin.access import needs
from asbru.admin.kinds import FORMS, conceal
from asbru.admin.wording import explain
from asbru.core.errors import BadRequest, Overloaded
from asbru.mcp.servers import Server

TRIALS_MAX = 4
"""Servers that are tested at the same time."""
_NAME = "tested"


class Preview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is previewed: an OpenAPI document or a Postman collection, as text."""

    document: str


class TriedTool(msgspec.Struct, frozen=True):
    """A tool as the server lists it. `suspicion`: what of it looks like prompt injection, "" for nothing."""

    name: str
    description: str
    suspicion: str


class TriedServer(msgspec.Struct, frozen=True):
    """How a server answers now. `state`, `reason`: as a server that is added would have them; `version`: of the
    protocol; `tools`: the first ones; `tools_count`: how many there are."""

    state: str
    reason: str = ""
    version: str = ""
    name: str = ""
    tools: tuple[TriedTool, ...] = ()
    tools_count: int = 0


SHAPES = (Preview, TriedServer, TriedTool)
Try = Callable[[Server], Awaitable[TriedServer]]


def build_router(preview: Callable[[str], dict[str, Any]], try_server: Try) -> APIRouter:
    """The routes. `preview`: what the text of a document would become; raises `ValueError`."""
    router = APIRouter(tags=["mcp"])

    @router.post("/mcp/preview", openapi_extra=nouns.takes(Preview))
    async def preview_document(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """The tools that a document would become, the security schemes that it names, and what would be left out."""
        given = nouns.read_struct(await nouns.read_body(request), Preview)
        try:
            return nouns.answer(await asyncio.to_thread(preview, given.document))
        except ValueError as error:
            raise BadRequest(f"the document cannot be used: {error}", param="document") from None

    _add_trial(router, try_server)
    return router


def _add_trial(router: APIRouter, try_server: Try) -> None:
    under_way = 0

    @router.post("/mcp/test", openapi_extra={**nouns.gives(TriedServer), **needs("mcp-servers:write")})
    async def test_server(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """How the MCP server in the body would answer if it were added: its `url` and what goes with that, as in
        `mcp-servers`."""
        nonlocal under_way
        given = {**await nouns.read_body(request), "name": _NAME}
        try:
            server = msgspec.convert(given, Server, dec_hook=conceal)
        except msgspec.ValidationError as error:
            raise BadRequest(explain(error, Server, FORMS), status=422) from None
        if server.url is None:
            raise BadRequest("expected a `url`; programs and API documents are not tested", param="url")
        if under_way >= TRIALS_MAX:
            raise Overloaded(f"{TRIALS_MAX} servers are being tested; try again shortly", retry_after_s=5)
        under_way += 1
        try:
            return nouns.answer(await try_server(server))
        finally:
            under_way -= 1
