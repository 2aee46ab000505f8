"""What is held for the turns of an agent loop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from asbru.governance.limits import Reservation
from asbru.pipeline.leases import CallLease
from asbru.pipeline.worst_case import WorstCase


def test_a_later_turn_is_held_for_with_what_it_asks(monkeypatch: Any) -> None:
    """It is longer than the call's body; an attempt that is made again for the same request is held for as before."""
    taken: list[int] = []

    def take(needs: list[tuple[Any, int]], into: object) -> None:
        del into
        taken.extend(need for _, need in needs)

    def worst(call: Any, *_: object) -> WorstCase:
        return WorstCase(100 + call.added_bytes, 10, 0)

    monkeypatch.setattr("asbru.pipeline.leases.worst_case", worst)
    limits = SimpleNamespace(take=take, owners=SimpleNamespace(limits_targets=False))
    leases = SimpleNamespace(limits=limits, rates=None, settings=Reservation())
    chain = SimpleNamespace(held=[SimpleNamespace(metric="input_tokens", strict=True)], expects=False)
    target, billed = object(), SimpleNamespace(billed=True, target=None)
    for agent, second in ((None, 100), (object(), 1100)):
        taken.clear()
        lease = CallLease(cast("Any", leases), "key", "", cast("Any", chain))
        call = SimpleNamespace(agent=agent, added_bytes=0, attempts=(billed,))
        _run(lease.hold(cast("Any", call), cast("Any", (target,))))
        call.added_bytes = 1000
        again = SimpleNamespace(billed=False, target=target)
        call.attempts = (billed, again)
        _run(lease.attempt(cast("Any", call), cast("Any", again)))
        assert taken == [100, second]


def _run(step: Any) -> None:
    """What waits for nothing."""
    try:
        step.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits")
