"""What routing rules read of a call: only the variables and names that some rule names.

headers, tags   of the headers that the server kept for this (`Routing.watched`)
params          of the query
owners          known by their names, with how much of their limits is used
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl

from asbru.governance import Caller
from asbru.governance.standing import Standings, Used
from asbru.pipeline.call import Call
from asbru.wire.forwarded import TAG_PREFIX

PARAMETERS_MAX = 100
PARAMETER_CHARS_MAX = 4096
_TAG_PREFIX = TAG_PREFIX.decode()


class Whose(NamedTuple):
    """The names of the owners of a call, "" for none."""

    virtual_key: str
    team: str
    customer: str


def whose(caller: Caller) -> Whose:
    """The caller and the owners above it."""
    above = dict(owner.split("/", 1) for owner in caller.owners)
    return Whose(caller.name, above.get("team", ""), above.get("customer", ""))


class Reads(Protocol):
    """What conditions read: variables, and of each map its names."""

    @property
    def reads(self) -> frozenset[str]:
        """The variables."""
        ...

    @property
    def names(self) -> Mapping[str, frozenset[str]]:
        """Of each map."""
        ...


def watched_by(rules: Reads) -> frozenset[bytes]:
    """The headers that the rules read."""
    tags = {_TAG_PREFIX + name for name in rules.names.get("tags", ())}
    return frozenset(name.encode() for name in tags.union(rules.names.get("headers", ())))


def read_values(call: Call, whose: Whose, standings: Standings | None, rules: Reads) -> dict[str, object]:
    """The values of what the rules read, but for the provider and the model."""
    reads = rules.reads
    values: dict[str, object] = {one: _MAPS[one](call, names) for one, names in rules.names.items()}
    for name, value in zip(("virtual_key", "team", "customer"), whose, strict=True):
        values[f"{name}_id"] = values[f"{name}_name"] = value
    if not _LIMITS.isdisjoint(reads):
        used = Used() if standings is None else standings.used(whose.virtual_key)
        values |= {"budget_used": used.budget_used, "tokens_used": used.tokens_used, "request": used.requests}
    values |= {"request_type": call.operation.name, "surface": call.dialect.surface.name}
    return {name: value for name, value in values.items() if name in reads}


_LIMITS = frozenset(("budget_used", "tokens_used", "request"))


def _headers(call: Call, names: frozenset[str]) -> dict[str, str]:
    return {name: call.watched[name] for name in names if name in call.watched}


def _tags(call: Call, names: frozenset[str]) -> dict[str, str]:
    """The key's own, and where it has none of the name the call's (`pipeline.tags`)."""
    own = call.caller.entry.tags if call.caller is not None else {}
    found = {name: own.get(name) or call.watched.get(_TAG_PREFIX + name) for name in names}
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
