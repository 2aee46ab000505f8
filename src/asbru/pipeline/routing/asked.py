"""What routing rules read of a call: only the variables and names that some rule names.

headers, tags   of the headers that the server kept for this (`Routing.watched`)
params          of the query
owners          known by their names, with how much of their limits is used
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import parse_qsl

from asbru.governance import Caller
from asbru.pipeline.call import Call
from asbru.pipeline.ports import Standing
from asbru.routing.rules import Rules

PARAMETERS_MAX = 100
PARAMETER_CHARS_MAX = 4096
TAG_PREFIX = "x-asbru-tag-"


def watched_by(rules: Rules) -> frozenset[bytes]:
    """The headers that the rules read."""
    tags = {TAG_PREFIX + name for name in rules.names.get("tags", ())}
    return frozenset(name.encode() for name in tags.union(rules.names.get("headers", ())))


def read_values(call: Call, caller: Caller, standing: Standing, rules: Rules) -> dict[str, object]:
    """The values of what the rules read, but for the provider and the model."""
    values = {name: read(call, caller, standing) for name, read in _VALUES.items() if name in rules.reads}
    for one, names in rules.names.items():
        values[one] = _MAPS[one](call, names)
    return values


_VALUES: Mapping[str, Callable[[Call, Caller, Standing], object]] = MappingProxyType(
    {
        "request_type": lambda call, _caller, _standing: call.operation.name,
        "surface": lambda call, _caller, _standing: call.dialect.surface.name,
        "virtual_key_id": lambda _call, caller, _standing: caller.name,
        "virtual_key_name": lambda _call, caller, _standing: caller.name,
        "team_id": lambda _call, caller, standing: standing.team(caller),
        "team_name": lambda _call, caller, standing: standing.team(caller),
        "customer_id": lambda _call, caller, standing: standing.customer(caller),
        "customer_name": lambda _call, caller, standing: standing.customer(caller),
        "budget_used": lambda _call, caller, standing: standing.used(caller, "cost"),
        "tokens_used": lambda _call, caller, standing: standing.used(caller, "tokens"),
        "request": lambda _call, caller, standing: standing.used(caller, "requests"),
    }
)
"""What a rule may read of a call, besides the provider and the model; owners are known by their names."""


def _headers(call: Call, names: frozenset[str]) -> dict[str, str]:
    return {name: call.watched[name] for name in names if name in call.watched}


def _tags(call: Call, names: frozenset[str]) -> dict[str, str]:
    found = {name: call.watched.get(TAG_PREFIX + name) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _parameters(call: Call, names: frozenset[str]) -> dict[str, str]:
    """Of the query; the first of a name wins."""
    try:
        found = parse_qsl(call.query.decode("latin-1"), keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    except ValueError:  # more than that
        return {}
    return {name.lower(): value[:PARAMETER_CHARS_MAX] for name, value in reversed(found) if name.lower() in names}


_MAPS: Mapping[str, Callable[[Call, frozenset[str]], dict[str, str]]] = MappingProxyType(
    {"headers": _headers, "tags": _tags, "params": _parameters}
)
