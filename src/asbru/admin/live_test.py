"""POST /api/v1/providers/NAME/test: does it answer, and does it take our key? Costs nothing: a list of models is asked
for, by a process of its own. The file's providers may be asked too."""

from __future__ import annotations

from fastapi import APIRouter, Response

from asbru.admin import nouns
from asbru.admin.act import Act
from asbru.admin.objects import Objects


def build_router(act: Act, objects: Objects) -> APIRouter:
    """The route for a kind that can be asked."""
    noun = objects.kind.noun
    router = APIRouter(tags=[noun])

    @router.post(f"/{noun}/{{name}}/test", summary="Ask whether it answers")
    async def ask_provider(name: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """`ok`, or what is wrong, in words."""
        objects.load(name)
        problems = await act.check.ask_provider(objects.load_sections(), name)
        return nouns.answer({"ok": not problems, "problems": problems})

    return router
