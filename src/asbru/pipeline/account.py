"""Account: what a call cost, counted, settled and recorded, exactly once, however the call ended.

Never waits, so that it may run while a call is being closed; writing the record is the recorder's business.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from asbru.core.errors import AsbruError
from asbru.governance import caller_behind
from asbru.pipeline.agents import NO_ORIGIN, write_origin
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.measure import measure
from asbru.pipeline.ports import Lease
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.routing.session import bind_session
from asbru.pipeline.routing.trace import write_route
from asbru.pipeline.spans import with_bodies, write_spans
from asbru.pipeline.spend import NOTHING, SERVED_FROM_CACHE, price, total, use_estimate
from asbru.pipeline.tags import write_booking
from asbru.records import usage_columns
from asbru.records.row import (
    ATTEMPTS_LOGGED_MAX,
    ERROR_MESSAGE_CHARS_MAX,
    MODEL_CHARS_MAX,
    NO_CACHE,
    NO_UNITS,
    NOTES_CHARS_MAX,
    unit_columns,
)
from asbru.routing import Target
from asbru.telemetry.tracing import CallTrace, Tracer, read_trace_id

if TYPE_CHECKING:
    from asbru.pipeline.guarding.tally import Tally

_CANCELLED_STATUS = 499
_NO_ERROR = ("", "")


def account(call: Call, rooms: Rooms) -> None:
    """Price, count, settle and record."""
    now_s, attempts, cached = rooms.clock(), call.attempts, call.cached
    last = attempts[-1] if attempts else None
    target, key_name, served = call.target, "", "" if cached is None else cached.model[:MODEL_CHARS_MAX]
    if last is not None:
        price(attempts, rooms.prices, call.operation)
        target, key_name, served = last.target, last.key.name, last.served_model[:MODEL_CHARS_MAX]
    elif call.passed_over:
        (target, key_name, *_), served = call.passed_over[-1], call.passed_over[-1].target.model[:MODEL_CHARS_MAX]
    provider = target.provider.name if target is not None else ""
    estimated = call.lease is not None and _settle(call, call.lease, rooms)
    went_well = call.outcome == "ok" and len(attempts) < 2 and not call.passed_over
    status = _CANCELLED_STATUS if call.outcome == "cancelled" else call.status or _CANCELLED_STATUS
    latency_us = int((now_s - call.started_s) * 1e6)
    first_us = int((call.first_token_s - call.started_s) * 1e6) if call.first_token_s else None
    if last is None:
        usage, usage_source, cost = NOTHING if cached is None or cached.entry is None else SERVED_FROM_CACHE
    elif len(attempts) > 1:
        usage, usage_source, cost = total(attempts, estimated=estimated)
    else:
        usage, cost = last.usage, last.cost_nanousd
        usage_source = "none" if usage is None else "estimated" if estimated else "provider"
    by_text = usage is not None and not (usage.units or usage.image_input or usage.image_output)
    head, caller = call.head, call.caller or caller_behind(call.error)
    booked_on = write_booking(call, caller) if call.forwarded.tagged else caller.booked_on
    kind = (call.surface, provider, served, key_name, status, call.outcome)
    measure(call, rooms, kind, caller.labels, tags=booked_on[2], times=(latency_us, first_us))
    if call.trace is not None and call.trace.sampled and rooms.tracer is not None:
        _end_trace(call, call.trace, rooms.tracer, now_s=now_s, status=status, cost_nanousd=cost)
    notes = call.notes if last is None or not last.notes else call.all_notes
    if call.caller is None and not _is_recorded(call, rooms, now_s):  # by now it is counted
        return
    rooms.recorder.add(
        (
            call.id.decode(),
            call.started_ms,
            call.surface,
            caller.name,
            provider,
            head.model[:MODEL_CHARS_MAX] if head is not None else "",
            served,
            key_name,
            len(attempts),
            "" if went_well else write_attempt_log(call, now_s),
            status,
            call.outcome,
            *(_NO_ERROR if call.error is None else _error_columns(call.error)),
            *usage_columns(usage),
            usage_source,
            cost,
            latency_us,
            first_us,
            head is not None and head.stream,
            last is not None and last.request_passes and last.response_passes,
            "; ".join(map(str, notes))[:NOTES_CHARS_MAX] if notes else "",
            call.body_bytes,
            call.response.bytes_written,
            *booked_on,
            usage is not None and usage.standard,
            _end_route(call, rooms) if call.route else "",
            *(NO_UNITS if by_text else unit_columns(usage)),
            _trace_id(call) if call.trace is not None or call.forwarded.traced else "",
            *(NO_CACHE if cached is None else cached.columns(latency_us)),
            "" if call.guarded is None else _end_guarded(call.guarded, rooms),
            *(write_origin(call) if call.run or call.watched or call.parent_id else NO_ORIGIN),
        )
    )
    if rooms.bodies is not None:
        rooms.bodies.end(call)


def _settle(call: Call, lease: Lease, rooms: Rooms) -> bool:
    """Settle the lease; whether the usage of the last attempt is an estimate from then on."""
    attempts = call.attempts
    if not attempts and call.cached is not None and call.cached.entry is not None:
        lease.settle(attempts, served=True)
        return False
    lease.settle(attempts)
    return bool(attempts) and attempts[-1].usage is None and use_estimate(attempts, rooms.prices)


def _end_route(call: Call, rooms: Rooms) -> str:
    """The column `route`. A call of a session always has one; the session is bound to what served it."""
    bind_session(call, rooms)
    return write_route(call.route)


def _end_trace(
    call: Call, trace: CallTrace, tracer: Tracer, *, now_s: float, status: int, cost_nanousd: int | None
) -> None:
    spans = write_spans(call, trace, now_s=now_s, status=status, cost_nanousd=cost_nanousd)
    if tracer.body_bytes_max:
        spans = with_bodies(call, spans, tracer.body_bytes_max)
    tracer.end(spans)


def _end_guarded(guarded: Tally, rooms: Rooms) -> str:
    """The column `guardrails`."""
    guarded.count(rooms.meter)
    return guarded.write()


def _trace_id(call: Call) -> str:
    """The column `trace_id`."""
    if call.trace is not None:
        return f"{call.trace.trace_id:032x}"
    return "" if call.unsampled else read_trace_id(call.forwarded.headers)


def _is_recorded(call: Call, rooms: Rooms, now_s: float) -> bool:
    """Of calls that nobody answers for, some are only counted."""
    return call.error is None or rooms.refusals.take(call.error.code, call.response.peer, now_s)


def _error_columns(error: AsbruError) -> tuple[str, str]:
    error.let_go()
    return error.code, error.message[:ERROR_MESSAGE_CHARS_MAX]


def write_attempt_log(call: Call, now_s: float) -> str:
    """The attempts, and between them the targets that were passed over, as JSON; of very many, the first and the last;
    "" for none. The fallbacks that the caller may not use come last, where they might have helped."""
    entries = [_entry(one, now_s) for one in call.attempts]
    for one in reversed(call.passed_over):
        entries.insert(one.at, _passed_over(one.target, one.key, one.reason))
    if call.outcome == "error":
        entries += [_passed_over(one, "", "the caller's key does not allow it") for one in call.not_allowed]
    if len(entries) > ATTEMPTS_LOGGED_MAX:
        half = ATTEMPTS_LOGGED_MAX // 2
        entries = entries[:half] + entries[-half:]
    return msgspec.json.encode(entries).decode() if entries else ""


def _entry(attempt: Attempt, now_s: float) -> dict[str, object]:
    usage = attempt.usage
    return {
        "provider": attempt.target.provider.name,
        "model": attempt.served_model[:MODEL_CHARS_MAX],
        "key": attempt.key.name,
        "status": attempt.status,
        "outcome": attempt.outcome,
        "sent": attempt.sent,
        "billed": attempt.billed,
        "ms": int((attempt.took_s or now_s - attempt.started_s) * 1000),
        "input_tokens": usage.input_total if usage is not None else None,
        "output_tokens": usage.output_total if usage is not None else None,
        "cost_nanousd": attempt.cost_nanousd,
        "reason": attempt.reason,
    }


def _passed_over(target: Target, key: str, reason: str) -> dict[str, object]:
    """An entry of the same form for a target that nothing was sent to."""
    return {
        "provider": target.provider.name,
        "model": target.model[:MODEL_CHARS_MAX],
        "key": key,
        "status": 0,
        "outcome": "passed_over",
        "sent": False,
        "billed": False,
        "ms": 0,
        "input_tokens": None,
        "output_tokens": None,
        "cost_nanousd": None,
        "reason": reason,
    }
