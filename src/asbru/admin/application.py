"""The routers of the nouns -> one ASGI application, described by OpenAPI. It knows no noun.

The page of documentation is ours: FastAPI's own loads scripts from elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from html import escape
from typing import Any

import msgspec
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from asbru.admin.access import PREFIX, describe_access, refuse_strangers
from asbru.admin.nouns import describe_bodies
from asbru.admin.parameters import refuse_unknown
from asbru.admin.refusals import add_refusals

OPENAPI_PATH = "/api/openapi.json"
DOCS_PATH = "/api/docs"
_NOTHING_FROM_ELSEWHERE = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"}

_NOSNIFF = (b"x-content-type-options", b"nosniff")


def build_application(
    routers: Iterable[APIRouter],
    version: str,
    *,
    bodies: Iterable[type[msgspec.Struct]] = (),
    described: Mapping[str, Callable[[], dict[str, Any]]] | None = None,
    pages: Iterable[Route] = (),
) -> FastAPI:
    """The application. `bodies`: the Structs that requests are read by; `described`: the schemas of others; `pages`:
    what is served to everyone beside the API. Who is let in: `access.let_in`. Raises `TypeError` for a router that
    holds what access is not checked for (a mount, a WebSocket, another router)."""
    application = _Application(
        title="Asbru management API",
        version=version,
        openapi_url=OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        dependencies=[Depends(refuse_strangers), Depends(refuse_unknown)],
    )
    application.bodies = tuple(bodies)
    application.described = described or {}
    add_refusals(application)
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute):
                raise TypeError(f"expected plain routes only, got {type(route).__name__}")
        application.include_router(router, prefix=PREFIX)
    # Starlette's own way of adding a route: without the dependency, and not described.
    application.add_route(
        DOCS_PATH, lambda _: HTMLResponse(_page(application.openapi()), 200, _NOTHING_FROM_ELSEWHERE)
    )
    application.router.routes.extend(pages)
    return application


class _Application(FastAPI):
    """FastAPI, with bodies and a word on credentials in the description, and a header in every response."""

    bodies: tuple[type[msgspec.Struct], ...] = ()
    described: Mapping[str, Callable[[], dict[str, Any]]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_unsniffed(message: Message) -> None:
            """Texts of callers and models are in most responses: none may be taken for a page."""
            if message["type"] == "http.response.start" and _NOSNIFF not in message["headers"]:
                message["headers"] = [*message["headers"], _NOSNIFF]
            await send(message)

        await super().__call__(scope, receive, send_unsniffed)

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            schema = super().openapi()
            describe_access(schema)
            describe_bodies(schema, self.bodies, self.described)
        return super().openapi()


def _page(schema: dict[str, Any]) -> str:
    rows = "\n".join(
        f"<tr><td><code>{escape(method.upper())}</code><td><code>{escape(path)}</code><td>{escape(words)}"
        for path, method, words in _operations(schema)
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Asbru management API</title>"
        "<style>body{font:16px sans-serif;margin:2em auto;max-width:60em}td{padding:.3em 1em .3em 0}</style>"
        f"<h1>Asbru management API</h1><p>Described whole in <a href={OPENAPI_PATH}>{OPENAPI_PATH}</a>.</p>"
        f"<table>{rows}</table></html>\n"
    )


def _operations(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for path, methods in schema.get("paths", {}).items():
        for method, operation in methods.items():
            yield path, method, operation.get("description") or operation.get("summary", "")
