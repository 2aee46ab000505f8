"""GET /api/v1/models: the models that can be called, with their prices, sizes and what they take.

From what the compile process has written down, and the lists that providers have given to workers. It is worked out in
a thread, and again only when one of the two has changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response

from asbru.admin import nouns
from asbru.admin.history import in_thread
from asbru.admin.observed import Observed
from asbru.catalog.listing import ListedModel, ListedProvider, list_models
from asbru.telemetry.status import WorkerStatus

ProviderName = Annotated[str, Query(max_length=128, description="Only those of this provider.")]
ModelSearch = Annotated[str, Query(max_length=128, description="Only ids that contain this text.")]


class Models:
    """See the module."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._known: tuple[object, object] = (None, None)
        self._models: list[ListedModel] = []

    def build_router(self) -> APIRouter:
        """The route."""
        router = APIRouter(tags=["models"])

        @router.get("/models", openapi_extra=nouns.gives(ListedModel, paged=True))
        async def show_models(  # pyright: ignore[reportUnusedFunction] -- the router calls it
            limit: nouns.Limit = 100, after: nouns.After = "", provider: ProviderName = "", search: ModelSearch = ""
        ) -> Response:
            """The models of all providers, by id. Prices are nano-dollars for a million tokens."""
            text = search.lower()
            found = [
                one
                for one in await self._all()
                if one.id > after and (not provider or one.provider == provider) and text in one.id.lower()
            ]
            more = len(found) > limit
            return nouns.answer({"items": found[:limit], "next": found[limit - 1].id if more else None})

        return router

    async def _all(self) -> list[ListedModel]:
        providers = self._observed.providers()
        given = _given(await self._observed.workers() or ())
        if self._known[0] is not providers or self._known[1] != given:
            self._models = await in_thread(lambda: _list(providers, given))
            self._known = (providers, given)
        return self._models


def _given(workers: Sequence[WorkerStatus]) -> dict[str, set[str]]:
    """What providers have listed, whichever worker asked."""
    given: dict[str, set[str]] = {}
    for worker in workers:
        for provider, models in worker.listed.items():
            given.setdefault(provider, set()).update(models)
    return given


def _list(providers: Sequence[ListedProvider], given: Mapping[str, set[str]]) -> list[ListedModel]:
    models = [model for one in providers for model in list_models(one, given.get(one.name))]
    return sorted(models, key=lambda one: one.id)
