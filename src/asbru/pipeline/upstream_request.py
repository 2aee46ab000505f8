"""The caller's request made for one target: passed on as it came, or written anew from its canonical form.

Each attempt makes its own from what the caller sent (or what stages made of that), never from what another attempt
sent. What the target does not take is left out here, and noted.
"""

from __future__ import annotations

import msgspec

from asbru.core.errors import UnsupportedByProvider
from asbru.core.notes import Note
from asbru.dialects import RequestHead, TargetFacts
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.inputs import check_inputs
from asbru.pipeline.large import write_members
from asbru.routing import ProviderRoute
from asbru.upstream import LARGE_BYTES_MIN, Body

_encode = msgspec.json.encode


def request_passes(call: Call, endpoint: Endpoint) -> bool:
    """Whether the body goes to the provider as the caller sent it, but for the model and what it must not see: it is
    of the provider's dialect, and no stage has put anything else in its place."""
    return call.dialect is endpoint.dialect and not call.request_changed


def asks_usage(head: RequestHead, endpoint: Endpoint) -> bool:
    """Whether Asbru asks the stream for usage that the caller did not ask for."""
    return head.stream and not head.wants_usage and endpoint.route.ask_stream_usage


def write_request(call: Call, attempt: Attempt) -> Body:
    """The body for the attempt's target; notes what it cannot carry. Raises `UnsupportedByProvider`, `BadRequest`."""
    endpoint = attempt.endpoint
    if not attempt.request_passes:
        return _translate(call, attempt, endpoint)
    head = call.head
    assert head is not None
    if not endpoint.plain:
        _check(call, attempt, head, endpoint.route)
    members = endpoint.dialect.passing.rewrite(
        head, attempt.served_model, asks_usage(head, endpoint), endpoint.route.strip
    )
    if members is None:
        return call.body
    return _encode(members) if call.body_bytes <= LARGE_BYTES_MIN else write_members(members)


def _check(call: Call, attempt: Attempt, head: RequestHead, route: ProviderRoute) -> None:
    """What the provider does not take: inputs that it refuses, members that it must not see, which are noted."""
    if route.refuse_inputs and call.operation.codec is not None:
        check_inputs(call, route)
    gone = route.strip & head.members.keys()
    attempt.notes = tuple(Note("dropped", field, f"{route.name} refuses it") for field in sorted(gone))


def _translate(call: Call, attempt: Attempt, endpoint: Endpoint) -> bytes:
    route = endpoint.route
    target_operation = endpoint.dialect.operation(call.operation.name)
    if call.operation.codec is None or target_operation is None or target_operation.codec is None:
        raise UnsupportedByProvider(
            f"{call.operation.name} cannot be translated for the provider '{route.name}'; ask one of the same dialect"
        )
    if route.refuse_inputs:
        check_inputs(call, route)
    facts = TargetFacts(
        attempt.served_model,
        max_output_tokens=route.max_output_tokens.get(attempt.served_model, 0),
        strip=route.strip,
        legacy_max_tokens=route.legacy_max_tokens,
        ask_stream_usage=route.ask_stream_usage,
    )
    written = target_operation.codec.write_request(call.read_canonical(), facts)
    attempt.notes = written.notes
    return written.body
