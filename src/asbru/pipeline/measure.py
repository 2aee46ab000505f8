"""What the metrics hear of a call that has ended: the call itself, and its attempts beside the one of a good call.

A model's name and tags are chosen by callers; what keeps them from filling the memory is `telemetry.Meter`.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from asbru.pipeline.call import Call
from asbru.pipeline.error_types import attempt_type, error_type
from asbru.pipeline.rooms import Rooms

Kind: TypeAlias = tuple[str, str, str, str, int, str]
"""(surface, provider, model, key, status, outcome)."""

_NO_TAGS: tuple[tuple[str, str], ...] = ()
_read_tags = msgspec.json.Decoder(dict[str, str]).decode


def measure(
    call: Call, rooms: Rooms, kind: Kind, labels: tuple[str, str, str], *, tags: str, times: tuple[int, int | None]
) -> None:
    """Count it. `labels`: of its caller; `tags`: as the record has them; `times`: the latency and the time of the first
    content, in microseconds."""
    latency_us, first_us = times
    attempts = call.attempts
    if call.outcome == "ok" and len(attempts) == 1 and rooms.metric_tags is None:  # nearly all
        (last,) = attempts
        overhead_us = latency_us - int(last.waited_s * 1e6)
        rooms.meter.slot((*kind, *labels, "", _NO_TAGS)).observe(
            latency_us, overhead_us if overhead_us > 0 else 0, last.usage, last.cost_nanousd, first_us=first_us
        )
        return
    shown = _NO_TAGS if rooms.metric_tags is None else _tag_labels(tags, rooms.metric_tags)
    good = call.outcome == "ok"
    slot = rooms.meter.slot((*kind, *labels, "" if good else error_type(call.error, call.outcome), shown))
    if not attempts:
        slot.observe(latency_us, latency_us, None, None, first_us=first_us)
        return
    last = attempts[-1]
    waited_s = last.waited_s if len(attempts) == 1 else sum([one.waited_s for one in attempts])
    overhead_us = max(0, latency_us - int(waited_s * 1e6))
    slot.observe(latency_us, overhead_us, last.usage, last.cost_nanousd, first_us=first_us)
    if good and len(attempts) == 1:
        return
    for one in attempts:
        if one is last and good:
            continue
        surface, provider = call.surface, one.target.provider.name
        tried = (surface, provider, one.served_model, one.key.name, one.status, one.outcome)
        slot = rooms.meter.slot((*tried, *labels, attempt_type(one.outcome, one.status), shown))
        slot.count_attempt()
        if one is not last and one.usage is not None:
            slot.spend(one.usage, one.cost_nanousd)


def _tag_labels(tags: str, names: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    values = _read_tags(tags) if tags else {}
    return tuple((name, values.get(name, "")) for name in names)
