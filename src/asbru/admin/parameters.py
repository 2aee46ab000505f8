"""Parameters of queries: a route takes those that it declares, and no others.

A filter with a misspelled name would otherwise filter nothing: a list would show all there is, and a deletion would
delete it. Declared are a route's own parameters, and those of its description (`openapi_extra`), of which one with the
style `deepObject` stands for all names that begin with its own: `tag` for `tag.NAME`. What others than callers of the
API make up, such as an authorization server, is taken whole: `openapi_extra=ANY`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, get_origin

from fastapi import Request
from fastapi.routing import APIRoute

from asbru.core.errors import BadRequest

_ANY: Final = "x-asbru-any-parameter"
ANY: Final[dict[str, Any]] = {_ANY: True}
"""For `openapi_extra`: this route takes any parameter."""
NAME_CHARS_MAX: Final = 64
"""Of a name that is repeated in a message."""


class _Known(NamedTuple):
    """A parameter that a route takes. `repeated`: more than once."""

    name: str
    repeated: bool = False
    deep: bool = False

    def fits(self, name: str) -> bool:
        return name.startswith(f"{self.name}.") if self.deep else name == self.name


def refuse_unknown(request: Request) -> None:
    """The dependency of every route; raises `BadRequest` (422) for a parameter that the route does not take, or takes
    only once."""
    given = [name for name, _ in request.query_params.multi_items()]
    route = request.scope.get("route")
    if not given or not isinstance(route, APIRoute) or _ANY in (route.openapi_extra or {}):
        return
    known = list(_known(route))
    for name in given:
        found = next((one for one in known if one.fits(name)), None)
        if found is None:
            raise BadRequest(_unknown(name, [one.name for one in known]), status=422, code="unknown_parameter")
        if not found.repeated and given.count(name) > 1:
            raise BadRequest(
                f"{name[:NAME_CHARS_MAX]}: expected one value, got {given.count(name)}",
                status=422,
                code="repeated_parameter",
            )


def _known(route: APIRoute) -> Iterator[_Known]:
    for field in route.dependant.query_params:
        yield _Known(field.alias, repeated=get_origin(field.field_info.annotation) is list)
    described: list[dict[str, Any]] = (route.openapi_extra or {}).get("parameters", [])
    for one in described:
        if one["in"] == "query":
            yield _Known(str(one["name"]), deep=one.get("style") == "deepObject")


def _unknown(name: str, known: list[str]) -> str:
    name = name[:NAME_CHARS_MAX]
    if not known:
        return f"{name}: this request takes no parameters"
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f" (did you mean '{close[0]}'?)" if close else ""
    return f"{name}: there is no such parameter{hint}; expected some of {', '.join(sorted(known))}"
