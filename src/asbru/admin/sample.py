"""A day of sample traffic, for a first look.

    GET /api/v1/sample               {rows, state}: none, writing, ready or removing
    POST /api/v1/sample              202: writes the day that ends now, unless there is one
    DELETE /api/v1/sample            202: removes it, also one that is half written

Both go on after the response, in small steps; records of real calls are written meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal

import msgspec
from fastapi import APIRouter, Response

from asbru.admin import nouns
from asbru.admin.history import in_thread
from asbru.records.sample import write
from asbru.storage import Database, NewerSchema, StorageError
from asbru.telemetry import log

PAUSE_S: Final = 0.01
"""Between two steps, so that the bookkeeper has its turn."""


class SampleState(msgspec.Struct, frozen=True):
    """What there is of the sample day."""

    rows: Annotated[int, msgspec.Meta(description="Records of it that there are.")]
    state: Literal["none", "writing", "ready", "removing"]


class SampleDay:
    """See the module. `now_ms`: the time at which the day ends."""

    def __init__(self, url: str, now_ms: Callable[[], int]) -> None:
        self._url = url
        self._now_ms = now_ms
        self._task: asyncio.Task[None] | None = None
        self._doing: Literal["writing", "removing"] = "writing"

    def build_router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(tags=["sample"])
        described: dict[str, Any] = nouns.gives(SampleState, status=202)

        @router.get("/sample", openapi_extra=nouns.gives(SampleState))
        async def show_sample() -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
            """Whether there is a sample day, and how many records it has."""
            return nouns.answer(await self._state())

        @router.post("/sample", status_code=202, openapi_extra=described)
        async def write_sample() -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
            """Write the sample day. Its records have the tag `sample`; nothing is written where there are some."""
            if (await self._state()).state == "none":
                steps = write.SampleSteps(self._now_ms())
                self._begin("writing", steps.write, steps.written)
            return nouns.answer(await self._state(), 202)

        @router.delete("/sample", status_code=202, openapi_extra=described)
        async def remove_sample() -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
            """Remove the records of the sample day, their bodies, and what they added to sums."""
            state = await self._state()
            if state.state in ("ready", "writing"):
                await self.close()
                steps = write.SampleSteps(self._now_ms())
                self._begin("removing", steps.remove, steps.removed)
            return nouns.answer(await self._state(), 202)

        return router

    async def close(self) -> None:
        """Stop after the step that is being done; what is half done can be removed."""
        task, self._task = self._task, None
        if task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def _state(self) -> SampleState:
        rows = await in_thread(lambda: write.count_sampled(self._url))
        if self._task is not None and not self._task.done():
            return SampleState(rows, self._doing)
        return SampleState(rows, "ready" if rows else "none")

    def _begin(
        self, doing: Literal["writing", "removing"], step: Callable[[Database], bool], done: Callable[[], None]
    ) -> None:
        if self._task is None or self._task.done():
            self._doing = doing
            self._task = asyncio.create_task(self._run(step, done))

    async def _run(self, step: Callable[[Database], bool], done: Callable[[], None]) -> None:
        try:
            while await asyncio.shield(asyncio.to_thread(write.perform, self._url, step)):
                done()
                await asyncio.sleep(PAUSE_S)
        except (StorageError, NewerSchema, OSError) as error:
            log("error", "the sample day is not finished; remove it and try again", why=error)
