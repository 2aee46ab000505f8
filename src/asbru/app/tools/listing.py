"""What a server offers: its lists, page by page, each definition as it came.

Bounds: pages, definitions and bytes of each list. A definition without a name, and a second one of the same name, is
left out with a line in the log; a list that cannot be read fails the whole synchronisation.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from asbru.app.tools.envelope import METHOD_NOT_FOUND
from asbru.app.tools.negotiate import Greeting, request_params
from asbru.app.tools.peers import Broken, Peer, Refused
from asbru.mcp.catalogue import Definition, Scope, digest_of
from asbru.telemetry import log

PAGES_MAX: Final = 1000
DEFINITIONS_MAX: Final = 10_000
LIST_BYTES_MAX: Final = 32 * 1024 * 1024
PAGE_S: Final = 30.0


class Kind(NamedTuple):
    """A list: the member of its result, the member that names a definition, and the capability that it belongs to."""

    method: str
    member: str
    named_by: str
    capability: str


TOOLS: Final = Kind("tools/list", "tools", "name", "tools")
RESOURCES: Final = Kind("resources/list", "resources", "uri", "resources")
TEMPLATES: Final = Kind("resources/templates/list", "resourceTemplates", "uriTemplate", "resources")
PROMPTS: Final = Kind("prompts/list", "prompts", "name", "prompts")


class Offered(NamedTuple):
    """Everything that a server offers."""

    tools: tuple[Definition, ...] = ()
    resources: tuple[Definition, ...] = ()
    templates: tuple[Definition, ...] = ()
    prompts: tuple[Definition, ...] = ()
    ttl_ms: int = 0
    scope: Scope = "private"


class _Page(msgspec.Struct, rename="camel"):
    next_cursor: str | None = None
    ttl_ms: int = 0
    cache_scope: str = "private"


class _Lists:
    """How long the lists read so far may be kept, and for whom."""

    def __init__(self) -> None:
        self.ttl_ms: int | None = None
        self.is_private = False

    def note(self, page: _Page) -> None:
        """The shortest time counts, and one private page."""
        self.ttl_ms = page.ttl_ms if self.ttl_ms is None else min(self.ttl_ms, page.ttl_ms)
        self.is_private |= page.cache_scope != "public"


async def list_all(name: str, peer: Peer, greeting: Greeting) -> Offered:
    """All lists of a server. Raises what `Peer.ask` does."""
    lists = _Lists()
    found = [
        await _list(name, peer, kind, lists) if greeting.offers(kind.capability) else ()
        for kind in (TOOLS, RESOURCES, TEMPLATES, PROMPTS)
    ]
    scope: Scope = "private" if lists.is_private or lists.ttl_ms is None else "public"
    return Offered(*found, ttl_ms=lists.ttl_ms or 0, scope=scope)


async def _list(name: str, peer: Peer, kind: Kind, lists: _Lists) -> tuple[Definition, ...]:
    found: dict[str, Definition] = {}
    cursor: str | None = None
    size = left_out = 0
    for _ in range(PAGES_MAX):
        try:
            result = await peer.ask(kind.method, request_params(peer, _after(cursor)), PAGE_S)
        except Refused as refused:
            if refused.code == METHOD_NOT_FOUND:  # many servers with resources have no templates
                return ()
            raise
        size += len(result)
        page, definitions = _read(result, kind)
        lists.note(page)
        for definition in definitions:
            one = _definition(bytes(definition), kind)
            if one is None or one.name in found:
                left_out += 1
            else:
                found[one.name] = one
        if len(found) > DEFINITIONS_MAX or size > LIST_BYTES_MAX:
            raise Broken(f"{kind.method} has more than {DEFINITIONS_MAX} entries or {LIST_BYTES_MAX} bytes")
        if not page.next_cursor or page.next_cursor == cursor:
            break
        cursor = page.next_cursor
    else:
        raise Broken(f"{kind.method} has more than {PAGES_MAX} pages")
    if left_out:
        log(
            "warning",
            "an MCP server lists entries without a name or with the same name; they are left out",
            server=name,
            list=kind.method,
            n=left_out,
        )
    return tuple(found.values())


def _after(cursor: str | None) -> dict[str, Any]:
    return {} if cursor is None else {"cursor": cursor}


def _read(result: bytes, kind: Kind) -> tuple[_Page, list[Raw]]:
    try:
        page = msgspec.json.decode(result, type=_Page)
        listed = msgspec.json.decode(result, type=dict[str, Raw]).get(kind.member, Raw(b"[]"))
        return page, msgspec.json.decode(listed, type=list[Raw])
    except ValueError as error:
        raise Broken(f"its response to {kind.method} cannot be read: {error}") from error


def _definition(given: bytes, kind: Kind) -> Definition | None:
    try:
        named = msgspec.json.decode(given, type=dict[str, Raw])
        name = msgspec.json.decode(named[kind.named_by], type=str)
        return Definition(name, given, digest_of(given)) if name else None
    except (ValueError, KeyError):
        return None
