"""The caller's request made for one target: passed on as it came, or written anew from its canonical form.

Each attempt makes its own from what the caller sent (or what stages made of that), never from what another attempt
sent. What the target does not take is left out here, and noted.
"""

from __future__ import annotations

import msgspec

from asbru.core.chat import ChatRequest, ForeignTool
from asbru.core.errors import BadRequest, UnsupportedByProvider
from asbru.core.notes import Note
from asbru.core.traits import Traits
from asbru.dialects import RequestHead
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.endpoint import Endpoint
from asbru.pipeline.histories import write_history
from asbru.pipeline.inputs import check_inputs
from asbru.pipeline.large import write_members
from asbru.pipeline.stand_ins import with_stand_ins
from asbru.pipeline.tool_names import fit_tool_names, notes_of
from asbru.upstream import LARGE_BYTES_MIN, Body, Spliced
from asbru.wire.multipart import Form, FormError

_encode = msgspec.json.encode


def request_passes(call: Call, endpoint: Endpoint) -> bool:
    """Whether the body goes to the provider as the caller sent it, but for the model and what it must not see: it is
    of the provider's dialect, and no stage has put anything else in its place."""
    return call.dialect is endpoint.dialect and not call.request_changed


def fits(call: Call, endpoint: Endpoint) -> bool:
    """Whether a body of the provider's own dialect is free of what the provider refuses (`Passing.unfit`)."""
    body = call.body
    part, *marks = endpoint.dialect.passing.unfit
    if call.operation.codec is None or body.find(part) < 0:
        return True
    return all(body.find(mark) < 0 for mark in marks)


def fits_model(call: Call, traits: Traits) -> bool:
    """Whether a body of the provider's own dialect is free of members that the model refuses
    (`Traits.refuse_members`). They may stand there by chance; that costs only time."""
    if call.operation.codec is None:
        return True
    return all(call.body.find(b'"%b"' % name.encode()) < 0 for name in traits.refuse_members)


def asks_usage(head: RequestHead, traits: Traits) -> bool:
    """Whether Asbru asks the stream for usage that the caller did not ask for."""
    return head.stream and not head.wants_usage and traits.ask_stream_usage


def write_request(call: Call, attempt: Attempt) -> Body:
    """The body for the attempt's target; notes what it cannot carry. Raises `UnsupportedByProvider`, `BadRequest`."""
    endpoint = attempt.endpoint
    if not attempt.request_passes:
        body = translate(call, attempt, endpoint)
        return body if endpoint.addressing is None else endpoint.addressing.change_body(body)
    head = call.head
    assert head is not None
    traits = attempt.traits
    strip = traits.strip
    if strip or traits.refuse_inputs:
        _check(call, attempt, head)
    if head.form is not None:
        return _rewrite_form(call, attempt, head, head.form)
    ask = head.stream and asks_usage(head, traits)
    members = endpoint.dialect.passing.rewrite(head, attempt.served_model, ask, strip)
    if endpoint.addressing is not None:
        members = endpoint.addressing.change(head.members if members is None else members)
    elif members is None:
        # Nothing to change, but the body may say more than was read: a member twice, of which servers take either one.
        members = head.members
        if not members:
            return call.body
    return _encode(members) if call.body_bytes <= LARGE_BYTES_MIN else write_members(members)


def _rewrite_form(call: Call, attempt: Attempt, head: RequestHead, form: Form) -> Body:
    """The caller's form with the target's name for the model, without the fields that the target must not see."""
    gone = form.named(*attempt.traits.strip)
    if head.model == attempt.served_model and not gone:
        return call.body
    changed = dict.fromkeys(form.named("model"), attempt.served_model)
    try:
        spliced = Spliced(form.pieces(call.body, changed, gone))
    except FormError as error:
        raise BadRequest(str(error), code="invalid_form") from None
    return spliced if len(spliced) > LARGE_BYTES_MIN else b"".join(spliced.pieces)


def _check(call: Call, attempt: Attempt, head: RequestHead) -> None:
    """What the target does not take: inputs that it refuses, members that it must not see, which are noted."""
    traits, provider = attempt.traits, attempt.target.provider.name
    if traits.refuse_inputs and call.operation.codec is not None:
        check_inputs(call, traits.refuse_inputs, attempt.target)
    gone = traits.strip & head.members.keys()
    attempt.notes = tuple(Note("dropped", field, f"{provider} refuses it") for field in sorted(gone))


def translate(call: Call, attempt: Attempt, endpoint: Endpoint) -> bytes:
    """The body written from the canonical form, with notes of what it lost. Raises as `write_request` does."""
    provider = endpoint.route.name
    learned = endpoint.route.learned
    traits = learned.get(attempt.served_model, attempt.traits) if learned else attempt.traits
    target_operation = endpoint.dialect.operation(call.operation.name)
    if call.operation.shape is not None and target_operation is not None and target_operation.shape is not None:
        form = target_operation.shape.write_request(call.read_shaped(), attempt.served_model, traits)
        attempt.notes, attempt.parameters = form.notes, form.parameters
        return form.body
    if call.operation.codec is None or target_operation is None or target_operation.codec is None:
        raise UnsupportedByProvider(
            f"{call.operation.words} cannot be translated for '{provider}'; use a provider of the same dialect"
        )
    if traits.refuse_inputs:
        check_inputs(call, traits.refuse_inputs, attempt.target)
    request = call.read_canonical()
    lost: tuple[Note, ...] = ()
    if attempt.history:
        refused = attempt.target.provider.refused_history
        request, lost = write_history(request, attempt.history, refused, attempt.served_model)
    if call.dialect is not endpoint.dialect and call.dialect.family != endpoint.dialect.family:
        request, attempt.renamed = fit_tool_names(with_stand_ins(request), traits.tool_name_chars_max)
    if call.offered:
        request = _with_offered(request, call, attempt, traits)
    written = target_operation.codec.write_request(request, attempt.served_model, traits)
    attempt.notes = notes_of(attempt.renamed) + written.notes if attempt.renamed else written.notes
    if call.offered and not traits.tools:
        attempt.notes += (Note("dropped", "mcp.tools", f"{attempt.served_model} takes no tools"),)
    if lost:
        attempt.notes += lost
    if endpoint.dialect.take_headers is None or call.dialect is endpoint.dialect:
        return written.body
    written = endpoint.dialect.take_headers(written.body, call.forwarded.value_of)
    attempt.notes += written.notes
    return written.body


def _with_offered(request: ChatRequest, call: Call, attempt: Attempt, traits: Traits) -> ChatRequest:
    """A request that Asbru added tools to, for a target that may take none, or not their names."""
    if not traits.tools:
        own = tuple(
            one for one in request.tools or () if isinstance(one, ForeignTool) or one.name not in call.offered
        )
        return msgspec.structs.replace(request, tools=own or None)
    if attempt.response_passes:
        request, attempt.renamed = fit_tool_names(request, traits.tool_name_chars_max)
        attempt.response_passes = not attempt.renamed  # what is written otherwise is put back
    return request
