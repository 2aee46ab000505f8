"""The circuit breaker on the path: which targets and keys are let alone, and what attempts say about them.

A circuit is passed over only while there is something else to try: another key, or a later target. So the breaker
spares callers the wait for what fails, and never refuses a call by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from asbru.core.errors import AsbruError, UpstreamError
from asbru.pipeline.call import Attempt, Call, PassedOver
from asbru.pipeline.rooms import Rooms
from asbru.routing import Key, Target
from asbru.routing.breaker import Breaker, CircuitName
from asbru.telemetry import names
from asbru.telemetry.log import Level

_FAILURES = frozenset({"network", "protocol", "cut", "deadline"})
"""Kinds of errors that say that a target is not well; 5xx besides."""
_TOLD_KINDS = frozenset({"status", "fault"})


def pass_over_open(call: Call, targets: Sequence[Target], breaker: Breaker, rooms: Rooms) -> Iterator[Target]:
    """The targets to try, each judged when its turn comes. One that is to be probed names the key to begin with."""
    for place, target in enumerate(targets):
        now_s = rooms.clock()
        circuits = _circuits(target)
        states = {name: breaker.state(name, now_s) for name in circuits}
        probe = next((name for name, state in states.items() if state == "half_open"), None)
        if probe is not None:
            breaker.claim(probe, now_s)
            call.route += (f"probe of {target}: its circuit is half open",)
            yield msgspec.structs.replace(target, prefer=probe.key)
        elif "closed" in states.values() or _all_open(targets[place + 1 :], breaker, now_s):
            yield target
        else:
            wait_s = min((breaker.wait_s(name, now_s) for name in circuits), default=0.0)
            reason = f"its circuit is open, for {wait_s:.0f} s more"
            call.passed_over += (PassedOver(target, "", reason, len(call.attempts)),)
            call.route += (f"skipped {target}: {reason}",)


def _circuits(target: Target) -> list[CircuitName]:
    """The circuits of the keys that may serve a target."""
    route, model = target.provider, target.model
    if route.keyless:
        return [CircuitName(route.name, model, "")]
    return [
        CircuitName(route.name, model, key.name)
        for key in route.keys
        if key.serves(model) and target.key in ("", key.name)
    ]


def _all_open(targets: Sequence[Target], breaker: Breaker, now_s: float) -> bool:
    """Whether none of them may be tried; so it is when there is none."""
    return all(breaker.state(name, now_s) == "open" for target in targets for name in _circuits(target))


def open_keys(target: Target, breaker: Breaker, now_s: float) -> set[str]:
    """The keys of a target whose circuit is open, but for the one that is to be probed."""
    found = {name.key for name in _circuits(target) if breaker.state(name, now_s) == "open"}
    found.discard(target.prefer)
    return found


def tell_success(made: Attempt, breaker: Breaker, rooms: Rooms, *, begun: bool = False) -> None:
    """An attempt led to a response. `begun`: to a stream that may still break off, which is good enough for a probe."""
    name = _name(made)
    if begun and breaker.state(name, rooms.clock()) == "closed":
        return
    if breaker.succeed(name, rooms.clock()):
        _log("circuit closes", "info", name, rooms)


def tell_failure(made: Attempt, error: AsbruError, breaker: Breaker, rooms: Rooms) -> None:
    """An attempt failed: that of a target that is not well counts against it."""
    if not isinstance(error, UpstreamError) or (not made.sent and error.kind == "exhausted"):
        return
    if error.kind not in _FAILURES and not (error.kind in _TOLD_KINDS and error.status >= 500):
        return
    name = _name(made)
    now_s = rooms.clock()
    if breaker.fail(name, now_s):
        rooms.meter.counter(names.CIRCUITS_OPENED, (name.provider,)).add()
        _log("circuit opens", "warning", name, rooms, seconds=round(breaker.wait_s(name, now_s), 3))


def is_open(target: Target, key: Key, breaker: Breaker, now_s: float) -> bool:
    """Whether a circuit is open, so that it is not tried again at once."""
    return breaker.state(CircuitName(target.provider.name, target.model, key.name), now_s) == "open"


def _name(made: Attempt) -> CircuitName:
    return CircuitName(made.target.provider.name, made.target.model, made.key.name)


def _log(what: str, level: Level, name: CircuitName, rooms: Rooms, **more: object) -> None:
    provider, model, key = name
    rooms.failures.say(
        rooms.clock(), level, what, (provider, key, what), provider=provider, model=model[:200], key=key, **more
    )
