"""The tools of all MCP servers, who may use each, and a key by which a person tries one.

GET  /api/v1/mcp/tools            all tools, `?search=`; the first ITEMS_MAX that fit
GET  /api/v1/mcp/access           the keys that may use a tool, `?server=docs&tool=add`, and which list lets each
POST /api/v1/mcp/tools/key        a virtual key for an hour, for `POST /v1/mcp/tools/call`, and for nothing else

Only keys in reach are told. An actor whose scope is not `all` tries what its team may use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
from fastapi import APIRouter, Query, Request, Response

from asbru.admin import nouns
from asbru.admin.access import SCOPED, actor_of, reach_of
from asbru.admin.act import Act
from asbru.admin.objects import Body, Filter, Objects, Page
from asbru.admin.playground import Playground, PlaygroundKey
from asbru.admin.reach import Reach
from asbru.cluster import stored
from asbru.governance.declared import Customer, Team
from asbru.mcp.access import Access
from asbru.mcp.catalogue import MCP_SERVER, ServerEntry, read_server

ITEMS_MAX = 1000
DESCRIPTION_CHARS_MAX = 300
STEP_KEYS = 200
"""Keys that are looked at before others have their turn."""
KEYS_MAX = 5_000
"""Keys that are looked at for one page, so that a tool that nobody may use does not mean reading all of them."""
_Text = Annotated[str, Query(max_length=256)]


class ListedTool(msgspec.Struct, frozen=True):
    """A tool. `description`: its first characters; `held`: it waits for approval; `suspicion`: what of it
    looks like prompt injection, "" for nothing."""

    server: str
    name: str
    description: str
    held: bool
    suspicion: str = ""


class ListedTools(msgspec.Struct, frozen=True):
    """Tools by server and name; `more`: of those that fit, how many are left out."""

    items: tuple[ListedTool, ...]
    more: int


class Permitted(msgspec.Struct, frozen=True):
    """A key that may use the tool. `owner`: whose list says so, `key/...`, `team/...` or `customer/...`; `pattern`:
    what stands there."""

    key: str
    team: str | None
    owner: str
    pattern: str


class PermittedKeys(msgspec.Struct, frozen=True):
    """By key and owner. `next`: the key after which the next page begins; null on the last one. A page may hold fewer
    than asked for, or none, and not be the last."""

    items: tuple[Permitted, ...]
    next: str | None


SHAPES = (ListedTool, ListedTools, Permitted, PermittedKeys)


def build_router(act: Act, objects: Mapping[str, Objects], playground: Playground) -> APIRouter:
    """The routes. `objects`: by kind; keys, teams, customers and groups of tools."""
    router = APIRouter(tags=["mcp"])

    @router.get("/mcp/tools", openapi_extra=nouns.gives(ListedTools))
    async def list_tools(search: _Text = "") -> Response:  # pyright: ignore[reportUnusedFunction] -- the router calls it
        """The tools of all servers whose server, name or description contains a text."""
        entries = map(read_server, stored.read_kind(act.database, MCP_SERVER).values())
        found = [one for one in _tools(entries) if _fits(one, search.strip().lower())]
        return nouns.answer(ListedTools(tuple(found[:ITEMS_MAX]), max(0, len(found) - ITEMS_MAX)))

    @router.get("/mcp/access", openapi_extra={SCOPED: True, **nouns.gives(PermittedKeys)})
    async def list_permitted(  # pyright: ignore[reportUnusedFunction] -- likewise
        request: Request, *, server: _Text, tool: _Text, limit: nouns.Limit = 100, after: nouns.After = ""
    ) -> Response:
        """The keys that may use a tool, page by page."""
        asked = _Asked(server, tool, limit, after)
        return nouns.answer(await _permitted(objects, asked, reach_of(request)))

    @router.post("/mcp/tools/key", status_code=201, openapi_extra=nouns.gives(PlaygroundKey, status=201))
    async def create_key(request: Request) -> Response:  # pyright: ignore[reportUnusedFunction] -- likewise
        """A virtual key for an hour, for trying tools."""
        return nouns.answer(await playground.create(actor_of(request), tools=True), 201)

    return router


def _tools(entries: Iterable[ServerEntry]) -> Iterator[ListedTool]:
    for entry in sorted(entries, key=lambda one: one.name):
        for tool in entry.tools:
            yield ListedTool(entry.name, tool.name, _description(tool.definition), tool.held, tool.suspicion)


def _description(definition: bytes) -> str:
    """What a tool says of itself; servers write what they like."""
    told: Any = msgspec.json.decode(definition)
    text = told.get("description") or told.get("title")
    return text[:DESCRIPTION_CHARS_MAX] if isinstance(text, str) else ""


def _fits(tool: ListedTool, search: str) -> bool:
    return not search or search in f"{tool.server}__{tool.name} {tool.description}".lower()


class _Asked(NamedTuple):
    """A page of those that may use a tool."""

    server: str
    tool: str
    limit: int
    after: str


async def _permitted(objects: Mapping[str, Objects], asked: _Asked, reach: Reach) -> PermittedKeys:
    """A page: at most so many keys, each with all lists that let it."""
    groups = {name: tuple(getattr(one, "tools", ())) for name, one in objects["mcp_group"].read_all().items()}
    verdicts: dict[str, bool] = {}

    def allows(pattern: str) -> bool:
        if pattern not in verdicts:
            verdicts[pattern] = Access((pattern,), groups).allows(asked.server, asked.tool)
        return verdicts[pattern]

    owners = {kind: objects[kind].read_all() for kind in ("team", "customer")}
    found: list[Permitted] = []
    keys_found = keys_seen = 0
    page = Page([], asked.after)
    while page.next is not None and keys_seen < KEYS_MAX:
        page = objects["key"].list(Filter(after=page.next, limit=STEP_KEYS), reach)
        for key in page.items:
            if lists := list(_permitting(key, owners, allows)):
                found += lists
                keys_found += 1
                if keys_found == asked.limit:
                    last = key is page.items[-1] and page.next is None
                    return PermittedKeys(tuple(found), None if last else str(key["id"]))
        keys_seen += len(page.items)
        await asyncio.sleep(0)
    return PermittedKeys(tuple(found), page.next)


def _permitting(
    key: Body, owners: Mapping[str, Mapping[str, msgspec.Struct]], allows: Callable[[str], bool]
) -> Iterator[Permitted]:
    """The lists that let a key, with what stands there."""
    for owner, patterns in _lists(key, owners):
        pattern = next((one for one in patterns if allows(one)), None)
        if pattern is not None:
            yield Permitted(key["name"], key.get("team"), owner, pattern)


def _lists(key: Body, owners: Mapping[str, Mapping[str, msgspec.Struct]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The lists that add up to what a key may use."""
    yield f"key/{key['name']}", tuple(key.get("mcp", ()))
    customer: str | None = key.get("customer")
    team = owners["team"].get(key.get("team") or "")
    if isinstance(team, Team):
        yield f"team/{team.name}", team.mcp
        customer = team.customer or customer
    above = owners["customer"].get(customer or "")
    if isinstance(above, Customer):
        yield f"customer/{above.name}", above.mcp
