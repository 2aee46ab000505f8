"""Virtual keys: as objects, and their values, which are told once and stored as keyed hashes.

    POST /api/v1/keys                201 with `value`
    POST /api/v1/keys/NAME/rotate    200 with a new `value`; the old one works for `grace_s` more
    DELETE /api/v1/keys/NAME         the key is refused from the next call on

Workers are told a key for each of its values.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta

from asbru.admin import key_values, nouns, playground
from asbru.admin.access import SCOPED, actor_of
from asbru.admin.act import Act, Deed
from asbru.admin.kinds import KEYS, Kind
from asbru.admin.objects import Body, Objects
from asbru.admin.reach import Reach
from asbru.cluster import Entry
from asbru.core.errors import Conflict
from asbru.governance import VIRTUAL_KEY, declare, digest_of
from asbru.governance.declared import Access
from asbru.identity import Actor, roles
from asbru.records import spend

GRACE_S_MAX = 30 * 24 * 3600
EXPIRED_SWEPT_MAX = 1000
_SWEEPER = Actor("asbru", roles.ADMIN)


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a key is rotated. `grace_s`: for how many seconds the old value still works."""

    grace_s: Annotated[int, Meta(ge=0, le=GRACE_S_MAX)] = 0


class VirtualKeys:
    """See the module."""

    def __init__(self, act: Act, kinds: Mapping[str, Kind]) -> None:
        self._act = act
        self.objects = Objects(act, KEYS, kinds, entries=_entries, on_delete=_delete_values)

    def build_router(self) -> APIRouter:
        """The routes of objects, and rotation."""
        router = nouns.build_router(self.objects, create=self._create)

        @router.post(
            "/{key_name}/rotate",
            summary="Give a key a new value",
            openapi_extra={SCOPED: True, **nouns.takes(Rotation)},
        )
        async def rotate_key(key_name: str, request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
            """The body may say `grace_s`: for how many seconds the old value still works; by default not at all."""
            body = await nouns.read_body(request) if request.headers.get("content-length", "0") != "0" else {}
            return await self._rotate(actor_of(request), key_name, body)

        return router

    async def sweep(self) -> None:
        """Forget values whose grace period is over. Raises as `Act.perform` does."""
        if key_values.load_expired(self._act.database, self._act.now_ms(), 1):
            await self._act.perform(_SWEEPER, "keys:write", self._forget_expired)

    def _forget_expired(self, deed: Deed) -> None:
        """Values that have expired, and keys of the playground that have no other."""
        for digest, key_name in key_values.load_expired(deed.database, deed.now_ms, EXPIRED_SWEPT_MAX):
            key_values.delete_value(deed.database, digest)
            deed.entries.append(Entry(VIRTUAL_KEY, digest, None))
            if playground.is_left_over(deed, key_name):
                self.objects.remove(deed, key_name)

    async def _create(self, request: Request, body: Body) -> Response:
        value = key_values.make_value()
        digest = digest_of(value.encode(), self._act.pepper)

        def add_value(deed: Deed, key_name: str) -> None:
            _refuse_used_name(deed, key_name)
            key_values.add_identity(deed.database, key_name)
            key_values.add_value(deed.database, key_name, digest, deed.now_ms)

        shown = await self.objects.create(actor_of(request), body, add_value)
        return nouns.answer({**shown.members, "value": value}, 201, {"etag": f'"{shown.version}"'})

    async def _rotate(self, actor: Actor, key_name: str, body: Body) -> Response:
        rotation = nouns.read_struct(body, Rotation)
        value = key_values.make_value()

        def write(deed: Deed) -> None:
            self.objects.load(key_name, Reach(actor, self._act.objects))
            self.objects.refuse_declared(key_name)
            key_values.expire_values(deed.database, key_name, deed.now_ms + rotation.grace_s * 1000)
            digest = digest_of(value.encode(), self._act.pepper)
            key_values.add_value(deed.database, key_name, digest, deed.now_ms)
            self._forget_expired(deed)
            self.objects.tell(deed, key_name)
            deed.note("rotate", KEYS.kind, key_name)

        await self._act.perform(actor, "keys:write", write)
        return nouns.answer({"id": key_name, "value": value, "grace_s": rotation.grace_s})


def _entries(deed: Deed, one: Access) -> list[Entry]:
    """An entry for each value; one that was rotated out expires at the end of its grace period. A key of which every
    value expires is temporary."""
    entries: list[Entry] = []
    values = key_values.load_values(deed.database, one.name)
    temporary = all(value.expires_ms for value in values)
    identity = key_values.load_identity(deed.database, one.name)
    for value in values:
        told = one
        if value.expires_ms and (one.expires_at is None or value.expires_ms < declare.expiry_ms(one.expires_at)):
            ends = datetime.fromtimestamp(value.expires_ms / 1000, UTC)
            told = msgspec.structs.replace(one, expires_at=ends.isoformat())
        entry = declare.virtual_key_entry(told, value.digest, temporary=temporary, identity=identity)
        entries.append(Entry(VIRTUAL_KEY, *entry))
    return entries


def _refuse_used_name(deed: Deed, key_name: str) -> None:
    """Raise `Conflict` where an actor who sees the calls of its own keys would see those of an earlier one."""
    if deed.actor.scope.kind == "own" and spend.has_calls(deed.database, key_name):
        raise Conflict(f"a key '{key_name}' had calls before; choose another name")


def _delete_values(deed: Deed, key_name: str) -> None:
    for value in key_values.load_values(deed.database, key_name):
        key_values.delete_value(deed.database, value.digest)
    key_values.delete_identity(deed.database, key_name)
