"""Rules on arguments of tools: which calls are refused because of what they say.

A condition that lacks a name it reads does not hold. One that cannot be evaluated for another reason, such as a list
where it expects text, holds: what a rule cannot judge, it does not let pass. That is so, too, where the server might
read the arguments in another way than the condition does: two members of one name, a value that is not of the type that
the tool declares, a name that differs from a declared one in its letter case.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec import Raw

from asbru.core.errors import Forbidden
from asbru.mcp.access import Access
from asbru.mcp.catalogue.fitting import unfitting
from asbru.mcp.protocol.messages import names_twice
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

    def holds(self, context: Context, *, unclear: bool) -> bool:
        """`unclear`: what the server will take the arguments for cannot be told."""
        if self.condition is None or (unclear and "arguments" in self.condition.reads):
            return True
        try:
            return self.condition.holds(context)
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
        assert rooms.tools is not None, "the middle has looked"
        definition = rooms.tools.catalogue.servers[chosen.server].tools[chosen.name].definition
        arguments, flaw = _read_arguments(params.get("arguments", Raw(b"{}")), definition)
        context = self._context(call, rooms, chosen, arguments)
        if context is None:
            flaw, context = "a number that no condition can hold", self._context(call, rooms, chosen, {})
            assert context is not None, "nothing of it is the caller's"
        refusing = next((rule.declared for rule in rules if rule.holds(context, unclear=bool(flaw))), None)
        if refusing is not None:
            why = refusing.message or (flaw and f"what it reads of the arguments cannot be told ({flaw[:200]})")
            raise Forbidden(
                f"the rule '{refusing.name}' refuses this call{f': {why}' if why else ''}", code="mcp_rule_denied"
            )

    def _context(self, call: Call, rooms: Rooms, chosen: Chosen, arguments: dict[str, object]) -> Context | None:
        assert call.caller is not None, "the middle has looked"
        values = read_values(call, whose(call.caller), rooms.standings, self)
        try:
            return make_context({**values, "server": chosen.server, "tool": chosen.name, "arguments": arguments})
        except Exception:  # noqa: BLE001 -- numbers that conditions do not have: the call is refused
            return None


def _read_arguments(raw: Raw, definition: bytes) -> tuple[dict[str, object], str]:
    """The arguments, and why a server might read them in another way than a condition; "" where it cannot."""
    try:
        arguments = msgspec.json.decode(raw, type=dict[str, object])
        if names_twice(raw):
            return arguments, "two members of one name"
        schema = msgspec.json.decode(definition, type=dict[str, object]).get("inputSchema")
    except (msgspec.MsgspecError, RecursionError):
        return {}, "no object, or nested too deep"
    place = unfitting(schema, arguments)
    return arguments, f"`{place}` is not as the tool declares it" if place else ""
