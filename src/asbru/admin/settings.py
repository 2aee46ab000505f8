"""Settings over the API: single numbers, switches and choices of the configuration.

    GET   /api/v1/settings           each with its value, default, unit, words and source
    PATCH /api/v1/settings           {"limits.body_bytes_max": 1000000, "overload.mode": null}; null: the default again

They are stored as objects, one for each path, and become part of the snapshot as providers do; a patch is stored whole
or not at all. What the file sets is the file's (409); a boot setting is read at a start only, and is not changed here.
The list has one ETag: a patch with `If-Match` is refused (412) if any setting has been changed since.
"""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta

from asbru.admin import nouns
from asbru.admin.access import actor_of
from asbru.admin.act import Act, Deed
from asbru.admin.declared_file import Setting
from asbru.admin.kinds import Kind
from asbru.admin.objects import Body, Objects, refuse_version
from asbru.core.errors import BadRequest, Conflict
from asbru.identity import Actor


class StoredSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A setting that was changed over the API."""

    name: Annotated[str, Meta(max_length=128)]
    value: bool | int | float | Annotated[str, Meta(max_length=128)]


SETTINGS = Kind(
    "settings", "setting", StoredSetting, "Settings that were changed over the API.", "settings", compiled=True
)


class SettingList(msgspec.Struct, frozen=True):
    """Every setting, in the order of the reference. `version`: of all of them together; it goes up with each change."""

    items: tuple[Setting, ...]
    version: int


class Settings:
    """See the module. `objects`: those of the kind SETTINGS."""

    def __init__(self, act: Act, objects: Objects) -> None:
        self._act = act
        self._objects = objects

    def build_router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(tags=["settings"])
        taken = {"type": "object", "additionalProperties": {"type": ["boolean", "number", "string", "null"]}}
        body = {"requestBody": {"required": True, "content": {"application/json": {"schema": taken}}}}

        @router.get("/settings", openapi_extra=nouns.gives(SettingList))
        async def list_settings() -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
            """Every single setting of the configuration."""
            return self._show()

        @router.patch("/settings", openapi_extra={**body, **nouns.gives(SettingList)})
        async def change_settings(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
            """Change settings by path; null restores the default. `If-Match` refuses another version (412)."""
            version = nouns.asked_version(request)
            await self._change(actor_of(request), await nouns.read_body(request), version)
            return self._show()

        return router

    def _show(self) -> Response:
        stored, version = self._stored(), self._version()
        shown = SettingList(tuple(_shown(one, stored) for one in self._act.declared.read().settings), version)
        return nouns.answer_version(shown, version)

    def _version(self) -> int:
        """The number of the last change to a setting."""
        return next((one.number for one in self._act.objects.load_changes(kind="setting", limit=1)), 0)

    def _stored(self) -> dict[str, Any]:
        return {one.id: msgspec.json.decode(one.body)["value"] for one in self._act.objects.load_kind("setting")}

    async def _change(self, actor: Actor, patch: Body, version: int | None) -> None:
        self._refuse_unknown(patch)
        for path, value in patch.items():
            if value is not None:
                self._objects.read_new({"name": path, "value": value})

        def write(deed: Deed) -> None:
            refuse_version(self._version(), version)
            for path, value in patch.items():
                self._objects.refuse_declared(path)
                known = deed.objects.load("setting", path)
                if value is not None:
                    self._objects.put(deed, path, {"name": path, "value": value})
                elif known is not None:
                    self._objects.remove(deed, path)

        await self._act.perform(actor, "settings:write", write, before=self._checked(patch))

    def _refuse_unknown(self, patch: Body) -> None:
        known = {one.path: one for one in self._act.declared.read().settings}
        for path in patch:
            if path not in known:
                close = difflib.get_close_matches(path, known, n=1, cutoff=0.5)
                hint = f"; did you mean {close[0]!r}?" if close else ""
                raise BadRequest(f"{path[:128]}: unknown setting{hint}", status=422)
            if not known[path].live:
                raise Conflict(f"{path} is read at a start only; set it in the file", code="boot_setting")

    def _checked(self, patch: Body) -> Callable[[], Awaitable[None]]:
        async def check() -> None:
            for path in patch:
                self._objects.refuse_declared(path)
            values = {**self._stored(), **patch}
            section = [{"name": path, "value": value} for path, value in values.items() if value is not None]
            problems = await self._act.check({**self._objects.load_sections(), SETTINGS.section: section})
            if problems:
                raise BadRequest("; ".join(problems), status=422)

        return check


def _shown(one: Setting, stored: dict[str, Any]) -> Setting:
    """As it will be, once what is stored is compiled."""
    if one.source == "file":
        return one
    is_stored = one.path in stored
    value = stored[one.path] if is_stored else one.default if one.source == "api" else one.value
    return msgspec.structs.replace(one, value=value, source="api" if is_stored else "default")


SHAPES = (SettingList,)
