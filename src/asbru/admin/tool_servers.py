"""MCP servers as they stand: their state, what they offer, what is held back, and who is authorized at them.

GET  /api/v1/mcp/servers                       all, with counts
GET  /api/v1/mcp/servers/NAME                  one, with its definitions; of a held one also the one that was approved
GET  /api/v1/mcp/servers/NAME/stubs            its tools as scripts of code mode call them
POST /api/v1/mcp/servers/NAME/approve          {"definitions": [{"kind", "name", "digest"}]}: what was looked at
POST /api/v1/mcp/servers/NAME/sync             read its lists anew, now
POST /api/v1/mcp/servers/NAME/connect          {"user"}: the URL where a browser authorizes Asbru
POST /api/v1/mcp/servers/NAME/disconnect       {"user"}: forget that authorization
GET  /api/v1/mcp/oauth/callback                where authorization servers send browsers back to; open: the browser may
                                               be of somebody who has no account here, and `state` says what it is about
GET  /api/v1/mcp/oauth/client.json             what Asbru says of itself as a client; open

How servers are declared is in `kinds`; what does all this is the tools process, behind `ToolServers`.
"""

from __future__ import annotations

from html import escape
from typing import Any, NoReturn, Protocol

import msgspec
from fastapi import APIRouter, Request, Response

from asbru.admin import nouns, parameters
from asbru.admin.access import OPEN, actor_of
from asbru.admin.act import Act, Deed
from asbru.cluster import stored
from asbru.core.errors import BadRequest, CallerError, Conflict, GatewayError, NotFound, Overloaded
from asbru.mcp.catalogue import MCP_SERVER, Definition, ServerEntry, read_server
from asbru.mcp.code import Library
from asbru.mcp.manage import Chosen, Grant, Manage, Managed
from asbru.objects import hide

WRITE = "mcp:write"
QUERY_CHARS_MAX = 4096
AWAY = "the tools process does not respond; it runs only if MCP servers are configured"
_PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}
_REFUSALS: tuple[tuple[int, type[CallerError]], ...] = ((404, NotFound), (409, Conflict), (400, BadRequest))


class ToolServers(Protocol):
    """What runs the servers."""

    async def manage(self, asked: Manage) -> Managed | None:
        """What came of it; None: it does not run, or does not answer."""
        ...


