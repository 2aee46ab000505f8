"""Account: what a call cost, counted and recorded, exactly once, however the call ended.

Never waits, so that it may run while a call is being closed; writing the record is the recorder's business.
"""

from __future__ import annotations

import msgspec

from asbru.core.money import price_nanousd
from asbru.pipeline.call import Call
from asbru.pipeline.rooms import Rooms
from asbru.records import usage_columns
from asbru.records.row import ATTEMPT_LOG_CHARS_MAX, ERROR_MESSAGE_CHARS_MAX, MODEL_CHARS_MAX, NOTES_CHARS_MAX

_CANCELLED_STATUS = 499


def account(call: Call, rooms: Rooms) -> None:
    """Price, count and record."""
    now_s = rooms.clock()
    target = call.target
    provider = target.provider.name if target is not None else ""
    usage = call.usage
    status = call.status or _CANCELLED_STATUS
    if call.outcome == "cancelled":
        status = _CANCELLED_STATUS
    cost: int | None = None
    if usage is not None and target is not None:
        rows = rooms.prices.rows(provider, call.served_model)
        if rows is not None:
            cost = price_nanousd(rows, usage)
    latency_us = int((now_s - call.started_s) * 1e6)
    first_us = int((call.first_token_s - call.started_s) * 1e6) if call.first_token_s else None
    served = call.served_model
    if len(served) > MODEL_CHARS_MAX:
        served = served[:MODEL_CHARS_MAX]
    labels = (call.surface, provider, served, call.key_name, status, call.outcome)
    rooms.meter.slot(labels).observe(latency_us, first_us, usage, cost)
    error = call.error
    if error is not None:
        error.let_go()
    head = call.head
    rooms.recorder.add(
        (
            call.id.decode(),
            call.started_ms,
            call.surface,
            call.caller.name if call.caller is not None else "",
            provider,
            head.model[:MODEL_CHARS_MAX] if head is not None else "",
            served,
            call.key_name,
            len(call.attempts) or (1 if call.served_model else 0),
            _attempt_log(call)[:ATTEMPT_LOG_CHARS_MAX] if call.attempts else "",
            status,
            call.outcome,
            error.code if error is not None else "",
            error.message[:ERROR_MESSAGE_CHARS_MAX] if error is not None else "",
            *usage_columns(usage),
            call.usage_source,
            cost,
            latency_us,
            first_us,
            head is not None and head.stream,
            call.pass_through,
            "; ".join(map(str, call.notes))[:NOTES_CHARS_MAX] if call.notes else "",
            call.body_bytes,
            call.response.bytes_written,
        )
    )


def _attempt_log(call: Call) -> str:
    rows = [[one.provider, one.model, one.key, one.status, one.outcome, one.ms] for one in call.attempts]
    return msgspec.json.encode(rows).decode()
