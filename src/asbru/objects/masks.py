"""Secrets inside of bodies: taken out before a body is stored or shown, put back where it is compiled.

    keys.*.value     a member of each element of a list; elements go by their `name`, or else by their index
    headers.*        every member
    proxy            one member
    url?             the values in the query of a URL

What stands in a secret's place is its mask: enough to recognize it, never enough to use. A body that is read, changed
and written back holds masks, which keep the secrets that they stand for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol, cast

from asbru.core.errors import BadRequest

_MASK = "****"
_QUERY: Final = "?"
_SHOWN_CHARS = 4
_SHOWN_FROM_CHARS = 16
"""Shorter secrets show nothing: four characters of them would be too much."""


def mask(secret: str) -> str:
    """What is shown of a secret."""
    return _MASK + (secret[-_SHOWN_CHARS:] if len(secret) >= _SHOWN_FROM_CHARS else "")


def take_out(body: dict[str, Any], fields: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """Put masks in place of the secrets of `body`, and return them by field; `known` are those stored before. Raises
    `BadRequest` for the mask of a secret that is not known."""
    secrets: dict[str, str] = {}
    for field, holder, member in _places(body, fields):
        given = cast("str", holder[member])
        if given.startswith(_MASK):
            if field not in known or mask(known[field]) != given:
                raise BadRequest(
                    f"{field}: expected a secret, got the mask of one that is not stored here", status=422
                )
            secrets[field] = known[field]
        elif given:
            secrets[field] = given
            holder[member] = mask(given)
    return secrets


def put_back(body: dict[str, Any], fields: Iterable[str], secrets: Mapping[str, str]) -> None:
    """Put the secrets where their masks are; one that is not there becomes an empty text. A secret that was stored
    before its field was one has no mask, and stays."""
    for field, holder, member in _places(body, fields):
        if holder[member].startswith(_MASK):
            holder[member] = secrets.get(field, "")


def hide(body: dict[str, Any], fields: Iterable[str]) -> None:
    """Put masks in place of the secrets of `body`; masks stay."""
    for _, holder, member in _places(body, fields):
        if not holder[member].startswith(_MASK):
            holder[member] = mask(holder[member])


def kept(body: dict[str, Any], fields: Iterable[str]) -> list[str]:
    """The fields of a body in which a mask keeps the secret that is stored."""
    return [field for field, holder, member in _places(body, fields) if holder[member].startswith(_MASK)]


def sent_to(body: dict[str, Any], fields: Iterable[str]) -> list[tuple[str, Any]]:
    """Where the secrets of a body go, as the members that say so; equal where they go to the same place."""
    return [
        (place, holder[member])
        for field in fields
        for place, holder, member in _walk(body, field.split("."), ())
        if holder[member] not in (None, "", [], {})
    ]


class _Holder(Protocol):
    """What holds a member: an object, or the query of a URL."""

    def __getitem__(self, member: str, /) -> Any: ...

    def __setitem__(self, member: str, value: Any, /) -> None: ...


class _Query:
    """The parameters in the query of the URL `holder[member]`, as they are written. A parameter goes by its name, one
    more of that name by its index too, and one without a value by its index."""

    def __init__(self, holder: dict[str, Any], member: str) -> None:
        self._holder = holder
        self._member = member
        self._base, _, query = str(holder[member]).partition(_QUERY)
        self._parameters: dict[str, tuple[str, str]] = {}
        for index, part in enumerate(query.split("&") if query else ()):
            name, equals, value = part.partition("=")
            if not equals:
                self._parameters[str(index)] = "", part
            else:
                self._parameters[f"{name}.{index}" if name in self._parameters else name] = f"{name}=", value

    def __iter__(self) -> Iterator[str]:
        yield from [name for name, (_, value) in self._parameters.items() if value]

    def __getitem__(self, name: str, /) -> str:
        return self._parameters[name][1]

    def __setitem__(self, name: str, value: str, /) -> None:
        self._parameters[name] = self._parameters[name][0], value
        query = "&".join("".join(part) for part in self._parameters.values())
        self._holder[self._member] = f"{self._base}{_QUERY}{query}"


def _places(body: dict[str, Any], fields: Iterable[str]) -> Iterator[tuple[str, _Holder, str]]:
    for field in fields:
        yield from (place for place in _walk(body, field.split("."), ()) if isinstance(place[1][place[2]], str))


def _walk(value: Any, parts: list[str], path: tuple[str, ...]) -> Iterator[tuple[str, _Holder, str]]:
    part, *rest = parts
    if isinstance(value, list | tuple):  # msgspec makes tuples
        for index, element in enumerate(cast("list[Any]", value)):
            if isinstance(element, dict):
                name = str(cast("dict[str, Any]", element).get("name", index))
                yield from _walk(element, rest, (*path, name))
        return
    if not isinstance(value, dict):
        return
    members = cast("dict[str, Any]", value)
    if not rest and part.endswith(_QUERY):
        yield from _walk_query(members, part.removesuffix(_QUERY), path)
        return
    for member in list(members) if part == "*" else [part]:
        if rest:
            yield from _walk(members.get(member), rest, (*path, member))
        elif member in members:
            yield ".".join((*path, member)), members, member


def _walk_query(members: dict[str, Any], member: str, path: tuple[str, ...]) -> Iterator[tuple[str, _Holder, str]]:
    if isinstance(members.get(member), str):
        query = _Query(members, member)
        for name in query:
            yield f"{'.'.join((*path, member))}{_QUERY}{name}", query, name
