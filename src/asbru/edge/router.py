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
from asbru.dialects.contract import DEPLOYMENT
from asbru.edge.aliases import meant
from asbru.wire.forwarded import is_credential

Kind: TypeAlias = Literal["call", "object", "passthrough", "mcp", "tool", "models", "key", "page"]

_PARAMETER = re.compile(r"\{(\w+)\}")
_MANY = ("model", "path")
"""The parameters that may hold slashes: `provider/model`, and what is passed through."""
_ALIASED = frozenset({"call", "object", "models"})
"""The kinds of routes that have other names."""
_DOTS = frozenset({".", ".."})
"""No values of parameters: in the path of a provider they would lead elsewhere."""


class Route(msgspec.Struct, frozen=True):
    """One path. `kind`: "call" (the path serves it), "object" (so it does, for stored objects), "passthrough" (as it
    came), "mcp" (tools), "tool" (one call to a tool), "models" (a list, for callers with a key), "key" (what a key may
    see of itself), "page" (open).

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
    """A route, what stood in its parameters, and the methods that its path takes, by this route or another one.
    `aliased`: it was asked for by another name (`aliases`), which may have named the model, in `DEPLOYMENT`; stored
    objects are of no model."""

    route: Route
    parameters: PathParameters
    methods: tuple[bytes, ...]
    aliased: bool = False


class Router:
    """The table. `find` looks up the path of a call that is posted, as it stands, among the routes without
    parameters."""

    def __init__(self, routes: Iterable[Route]) -> None:
        routes = tuple(routes)
        by_path: dict[str, tuple[Route, ...]] = {}
        for route in routes:
            by_path[route.path] = (*by_path.get(route.path, ()), route)
        self._routes = {path.encode(): found for path, found in by_path.items() if "{" not in path}
        self._patterns = tuple((_pattern(path), found) for path, found in by_path.items() if "{" in path)
        self._spoken = sorted(
            {(prefix, route.dialect.name): route.dialect for route in routes for prefix in _prefixes(route)}.items(),
            key=lambda item: -len(item[0][0]),
        )
        self.find = {
            route.path.encode(): route
            for route in routes
            if route.kind == "call" and b"POST" in route.methods and "{" not in route.path
        }.get

    def find_loosely(self, path: bytes, method: bytes) -> Found | None:
        """The route for any path: with parameters, doubled or trailing slashes. Where a path has several routes it is
        the one that takes the method, or the first where none does."""
        tidy = b"/" + b"/".join(part for part in path.split(b"/") if part)
        return self._find(path, tidy, method) or self._find_aliased(tidy, method)

    def _find(self, path: bytes, tidy: bytes, method: bytes) -> Found | None:
        routes = self._routes.get(tidy)
        if routes is not None:
            return _pick(routes, {}, method)
        for pattern, routes in self._patterns:
            as_it_came = routes[0].kind == "passthrough"
            match = pattern.fullmatch(path if as_it_came else tidy)
            if match is not None:
                values = {
                    name: raw.decode("latin-1") if as_it_came else unquote_to_bytes(raw).decode("utf-8", "replace")
                    for name, raw in match.groupdict().items()
                }
                if as_it_came:
                    return _pick(routes, values, method)
                return None if _DOTS.intersection(values.values()) else _pick(routes, values, method)
        return None

    def _find_aliased(self, tidy: bytes, method: bytes) -> Found | None:
        for named in meant(tidy):
            found = self._find(named.path, named.path, method)
            if found is not None and found.route.kind in _ALIASED:
                operation = found.route.operation
                is_asked = named.model and operation is not None and operation.stored is None
                parameters = {**found.parameters, DEPLOYMENT: named.model} if is_asked else found.parameters
                return found._replace(parameters=parameters, aliased=True)
        return None

    def dialect_of(self, path: bytes) -> Dialect:
        """The dialect to speak on an unknown path: that of the longest route or root it begins with."""
        path = next((named.path for named in meant(path)), path)
        return next(dialect for (prefix, _), dialect in self._spoken if path.startswith(prefix) or prefix == b"/")


def _pick(routes: tuple[Route, ...], parameters: PathParameters, method: bytes) -> Found:
    methods = tuple(dict.fromkeys(one for route in routes for one in route.methods))
    return Found(next((route for route in routes if method in route.methods), routes[0]), parameters, methods)


def _prefixes(route: Route) -> tuple[bytes, ...]:
    root = route.dialect.surface.root
    return (route.path.partition("{")[0].encode(), *((root.encode(),) if root else ()))


def _pattern(path: str) -> re.Pattern[bytes]:
    parts: list[str] = []
    end = 0
    for found in _PARAMETER.finditer(path):
        wide = ".+" if found[1] in _MANY else "[^/]+"
        parts += [re.escape(path[end : found.start()]), f"(?P<{found[1]}>{wide})"]
        end = found.end()
    return re.compile("".join((*parts, re.escape(path[end:]))).encode(), re.DOTALL)


def forwarded_query(query: bytes, but: bytes = b"") -> bytes:
    """The query that goes along to a provider of the same dialect (`beta=true`): all of it but credentials, the
    parameter `but`, and what has no name. A fragment is no part of it."""
    parts = query.partition(b"#")[0].split(b"&")
    return b"&".join(
        part for part in parts if part and not _is_secret(part) and not (but and part.partition(b"=")[0] == but)
    )


def credential_in(query: bytes, name: str) -> bytes:
    """The first value of the parameter called `name`, b"" if there is none."""
    for part in query.partition(b"#")[0].split(b"&"):
        spelled, _, value = part.partition(b"=")
        if spelled == name.encode():
            return unquote_to_bytes(value)
    return b""


def _is_secret(part: bytes) -> bool:
    """Whether a parameter, or what some servers read as several, is called like a credential or is not named."""
    return any(
        not equals or is_credential(unquote_to_bytes(name))
        for name, equals, _ in (one.partition(b"=") for one in part.split(b";"))
    )
