"""POST /api/v1/mcp/preview: the tools that a document of an HTTP API would become. Nothing is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from asbru.admin import nouns
from asbru.core.errors import BadRequest


class Preview(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is previewed: an OpenAPI document or a Postman collection, as text."""

    document: str


SHAPES = (Preview,)


def build_router(preview: Callable[[str], dict[str, Any]]) -> APIRouter:
    """The route. `preview`: what the text of a document would become; raises `ValueError`."""
    router = APIRouter(tags=["mcp"])

    @router.post("/mcp/preview", openapi_extra=nouns.takes(Preview))
    async def preview_document(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """The tools that a document would become, the security schemes that it names, and what would be left out."""
        given = nouns.read_struct(await nouns.read_body(request), Preview)
        try:
            return nouns.answer(await asyncio.to_thread(preview, given.document))
        except ValueError as error:
            raise BadRequest(f"the document cannot be used: {error}", param="document") from None

    return router
