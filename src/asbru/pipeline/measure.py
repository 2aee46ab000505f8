"""What the metrics hear of a call that has ended: the call itself, and its attempts beside the one of a good call."""

from __future__ import annotations

from asbru.pipeline.call import Call
from asbru.pipeline.rooms import Rooms
from asbru.telemetry import CallLabels


def measure(call: Call, rooms: Rooms, labels: CallLabels, latency_us: int, *, first_us: int | None) -> None:
    """Count it."""
    slot = rooms.meter.slot(labels)
    attempts = call.attempts
    if not attempts:
        slot.observe(latency_us, first_us, None, None)
        return
    last = attempts[-1]
    slot.observe(latency_us, first_us, last.usage, last.cost_nanousd)
    if call.outcome != "ok" or len(attempts) > 1:
        _count_attempts(call, rooms)


def _count_attempts(call: Call, rooms: Rooms) -> None:
    """All attempts but the one that a good call ended with, under their own provider, model and key; and what those
    before the last one spent."""
    last = call.attempts[-1]
    for one in call.attempts:
        if one is last and call.outcome == "ok":
            continue
        labels = (call.surface, one.target.provider.name, one.served_model, one.key.name, one.status, one.outcome)
        slot = rooms.meter.slot(labels)
        slot.count_attempt()
        if one is not last and one.usage is not None:
            slot.spend(one.usage, one.cost_nanousd)
