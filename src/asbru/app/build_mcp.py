"""MCP servers of a snapshot as objects of a worker: their endpoints, and their prices.

Not here: what servers offer, which the feed tells (`mcp.catalogue`).
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

from asbru.catalog import MatchClause, PricedModel
from asbru.core.money import MTOK, NANOUSD_PER_USD
from asbru.mcp.protocol.dialect import FREE, MCP, SERVER_PREFIX
from asbru.mcp.servers import McpSettings, Server
from asbru.pipeline import Endpoint
from asbru.routing import Key, ProviderRoute
from asbru.upstream import ExchangeDeadlines, Origin, Pool
from asbru.upstream.credentials import FixedCredential

CONNECT_S = 5.0
_SOCKET_URL = "http://localhost/mcp"
"""Where the tools process presents a server on its Unix socket."""


def mcp_endpoint(server: Server, address: str, pool_of: Callable[[Origin], Pool], *, traced: bool) -> Endpoint:
    """The endpoint of a server. `address`: its URL, or the path of a Unix socket. Raises `ValueError`."""
    on_socket = address.startswith("/")
    parts = urlsplit(_SOCKET_URL if on_socket else address)
    tls = parts.scheme == "https"
    if not parts.hostname:
        raise ValueError(f"MCP server {server.name}: expected an http(s) URL")
    origin = Origin(
        host=parts.hostname,
        port=parts.port or (443 if tls else 80),
        tls=tls,
        unix_socket=address if on_socket else None,
        allow_loopback=server.allow_loopback,
        allow_private=server.allow_private,
        connections_max=server.concurrency,
        idle_connections_max=min(server.concurrency, 64),
    )
    lines = b"" if on_socket else _header_lines(server)
    key = Key("", FixedCredential(lines), frozenset({"*"}), weight=1.0, aliases={})
    route = ProviderRoute(f"{SERVER_PREFIX}{server.name}", MCP.name, (key,), keyless=False)
    return Endpoint(
        route,
        MCP,
        pool_of(origin),
        ExchangeDeadlines(
            connect_s=CONNECT_S, first_token_s=server.timeout_s, idle_s=server.timeout_s, total_s=server.total_s
        ),
        operations=frozenset(),
        base_path=parts.path if server.openapi is not None else _path_of(parts),
        authority=parts.netloc.rpartition("@")[2],
        headers={},
        traced=traced,
        vendor=server.name,
    )


def _path_of(parts: SplitResult) -> str:
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _header_lines(server: Server) -> bytes:
    lines = b""
    for name, value in server.headers.items():
        try:
            lines += FixedCredential.of_header(name, value.reveal()).fixed
        except ValueError as error:
            raise ValueError(f"MCP server {server.name}: the value of the header {name} {error}") from None
    return lines


def mcp_prices(settings: McpSettings) -> dict[str, tuple[PricedModel, ...]]:
    """What calls cost, by the names of servers as targets: one price for each call."""
    return {f"{SERVER_PREFIX}{server.name}": _prices(server) for server in settings.named()}


def _prices(server: Server) -> tuple[PricedModel, ...]:
    priced = {**dict.fromkeys(FREE, 0.0), **server.prices_usd}
    return (
        *(_priced(name, MatchClause("equals", name.lower()), usd) for name, usd in priced.items()),
        _priced("*", MatchClause("starts_with", ""), server.price_usd),
    )


def _priced(name: str, match: MatchClause, usd: float) -> PricedModel:
    return PricedModel(id=name, match=match, units={"request": round(usd * NANOUSD_PER_USD * MTOK)})
