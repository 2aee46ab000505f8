"""Tokens of the management API.

GET, POST /api/v1/tokens         DELETE /api/v1/tokens/NAME
"""

from __future__ import annotations

from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from asbru.admin import nouns
from asbru.admin.access import actor_of
from asbru.admin.account_shapes import NewToken
from asbru.admin.act import Act, Deed, said
from asbru.admin.role_routes import delete_orphans, known_role, refuse_grant
from asbru.core.errors import Conflict, NotFound
from asbru.identity import Token

TOKENS_MAX = 1000


class TokenRoutes:
    """See the module."""

    def __init__(self, act: Act) -> None:
        self._act = act

    def build_router(self) -> APIRouter:
        """All routes of the module."""
        router = APIRouter(tags=["accounts"])
        add: Any = router.add_api_route
        add("/tokens", self.list_tokens, methods=["GET"])
        add("/tokens", self.create_token, methods=["POST"], status_code=201, openapi_extra=nouns.takes(NewToken))
        add("/tokens/{name}", self.delete_token, methods=["DELETE"], status_code=204)
        return router

    async def list_tokens(self) -> Response:
        """Every token, but for its value."""
        return nouns.answer({"items": self._act.accounts.load_tokens(), "next": None})

    async def create_token(self, request: Request) -> Response:
        """A new token; its `value` is told once."""
        asked = nouns.read_struct(await nouns.read_body(request), NewToken)
        actor = actor_of(request)

        def write(deed: Deed) -> tuple[Token, str]:
            tokens = deed.accounts.load_tokens()
            if any(token.name == asked.name for token in tokens):
                raise Conflict(f"the token '{asked.name}' already exists")
            if len(tokens) >= TOKENS_MAX:
                raise Conflict(f"there are {TOKENS_MAX} tokens already")
            expires_ms = deed.now_ms + asked.expires_in_s * 1000 if asked.expires_in_s else 0
            token = Token(asked.name, known_role(deed, asked.role).name, actor.name, deed.now_ms, expires_ms)
            deed.note("create", "token", asked.name, after=said(role=asked.role))
            return token, deed.accounts.add_token(token)

        token, value = await self._act.perform(actor, "tokens:write", write)
        return nouns.answer({**msgspec.to_builtins(token), "value": value}, 201)

    async def delete_token(self, name: str, request: Request) -> Response:
        """A token that is refused from now on, and so are those that were created with it."""

        def write(deed: Deed) -> None:
            found = next((token for token in deed.accounts.load_tokens() if token.name == name), None)
            if found is None:
                raise NotFound(f"the token '{name}' does not exist")
            refuse_grant(deed.actor, deed.accounts.role(found.role))
            deed.accounts.delete_token(name)
            deed.objects.forget_maker(f"token/{name}")
            deed.note("delete", "token", name)
            delete_orphans(deed)

        await self._act.perform(actor_of(request), "tokens:write", write)
        return Response(status_code=204)
