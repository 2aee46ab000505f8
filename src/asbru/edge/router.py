"""Paths to routes: a table, looked up by the exact path, with one repair for the slashes people add.

A path that is not in the table is not served. Every route says what it needs: a call goes through the path of
`pipeline.serve`, which identifies the caller; a local page says itself whether it is open.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Route(msgspec.Struct, frozen=True):
    """One path. `kind`: "call" (the path serves it), "models" (a list, for callers with a key), "page" (open).

    `surface` names it in records and metrics; `operation` and `dialect` say what the body is; `home` is the provider
    that the surface imitates.
    """

    path: str
    kind: str
    surface: str
    methods: tuple[bytes, ...] = (b"POST",)
    operation: str = "chat"
    dialect: str = "openai_chat"
    home: str = "openai"


class Router:
    """The table. Paths below a route of kind "models" name one model."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = {route.path.encode(): route for route in routes}
        self._prefixes = tuple((path + b"/", route) for path, route in self._routes.items() if route.kind == "models")
        self.find = self._routes.get

    def find_loosely(self, path: bytes) -> Route | None:
        """The route for a path that is not in the table as it stands: doubled or trailing slashes, one model."""
        tidy = b"/" + b"/".join(part for part in path.split(b"/") if part)
        route = self._routes.get(tidy)
        if route is not None:
            return route
        return next((route for prefix, route in self._prefixes if tidy.startswith(prefix)), None)

    def dialect_of(self, path: bytes) -> str:
        """The dialect to answer an unknown path in."""
        return "anthropic_messages" if path.startswith((b"/anthropic", b"/v1/messages")) else "openai_chat"


_SECRET_PARAMETERS = (b"key=", b"api_key=", b"api-key=", b"access_token=", b"token=")


def forwarded_query(query: bytes) -> bytes:
    """The query that goes along to a provider of the same dialect (`beta=true`): all of it but credentials."""
    return b"&".join(part for part in query.split(b"&") if part and not part.lower().startswith(_SECRET_PARAMETERS))
