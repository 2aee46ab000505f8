"""The types of providers that there are, for whoever adds one.

GET /api/v1/provider-types       each with its dialects, and what has to be said of a provider of it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Response

from asbru.admin import nouns
from asbru.admin.access import needs
from asbru.dialects import discover as dialects_found
from asbru.providers import Provider, discover


class ProviderType(msgspec.Struct, frozen=True):
    """A type of providers. `title`: its name in words. `dialects`: those that it speaks, as `dialect` of a provider
    names them, its usual one first. `needs_address`, `needs_dialect`: `base_url` and `dialect` have to be given;
    `needs_key`: it refuses calls without a key; `served_here`: Asbru answers for it."""

    name: str
    title: str
    dialects: tuple[str, ...]
    needs_address: bool
    needs_dialect: bool
    needs_key: bool
    served_here: bool
    docs_url: str | None


SHAPES = (ProviderType,)


def build_router(types: Callable[[], Mapping[str, Provider]] = discover) -> APIRouter:
    """The route. `types`: looked for at the first request, since reading all folders takes a while."""
    router = APIRouter(tags=["providers"])
    described: dict[str, Any] = {**needs("providers:read"), **nouns.gives(ProviderType, paged=True)}
    kept: list[ProviderType] = []

    @router.get("/provider-types", openapi_extra=described)
    async def list_types() -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """Every type of providers, by title."""
        if not kept:
            settings = {name: one.setting for name, one in dialects_found().items()}
            shown = (_shown(one, settings) for one in types().values())
            kept.extend(sorted(shown, key=lambda one: one.title.lower()))
        return nouns.answer({"items": kept, "next": None})

    return router


def _shown(one: Provider, settings: Mapping[str, str]) -> ProviderType:
    needs_address = one.base_url is None and not one.served_here
    return ProviderType(
        name=one.name,
        title=one.title,
        dialects=tuple(settings[access.dialect] for access in one.access),
        needs_address=needs_address,
        needs_dialect=needs_address and len(one.access) > 1,
        needs_key=not one.keyless,
        served_here=one.served_here,
        docs_url=one.docs_url,
    )
