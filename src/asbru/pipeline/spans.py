"""The spans of a call that was traced, written once, when it has ended: one for the call, one for each attempt.

Names and attributes follow OpenTelemetry's conventions for generative AI
(https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/) and for HTTP; what they have no word for begins with
`asbru.`. Usage is told by attempts alone: a backend that sums it over a trace counts nothing twice. No
header of a caller is in a span, and no body unless `with_bodies` puts it there.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from asbru.governance import caller_behind
from asbru.pipeline.bodies.copies import CopyingResponse
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.error_types import attempt_type, error_type
from asbru.pipeline.said import Said
from asbru.telemetry.tracing import AttributeValue, CallTrace, Span, SpanEvent

_MODEL_CHARS_MAX = 200
_OPERATIONS = {"completions": "text_completion"}
"""What OpenTelemetry calls otherwise than the dialects do."""
_PASSED_OVER_MAX = 32


def write_spans(
    call: Call, trace: CallTrace, *, now_s: float, status: int, cost_nanousd: int | None
) -> tuple[Span, ...]:
    """The spans. `now_s`: the monotonic time at which the call ended; `status`: what its caller received."""
    begin_ns = time.time_ns() - int(now_s * 1e9)  # of the monotonic clock, as Unix time
    attempts = call.attempts
    said = Said()
    if call.reply_of is not None:
        attempt, read = call.reply_of
        call.reply_of = None  # which holds the call
        if attempt is attempts[-1]:
            said = read()
    return (
        _call_span(call, trace, begin_ns, said, now_s=now_s, status=status, cost_nanousd=cost_nanousd),
        *(_attempt_span(call, trace, begin_ns, said, now_s=now_s, number=at + 1) for at in range(len(attempts))),
    )


def with_bodies(call: Call, spans: tuple[Span, ...], bytes_max: int) -> tuple[Span, ...]:
    """The spans, that of the call with an event that has the bodies, each up to a bound, if they are recorded."""
    copied = call.response
    if not isinstance(copied, CopyingResponse):
        return spans
    whole = spans[0]
    bodies = {"asbru.request.body": copied.request, "asbru.response.body": copied.response}
    told = {name: body[:bytes_max].decode("utf-8", "replace") for name, body in bodies.items()}
    return (whole._replace(events=(*whole.events, SpanEvent("bodies", whole.end_ns, told))), *spans[1:])


def _ns(begin_ns: int, at_s: float) -> int:
    return begin_ns + int(at_s * 1e9)


def _operation(call: Call) -> str:
    name = call.operation.name
    return _OPERATIONS.get(name, name)


def _call_span(
    call: Call, trace: CallTrace, begin_ns: int, said: Said, *, now_s: float, status: int, cost_nanousd: int | None
) -> Span:
    """What the gateway did: a server's span. As HTTP's conventions have it, a refusal that is the caller's own doing
    is no error of ours."""
    operation = _operation(call)
    caller = call.caller or caller_behind(call.error)
    team, customer, _ = caller.booked_on
    error = call.error
    told: dict[str, AttributeValue] = {
        "gen_ai.operation.name": operation,
        "http.request.method": call.method.decode("latin-1"),
        "http.response.status_code": status,
        "asbru.call.id": call.id.decode(),
        "asbru.surface": call.surface,
        "asbru.outcome": call.outcome,
        "asbru.attempts": len(call.attempts),
    }
    named = {
        "asbru.virtual_key": caller.name,
        "asbru.team": team,
        "asbru.customer": customer,
        "gen_ai.conversation.id": call.run[:_MODEL_CHARS_MAX],
        "error.type": error_type(error, call.outcome),
    }
    told |= {name: value for name, value in named.items() if value}
    name = operation
    if call.head is not None and call.head.model:
        model = call.head.model[:_MODEL_CHARS_MAX]
        name = f"{operation} {model}"
        told["gen_ai.request.model"] = model
        told["gen_ai.request.stream"] = call.head.stream
    if call.attempts:
        last = call.attempts[-1]
        told["gen_ai.provider.name"] = last.endpoint.vendor
        _tell_reply(last, said, told)
    if call.first_token_s:
        told["gen_ai.response.time_to_first_chunk"] = call.first_token_s - call.started_s
    if cost_nanousd is not None:
        told["asbru.cost_usd"] = cost_nanousd / 1e9
    failed = error is not None and (status >= 500 or call.outcome in ("error", "cut"))
    return Span(
        trace.trace_id,
        trace.span_id,
        trace.parent_id,
        name,
        "server",
        _ns(begin_ns, call.started_s),
        _ns(begin_ns, now_s),
        told,
        error.code if failed and error is not None else None,
        trace.state,
        remote_parent=trace.remote_parent,
        events=tuple(_passed_over(call, begin_ns, now_s)),
    )


def _passed_over(call: Call, begin_ns: int, now_s: float) -> Iterator[SpanEvent]:
    """An event for each target that nothing was sent to, at the time when the next attempt began."""
    for target, key, reason, at in call.passed_over[:_PASSED_OVER_MAX]:
        at_s = call.attempts[at].started_s if at < len(call.attempts) else now_s
        told: dict[str, AttributeValue] = {
            "asbru.provider": target.provider.name,
            "gen_ai.request.model": target.model[:_MODEL_CHARS_MAX],
            "asbru.reason": reason,
        }
        if key:
            told["asbru.provider_key"] = key
        yield SpanEvent("target passed over", _ns(begin_ns, at_s), told)


def _attempt_span(call: Call, trace: CallTrace, begin_ns: int, said: Said, *, now_s: float, number: int) -> Span:
    """What one provider was asked: a client's span."""
    attempt = call.attempts[number - 1]
    operation = _operation(call)
    model = attempt.served_model[:_MODEL_CHARS_MAX]
    origin = attempt.endpoint.pool.origin
    told: dict[str, AttributeValue] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": attempt.endpoint.vendor,
        "gen_ai.request.model": model,
        "gen_ai.request.stream": call.head is not None and call.head.stream,
        "server.address": origin.unix_socket or origin.host,
        "asbru.provider": attempt.target.provider.name,
        "asbru.attempt": number,
        "asbru.outcome": attempt.outcome,
    }
    if attempt.key.name:
        told["asbru.provider_key"] = attempt.key.name
    if not origin.unix_socket:
        told["server.port"] = origin.port
    if attempt.status:
        told["http.response.status_code"] = attempt.status
    _tell_reply(attempt, said if attempt is call.attempts[-1] else Said(), told)
    kind = attempt_type(attempt.outcome, attempt.status)
    if kind:
        told["error.type"] = kind
    _tell_usage(attempt, told)
    failed = kind not in ("", "cancelled")
    return Span(
        trace.trace_id,
        trace.attempt_id(number),
        trace.span_id,
        f"{operation} {model}",
        "client",
        _ns(begin_ns, attempt.started_s),
        _ns(begin_ns, attempt.started_s + attempt.took_s if attempt.took_s else now_s),
        told,
        attempt.reason if failed else None,
        trace.state,
    )


def _tell_reply(attempt: Attempt, said: Said, told: dict[str, AttributeValue]) -> None:
    if attempt.outcome == "ok":
        told["gen_ai.response.model"] = said.model or attempt.served_model[:_MODEL_CHARS_MAX]
    if said.stops:
        told["gen_ai.response.finish_reasons"] = said.stops


def _tell_usage(attempt: Attempt, told: dict[str, AttributeValue]) -> None:
    usage = attempt.usage
    if usage is None:
        return
    told["gen_ai.usage.input_tokens"] = usage.input_total
    told["gen_ai.usage.output_tokens"] = usage.output_total
    parts = {
        "gen_ai.usage.cache_read.input_tokens": usage.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "gen_ai.usage.reasoning.output_tokens": usage.reasoning,
    }
    told |= {name: count for name, count in parts.items() if count}
    if attempt.cost_nanousd is not None:
        told["asbru.cost_usd"] = attempt.cost_nanousd / 1e9
