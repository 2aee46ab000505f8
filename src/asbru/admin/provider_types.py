"""GET /api/v1/provider-types: the types of providers, each with what a form to add one must know.

A provider is added by `POST /providers`, whose body has the fields that stand here, and tried by the test of it. Which
types there are is found by whoever builds the application.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, Response

from asbru.admin import nouns
from asbru.admin.access import needs
from asbru.admin.history import in_thread


class TypeField(msgspec.Struct, frozen=True):
    """A field of the form. `path`: where its value goes in the provider (`keys.0.value`); `form`: its JSON schema
    without words and default; `default`: what holds where it is left empty, null where nothing does; `required`: it
    cannot be left empty; `secret`: it is not shown again; `env`: the variable that usually holds it; `advanced`: most
    leave it as it is."""

    path: str
    title: str
    help: str
    form: dict[str, Any]
    default: Any = None
    required: bool = False
    secret: bool = False
    env: str | None = None
    advanced: bool = False


class TypeDialect(msgspec.Struct, frozen=True):
    """A way to ask providers of a type. `name`: what `dialect` is set to; `operations`: what they offer in it, those in
    `translated` to callers of every dialect; `base_url`: null where the configuration must name it; `sent_as`: how a
    key is shown; `headers`: sent with every call."""

    name: str
    default: bool
    base_url: str | None
    sent_as: str
    operations: tuple[str, ...]
    translated: tuple[str, ...]
    headers: dict[str, str]


class ProviderType(msgspec.Struct, frozen=True):
    """A type of providers. `docs_url`: its documentation; `key`: whether it needs one ("required" or "optional");
    `served_here`: Asbru starts its server."""

    name: str
    title: str
    docs_url: str | None
    key: str
    served_here: bool
    dialects: tuple[TypeDialect, ...]
    fields: tuple[TypeField, ...]


def build_router(find: Callable[[], Sequence[ProviderType]]) -> APIRouter:
    """The route. `find` is asked once, in a thread."""
    router = APIRouter(tags=["providers"])
    found: list[ProviderType] = []

    @router.get("/provider-types", openapi_extra={**nouns.gives(ProviderType, paged=True), **needs("providers:read")})
    async def show_types() -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """The types of providers, by name, with the fields of the form for each."""
        if not found:
            found.extend(await in_thread(find))
        return nouns.answer({"items": found, "next": None})

    return router
