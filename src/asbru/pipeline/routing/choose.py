"""Where a call goes where that is not only a matter of its model's name.

    rules      the first that holds decides the target, and perhaps its key and fallbacks
    the plan   what the name means, and its fallbacks (`routing.plan`)
    shares     a model named without a provider: one of those that have it is drawn, by the weights of the virtual key
    room       targets whose limits are used up are left out, while others are left
    access     the targets that the virtual key allows
    session    what served the session's last call comes first, where the choice was Asbru's, and so does its key

What was decided, and why, is told in `Call.route`. Calls that nothing of this is about go by the plan alone.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from asbru.core.errors import NotFound
from asbru.governance import Caller
from asbru.governance.standing import Standings
from asbru.pipeline.access import is_permitted, permitted
from asbru.pipeline.call import Call
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.routing.asked import read_values, watched_by, whose
from asbru.pipeline.routing.session import keep_to_session, session_of
from asbru.pipeline.routing.trace import tell_targets
from asbru.routing import Plan, Target
from asbru.routing.affinity import chance_of
from asbru.routing.rules import Asked, Decision, Rules
from asbru.routing.weights import draw


class Routing:
    """What bears on all calls of one snapshot. `standings`: how far owners and targets are with their limits; None:
    there are no limits. `watched`: the headers it must be given."""

    def __init__(self, rules: Rules | None, standings: Standings | None = None) -> None:
        self.rules = rules
        self.standings = standings
        self.watched = frozenset[bytes]() if rules is None else watched_by(rules)


def choose(call: Call, model: str, rooms: Rooms) -> tuple[Target, ...]:
    """The targets for the model the caller asked for, first choice first. Raises `NotFound`, `Forbidden`."""
    caller = call.caller
    assert caller is not None, "nobody gets here without a key, or leave to do without"
    if rooms.plan_decides and caller.unrestricted and not call.watched:
        return rooms.plan.targets(model, call.dialect.surface.home, caller)
    routing = rooms.routing
    if rooms.sessions is not None:
        call.session = session_of(call, model)
    chosen = _by_rules(call, model, rooms, caller) if routing is not None and routing.rules else None
    targets, drawn = chosen or _by_plan(call, model, rooms, caller)
    if not caller.unrestricted:
        targets = permitted(call, targets)
    if routing is not None and routing.standings is not None and len(targets) > 1:
        targets = _with_room(call, targets, caller, routing.standings)
    if call.session is not None and rooms.sessions is not None:
        targets = keep_to_session(call, targets, rooms.sessions, now_s=rooms.clock(), drawn=drawn)
    tell_targets(call, targets)
    return targets


def _chance(call: Call, rooms: Rooms) -> float:
    """Calls of a session are all drawn alike."""
    return rooms.chance() if call.session is None else chance_of(call.session)


def _by_plan(call: Call, model: str, rooms: Rooms, caller: Caller) -> tuple[tuple[Target, ...], bool]:
    """What the name means, and whether the first was drawn from several."""
    targets = _meant(model, rooms.plan, call.dialect.surface.home, caller)
    among = _candidates(caller, model, rooms.plan) if caller.shares else None
    return (_spread(call, among, targets, rooms), len(among) > 1) if among else (targets, False)


def _meant(model: str, plan: Plan, home: str, caller: Caller) -> tuple[Target, ...]:
    """What the name means to the caller: where several providers have a model, the first that its key permits; a name
    that is none elsewhere is that of the model which the key names with its provider. Raises `NotFound`."""
    try:
        targets = plan.targets(model, home, caller)
    except NotFound:
        named = [plan.providers[name] for name in caller.naming(model) if name in plan.providers]
        if not named:
            raise
        return plan.with_fallbacks(Target(named[0], model))
    having = () if caller.unrestricted else plan.having(model)
    if len(having) < 2 or is_permitted(caller, targets[0]):
        return targets
    others = (Target(provider, model) for provider in having)
    return next((plan.with_fallbacks(one) for one in others if is_permitted(caller, one)), targets)


def _by_rules(call: Call, model: str, rooms: Rooms, caller: Caller) -> tuple[tuple[Target, ...], bool] | None:
    """What a rule decides, and whether it was drawn from several; None when no rule holds."""
    routing, home = rooms.routing, call.dialect.surface.home
    assert routing is not None and routing.rules is not None
    rules = routing.rules
    provider = ""
    try:
        planned = _meant(model, rooms.plan, home, caller)[0]
    except NotFound:  # a rule may know the name
        pass
    else:
        provider, model = planned.provider.name, planned.model
    owners = whose(caller)
    trail: list[str] = []
    asked = Asked(provider, model, *owners, read_values(call, owners, routing.standings, rules))
    decision = rules.decide(asked, _chance(call, rooms), trail)
    call.route += tuple(trail)
    return None if decision is None else (_decided(decision, rooms.plan, home), decision.drawn)


def _decided(decision: Decision, plan: Plan, home: str) -> tuple[Target, ...]:
    """The targets of a decision. Its own fallbacks stand in place of the configured ones."""
    name = f"{decision.provider}/{decision.model}" if decision.provider else decision.model
    first, *configured = plan.targets(name, home)
    if decision.key:
        first = msgspec.structs.replace(first, key=decision.key)
    if not decision.fallbacks:
        return (first, *configured)
    return (first, *(plan.targets(fallback, home)[0] for fallback in decision.fallbacks))


class _Candidate(NamedTuple):
    target: Target
    weight: float


def _candidates(caller: Caller, model: str, plan: Plan) -> list[_Candidate]:
    """The providers that have the model and a weight of the caller's."""
    having = {route.name: route for route in plan.having(model)}
    return [
        _Candidate(Target(having[share.provider], model), share.weight)
        for share in caller.shares
        if share.provider in having and caller.may_use(share.provider, model)
    ]


def _spread(call: Call, among: list[_Candidate], planned: tuple[Target, ...], rooms: Rooms) -> tuple[Target, ...]:
    """One that has room, drawn by weight, then the others, the heaviest first, then what was planned."""
    caller, standings = call.caller, rooms.routing and rooms.routing.standings
    assert caller is not None
    roomy = among if standings is None else [one for one in among if has_room(one.target, caller, standings)]
    drawn = draw(roomy or among, _chance(call, rooms))
    weights = ", ".join(f"{one.target.provider.name} {one.weight:g}" for one in among)
    call.route += (f"weights {weights}: {drawn.target}",)
    others = [one.target for one in among if one is not drawn]
    return tuple(dict.fromkeys((drawn.target, *others, *planned)))


def _with_room(call: Call, targets: tuple[Target, ...], caller: Caller, standings: Standings) -> tuple[Target, ...]:
    """The targets that have room; all of them when none has, so that the caller hears of the limit."""
    roomy = tuple(one for one in targets if has_room(one, caller, standings))
    if not roomy or len(roomy) == len(targets):
        return targets
    call.route += tuple(f"skipped {one}: its limit is used up" for one in targets if one not in roomy)
    return roomy


def has_room(target: Target, caller: Caller, standings: Standings) -> bool:
    """Whether no limit on this target, for everyone or for this caller, is known to be used up."""
    provider = target.provider.name
    owners = (f"provider/{provider}", f"model/{provider}/{target.model}", f"key/{caller.name}/provider/{provider}")
    return all(map(standings.room, owners))
