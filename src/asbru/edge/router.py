"""Paths to routes: a table, looked up by the exact path; then routes with parameters, and the slashes people add.

A path that is not in the table is not served. Every route says what it needs: a call goes through the path of
`pipeline.serve`, which identifies the caller; a local page says itself whether it is open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple, TypeAlias
from urllib.parse import unquote_to_bytes

import msgspec

from asbru.dialects import Dialect, Operation, PathParameters
from asbru.wire.forwarded import is_credential

Kind: TypeAlias = Literal["call", "models", "key", "page"]

_PARAMETER = re.compile(r"\{(\w+)\}")
_MANY = "model"
"""The parameter that may hold slashes: `provider/model`."""


class Route(msgspec.Struct, frozen=True):
    """One path. `kind`: "call" (the path serves it), "models" (a list, for callers with a key), "key" (what a key
    may see of itself), "page" (open).

    `path` may hold `{model}`, which takes slashes along, and other `{name}`s of one segment. `surface` names it in
    records and metrics; `dialect` is what it speaks, `operation` what is asked for.
    """

    path: str
    kind: Kind
    surface: str
    dialect: Dialect
    methods: tuple[bytes, ...] = (b"POST",)
    operation: Operation | None = None


class Found(NamedTuple):
    """A route, and what stood in its parameters."""

    route: Route
    parameters: PathParameters


class Router:
    """The table. `find` looks a path up as it stands, among the routes without parameters."""

    def __init__(self, routes: Iterable[Route]) -> None:
        routes = tuple(routes)
        self._routes = {route.path.encode(): route for route in routes if "{" not in route.path}
        self._patterns = tuple((_pattern(route.path), route) for route in routes if "{" in route.path)
        self._spoken = sorted(
            {(prefix, route.dialect.name): route.dialect for route in routes for prefix in _prefixes(route)}.items(),
            key=lambda item: -len(item[0][0]),
        )
        self.find = self._routes.get

    def find_loosely(self, path: bytes) -> Found | None:
        """The route for a path that is not in the table as it stands: with parameters, doubled or trailing slashes."""
        tidy = b"/" + b"/".join(part for part in path.split(b"/") if part)
        route = self._routes.get(tidy)
        if route is not None:
            return Found(route, {})
        for pattern, route in self._patterns:
            match = pattern.fullmatch(tidy)
            if match is not None:
                values = {
                    name: unquote_to_bytes(raw).decode("utf-8", "replace") for name, raw in match.groupdict().items()
                }
                return Found(route, values)
        return None

    def dialect_of(self, path: bytes) -> Dialect:
        """The dialect to speak on an unknown path: that of the longest route or root it begins with."""
        return next(dialect for (prefix, _), dialect in self._spoken if path.startswith(prefix) or prefix == b"/")


def _prefixes(route: Route) -> tuple[bytes, ...]:
    root = route.dialect.surface.root
    return (route.path.partition("{")[0].encode(), *((root.encode(),) if root else ()))


def _pattern(path: str) -> re.Pattern[bytes]:
    parts: list[str] = []
    end = 0
    for found in _PARAMETER.finditer(path):
        wide = ".+" if found[1] == _MANY else "[^/]+"
        parts += [re.escape(path[end : found.start()]), f"(?P<{found[1]}>{wide})"]
        end = found.end()
    return re.compile("".join((*parts, re.escape(path[end:]))).encode(), re.DOTALL)


def forwarded_query(query: bytes) -> bytes:
    """The query that goes along to a provider of the same dialect (`beta=true`): all of it but credentials, and what
    has no name. A fragment is no part of it."""
    parts = query.partition(b"#")[0].split(b"&")
    return b"&".join(part for part in parts if part and not _is_secret(part))


def _is_secret(part: bytes) -> bool:
    """Whether a parameter, or what some servers read as several, is called like a credential or is not named."""
    return any(
        not equals or is_credential(unquote_to_bytes(name))
        for name, equals, _ in (one.partition(b"=") for one in part.split(b";"))
    )
