"""POST /api/v1/playground/key: a virtual key for an hour, by which the playground calls the public surfaces.

So limits, access and records apply to it as to every call. A user or token has one such key, `playground-NAME`, with at
most VALUES_MAX values: a further one ends the oldest. It is listed and deleted as every virtual key, and goes when its
last value has expired. An actor with the scope `team` gets a key of the first of its teams. Tools are tried by a key of
their own (`tool_list`), so that conversations of the playground are offered none.
"""

from __future__ import annotations

import hashlib
import re

import msgspec
from fastapi import APIRouter, Request, Response

from asbru.admin import key_values, nouns
from asbru.admin.access import actor_of
from asbru.admin.act import Act, Deed
from asbru.admin.objects import Body, Objects
from asbru.admin.reach import Reach
from asbru.cluster import Entry
from asbru.core.errors import Conflict
from asbru.governance import VIRTUAL_KEY, digest_of
from asbru.identity import Actor

VALID_S = 3600
VALUES_MAX = 3
TAG = "playground"
"""Names whose key it is."""
_PREFIX = "playground-"
_TOOLS_PREFIX = "playground-tools-"
_NAME_CHARS_MAX = 64
_OTHER = re.compile(r"[^A-Za-z0-9._-]")


class PlaygroundKey(msgspec.Struct, frozen=True):
    """A value, which is shown once, and until when it may be used, Unix milliseconds."""

    value: str
    expires_ms: int
    name: str


class Playground:
    """See the module. `keys`: the objects that virtual keys are."""

    def __init__(self, act: Act, keys: Objects) -> None:
        self._act = act
        self._keys = keys

    def build_router(self) -> APIRouter:
        """The route."""
        router = APIRouter(tags=["playground"])
        described = nouns.gives(PlaygroundKey, status=201)

        @router.post("/playground/key", status_code=201, openapi_extra=described)
        async def create_key(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
            """A virtual key for an hour, for the playground."""
            return nouns.answer(await self.create(actor_of(request)), 201)

        return router

    async def create(self, actor: Actor, *, tools: bool = False) -> PlaygroundKey:
        """A new value of the actor's key, which is created where there is none. `tools`: of another key, which may
        call tools and no model."""
        value = key_values.make_value()
        digest = digest_of(value.encode(), self._act.pepper)
        name = key_name(actor, _TOOLS_PREFIX if tools else _PREFIX)

        def write(deed: Deed) -> PlaygroundKey:
            self._keys.refuse_declared(name)
            _refuse_others(deed, name, actor)
            _drop_oldest(deed, name)
            expires_ms = deed.now_ms + VALID_S * 1000
            if not _body(deed, name):
                key_values.add_identity(deed.database, name)
            key_values.add_value(deed.database, name, digest, deed.now_ms, expires_ms=expires_ms)
            # What an admin has changed of the key since, such as its models or its budget, stays.
            reach = Reach(actor, deed.objects)
            begin: Body = {"models": [], "mcp": ["*"] if reach.is_whole else []} if tools else {}
            body: Body = {**begin, **_body(deed, name), "name": name, "tags": {TAG: actor.name}}
            team = reach.team
            self._keys.put(deed, name, {**body, "team": team} if team else body)
            return PlaygroundKey(value, expires_ms, name)

        return await self._act.perform(actor, "mcp:write" if tools else "playground:write", write)


def key_name(actor: Actor, prefix: str = _PREFIX) -> str:
    """The name of an actor's key. Names that a key cannot have are told apart by a hash."""
    kind, _, plain = actor.name.partition("/")
    name = plain if kind == "user" else f"{kind}-{plain}"
    fits = _OTHER.sub("-", name)[:_NAME_CHARS_MAX]
    return prefix + (name if fits == name else f"{fits}-{hashlib.sha256(name.encode()).hexdigest()[:8]}")


def is_left_over(deed: Deed, name: str) -> bool:
    """Whether a key is one of the playground that has no value any more."""
    return TAG in _body(deed, name).get("tags", {}) and not key_values.load_values(deed.database, name)


def _body(deed: Deed, name: str) -> Body:
    """The key as it is stored; {} where there is none."""
    found = deed.objects.load("key", name)
    return {} if found is None else msgspec.json.decode(found.body)


def _refuse_others(deed: Deed, name: str, actor: Actor) -> None:
    """The tag alone says nothing: whoever may create keys may write it, and would see the calls of this one."""
    body = _body(deed, name)
    own = body.get("tags", {}).get(TAG) == actor.name and deed.objects.is_made_by("key", name, actor.name)
    if body and not own:
        raise Conflict(f"there is a key '{name}' already, which is not of the playground; delete that one")


def _drop_oldest(deed: Deed, name: str) -> None:
    """Make room for another value."""
    for value in key_values.load_values(deed.database, name)[VALUES_MAX - 1 :]:
        key_values.delete_value(deed.database, value.digest)
        deed.entries.append(Entry(VIRTUAL_KEY, value.digest, None))
