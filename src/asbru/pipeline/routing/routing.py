"""Where a call goes where that is not only a matter of its model's name.

    rules      the first that holds decides the target, and perhaps its key and fallbacks
    the plan   what the name means, and its fallbacks (`routing.plan`)

What was decided, and why, is told in `Call.route`. Not built where nothing of this is configured.
"""

from __future__ import annotations

import msgspec

from asbru.core.errors import NotFound
from asbru.governance import OPEN_CALLER
from asbru.pipeline.call import Call
from asbru.pipeline.ports import Standing
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.routing.asked import read_values, watched_by
from asbru.routing import Plan, Target
from asbru.routing.rules import Asked, Decision, Rules


class Routing:
    """The choice of targets for one snapshot. `watched`: the headers it must be given."""

    def __init__(self, rules: Rules, standing: Standing) -> None:
        self._rules = rules
        self._standing = standing
        self.watched = watched_by(rules)

    def targets(self, call: Call, model: str, rooms: Rooms) -> tuple[Target, ...]:
        """The targets for the model the caller asked for, first choice first. Raises `NotFound`."""
        home = call.dialect.surface.home
        unknown: NotFound | None = None
        planned: tuple[Target, ...] = ()
        try:
            planned = rooms.plan.targets(model, home)
        except NotFound as error:  # a rule may know the name
            unknown = error
        trail: list[str] = []
        decision = self._rules.decide(self._asked(call, model, planned), rooms.chance(), trail)
        call.route += tuple(trail)
        if decision is not None:
            return _decided(decision, rooms.plan, home)
        if unknown is not None:
            raise unknown
        return planned

    def _asked(self, call: Call, model: str, planned: tuple[Target, ...]) -> Asked:
        caller, standing = call.caller or OPEN_CALLER, self._standing
        provider = ""
        if planned:
            provider, model = planned[0].provider.name, planned[0].model
        team, customer = standing.team(caller), standing.customer(caller)
        values = read_values(call, caller, standing, self._rules)
        return Asked(provider, model, caller.name, team, customer, values)


def _decided(decision: Decision, plan: Plan, home: str) -> tuple[Target, ...]:
    """The targets of a decision. Its own fallbacks stand in place of the configured ones."""
    name = f"{decision.provider}/{decision.model}" if decision.provider else decision.model
    first, *configured = plan.targets(name, home)
    if decision.key:
        first = msgspec.structs.replace(first, key=decision.key)
    if not decision.fallbacks:
        return (first, *configured)
    return (first, *(plan.targets(fallback, home)[0] for fallback in decision.fallbacks))