class Approval(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is approved: definitions as they were looked at."""

    definitions: tuple[Chosen, ...]


class Whose(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose authorization: that of a virtual key, of servers that are `per_user`; "" for the one that all share."""

    user: str = ""


class ToolServerSummary(msgspec.Struct, frozen=True):
    """A server. `held`: definitions that wait for approval; `suspicious`: those that look like prompt injection;
    `endpoint`: its URL, "" where Asbru runs
    it."""

    name: str
    state: str
    reason: str
    era: str
    version: str
    endpoint: str
    tools: int
    resources: int
    resource_templates: int
    prompts: int
    held: int
    suspicious: int = 0
    grants: tuple[Grant, ...] = ()


class ToolStubs(msgspec.Struct, frozen=True):
    """The tools of a server as Python signatures: the text of a file."""

    text: str


SHAPES = (Approval, Whose, Grant, ToolServerSummary, ToolStubs)


def build_router(act: Act, tools: ToolServers) -> APIRouter:
    """The routes."""
    router = APIRouter(tags=["mcp"])
    known = _Known(act, tools)
    _add_stubs(router, known)

    @router.get("/mcp/servers", openapi_extra=nouns.gives(ToolServerSummary, paged=True))
    async def list_servers() -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """The servers that are configured, by name: their states and reasons, how much they offer, and the
        authorizations at them."""
        grants = await known.grants()
        items = [_summary(entry, grants) for entry in known.entries().values()]
        return nouns.answer({"items": items, "next": None})

    @router.get("/mcp/servers/{name}")
    async def show_server(name: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """A server and the definitions of all that it offers, as it gave them; `approved` is what a held one was."""
        entry = known.entry(name)
        return nouns.answer(
            {**msgspec.to_builtins(_summary(entry, await known.grants())), **await known.offered(entry)}
        )

    @router.post("/mcp/servers/{name}/approve", openapi_extra=nouns.takes(Approval))
    async def approve(request: Request, name: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Approve changed definitions by the digests that were looked at: all, or none where one has changed since."""
        approval = nouns.read_struct(await nouns.read_body(request), Approval)
        words = ", ".join(f"{one.kind} {one.name}" for one in approval.definitions)
        return await known.do(request, Manage("approve", name, definitions=approval.definitions), words)

    @router.post("/mcp/servers/{name}/sync")
    async def sync(request: Request, name: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Read its lists anew now, or connect to it anew."""
        return await known.do(request, Manage("sync", name), None)

    @router.post("/mcp/servers/{name}/connect", openapi_extra=nouns.takes(Whose))
    async def connect(request: Request, name: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Begin an authorization by OAuth: `url` is where a browser goes."""
        whose = nouns.read_struct(await nouns.read_body(request), Whose)
        return await known.do(request, Manage("connect", name, whose.user), whose.user)

    @router.post("/mcp/servers/{name}/disconnect", openapi_extra=nouns.takes(Whose))
    async def disconnect(request: Request, name: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Forget an authorization."""
        whose = nouns.read_struct(await nouns.read_body(request), Whose)
        return await known.do(request, Manage("disconnect", name, whose.user), whose.user)

    @router.get("/mcp/oauth/callback", openapi_extra={**OPEN, **parameters.ANY})
    async def callback(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Where an authorization server sends the browser back to."""
        query = {name: value[:QUERY_CHARS_MAX] for name, value in request.query_params.items()}
        done = await tools.manage(Manage("callback", query=query))
        return _page(done)

    @router.get("/mcp/oauth/client.json", openapi_extra=OPEN)
    async def show_client() -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Asbru as a client of authorization servers (client metadata document)."""
        done = await tools.manage(Manage("client"))
        if done is None:
            raise Overloaded(AWAY, retry_after_s=1)
        return Response(done.message, 200, media_type="application/json")

    return router


class _Known:
    """What the routes work with."""

    def __init__(self, act: Act, tools: ToolServers) -> None:
        self._act = act
        self._tools = tools

    def entries(self) -> dict[str, ServerEntry]:
        """All servers, as workers know them."""
        payloads = stored.read_kind(self._act.database, MCP_SERVER)
        return {name: read_server(payload) for name, payload in payloads.items()}

    def entry(self, name: str) -> ServerEntry:
        """One of them. Raises `NotFound`."""
        found = self.entries().get(name)
        if found is None:
            raise NotFound(f"there is no MCP server '{name}'")
        return found

    async def grants(self) -> tuple[Grant, ...]:
        """Authorizations; none where nobody can say."""
        done = await self._tools.manage(Manage("grants"))
        return () if done is None else done.grants

    async def offered(self, entry: ServerEntry) -> dict[str, Any]:
        """What it offers, and what it is."""
        kinds = {"tool": entry.tools, "template": entry.resource_templates, "prompt": entry.prompts}
        held = [Chosen(kind, one.name, one.digest) for kind in _KINDS for one in kinds[kind] if one.held]
        done = await self._tools.manage(Manage("pinned", entry.name, definitions=tuple(held))) if held else None
        pinned = {(one.kind, one.name): one.definition for one in (done.pinned if done is not None else ())}

        def shown(kind: str, definitions: tuple[Definition, ...]) -> list[dict[str, Any]]:
            return [
                {
                    "name": one.name,
                    "digest": one.digest,
                    "held": one.held,
                    "suspicion": one.suspicion,
                    "definition": msgspec.Raw(one.definition),
                    **({"approved": msgspec.Raw(pinned.get((kind, one.name), b"null"))} if one.held else {}),
                }
                for one in definitions
            ]

        return {
            "info": msgspec.Raw(entry.info or b"null"),
            "capabilities": msgspec.Raw(entry.capabilities or b"null"),
            "instructions": entry.instructions,
            "offers": {
                "tools": shown("tool", entry.tools),
                "resources": shown("resource", entry.resources),
                "resource_templates": shown("template", entry.resource_templates),
                "prompts": shown("prompt", entry.prompts),
            },
        }

    async def do(self, request: Request, asked: Manage, about: str | None) -> Response:
        """Have it done; `about`: what is noted of it, None: nothing. Raises what it is refused with."""
        done = await self._tools.manage(asked)
        if done is None:
            raise Overloaded(AWAY, retry_after_s=1)
        if done.error:
            _refuse(done)
        if about is not None:
            after = msgspec.json.encode(
                {"user": about} if asked.verb != "approve" else {"definitions": about}
            ).decode()

            def note(deed: Deed) -> None:
                deed.note(asked.verb, "mcp_server", asked.server, after=after)

            await self._act.perform(actor_of(request), WRITE, note)
        return nouns.answer({"url": done.url} if done.url else {"ok": True})


_KINDS = ("tool", "template", "prompt")


def _add_stubs(router: APIRouter, known: _Known) -> None:
    @router.get("/mcp/servers/{name}/stubs", openapi_extra=nouns.gives(ToolStubs))
    async def show_stubs(name: str) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """Its tools as Python signatures: what a model reads where the server is in code mode."""
        return nouns.answer(ToolStubs(_stubs(known.entry(name))))


def _stubs(entry: ServerEntry) -> str:
    library = Library({entry.name: [one for one in entry.tools if not one.held]}, "server")
    return "".join(library.read(path) or "" for path in library.files())


def _summary(entry: ServerEntry, grants: tuple[Grant, ...]) -> ToolServerSummary:
    definitions = (*entry.tools, *entry.resource_templates, *entry.prompts)
    return ToolServerSummary(
        name=entry.name,
        state=entry.state,
        reason=entry.reason,
        era=entry.era,
        version=entry.version,
        endpoint="" if entry.endpoint.startswith("/") else _without_secrets(entry.endpoint),
        tools=len(entry.tools),
        resources=len(entry.resources),
        resource_templates=len(entry.resource_templates),
        prompts=len(entry.prompts),
        held=sum(one.held for one in definitions),
        suspicious=sum(bool(one.suspicion) for one in definitions),
        grants=tuple(grant for grant in grants if grant.server == entry.name),
    )


def _without_secrets(url: str) -> str:
    shown = {"url": url}
    hide(shown, ("url?",))
    return shown["url"]


def _refuse(done: Managed) -> NoReturn:
    for status, error in _REFUSALS:
        if done.status == status:
            raise error(done.error)
    if done.status == 503:
        raise Overloaded(done.error, retry_after_s=1)
    raise GatewayError(done.error, status=done.status)


def _page(done: Managed | None) -> Response:
    """What somebody's browser shows."""
    if done is None:
        status, words = (
            503,
            "The authorization cannot be completed now: the tools process does not respond. Try again.",
        )
    elif done.error:
        status, words = done.status, f"The authorization was not completed: {done.error}"
    else:
        status, words = 200, f"{done.message} You can close this page."
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Asbru</title>"
        "<style>body{font:16px sans-serif;margin:4em auto;max-width:40em}</style>"
        f"<h1>Asbru</h1><p>{escape(words)}</p></html>\n"
    )
    return Response(page, status, _PAGE_HEADERS, media_type="text/html")
