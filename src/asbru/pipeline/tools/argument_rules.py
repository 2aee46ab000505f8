"""Rules on arguments of tools: which calls are refused because of what they say.

A condition that lacks a name it reads does not hold. One that cannot be evaluated for another reason, such as a list
where it expects text, holds: what a rule cannot judge, it does not let pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Raw

from asbru.core.errors import Forbidden
from asbru.mcp.access import Access
from asbru.pipeline.routing.asked import read_values, watched_by, whose
from asbru.routing.rules import Condition, make_context

if TYPE_CHECKING:
    from asbru.mcp.protocol import Params
    from asbru.mcp.servers.rule import McpRule
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.asked import Chosen
    from asbru.routing.rules import Context


class _Rule(NamedTuple):
    declared: McpRule
    about: Access
    condition: Condition | None

    def holds(self, context: Context | None) -> bool:
        """`context` None: there is none, since the arguments cannot be read."""
        if self.condition is None:
            return True
        try:
            return context is None or self.condition.holds(context)
        except KeyError:
            return False  # a name that is not there
        except Exception:  # noqa: BLE001 -- the call is refused, which tells its caller and the record
            return True


class ArgumentRules:
    """See the module. `watched`: headers that conditions read."""

    def __init__(self, rules: Iterable[McpRule], groups: Mapping[str, Iterable[str]]) -> None:
        """Raises `ValueError` for a condition that cannot be used."""
        self._rules = tuple(
            _Rule(rule, Access(rule.tools, groups), Condition(rule.when) if rule.when.strip() else None)
            for rule in rules
            if rule.enabled
        )
        conditions = [rule.condition for rule in self._rules if rule.condition is not None]
        self.reads = frozenset[str]().union(*(one.reads for one in conditions))
        names: dict[str, set[str]] = {}
        for condition in conditions:
            for one, found in condition.names.items():
                names.setdefault(one, set()).update(found)
        self.names = {one: frozenset(found) for one, found in names.items()}
        self.watched = watched_by(self)

    def check(self, call: Call, rooms: Rooms, chosen: Chosen, params: Params) -> None:
        """Raises `Forbidden` for a call that a rule refuses."""
        rules = [rule for rule in self._rules if rule.about.allows(chosen.server, chosen.name)]
        if not rules:
            return
        context = self._context(call, rooms, chosen, params) if any(rule.condition for rule in rules) else None
        refusing = next((rule.declared for rule in rules if rule.holds(context)), None)
        if refusing is not None:
            why = f": {refusing.message}" if refusing.message else ""
            raise Forbidden(f"the rule '{refusing.name}' refuses this call{why}", code="mcp_rule_denied")

    def _context(self, call: Call, rooms: Rooms, chosen: Chosen, params: Params) -> Context | None:
        assert call.caller is not None, "the middle has looked"
        values = read_values(call, whose(call.caller), rooms.standings, self)
        values |= {"server": chosen.server, "tool": chosen.name}
        try:
            values["arguments"] = msgspec.json.decode(params.get("arguments", Raw(b"{}")), type=dict[str, object])
            return make_context(values)
        except Exception:  # noqa: BLE001 -- no object, or numbers that conditions do not have: the call is refused
            return None
