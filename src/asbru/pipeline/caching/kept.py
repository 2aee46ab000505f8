"""A kept reply on its way to a caller: as it was kept where dialect and form are the same, else read and written anew.

    kept whole,  wanted whole     the bytes, or translated
    kept stream, wanted stream    its pieces with their borders, through the relay that a provider's would go through
    kept whole,  wanted stream    the events that the reply could have come in
    kept stream, wanted whole     the reply that the events make

The stages of the call see it as they would see a provider's: what they restore or redact is this caller's alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from asbru.core.chat import RefusalPart
from asbru.core.errors import AsbruError, UpstreamError
from asbru.core.reply import ChatReply, StreamEvent
from asbru.dialects import assemble
from asbru.pipeline.call import Attempt
from asbru.pipeline.deliver import deliver, outcome_of, with_identity
from asbru.pipeline.endpoint import NO_KEY
from asbru.pipeline.open_stream import NO_CACHE, make_relay, response_passes
from asbru.pipeline.responses import Response
from asbru.pipeline.stages import STAGE_DEADLINE_S, through_stages
from asbru.pipeline.stepper import within
from asbru.pipeline.translating import TranslateRelay
from asbru.pipeline.whole_response import completing, show, translate, write_reply
from asbru.upstream import UpstreamResponse

if TYPE_CHECKING:
    from asbru.cache import Entry
    from asbru.dialects import Operation
    from asbru.pipeline.call import Call
    from asbru.pipeline.endpoint import Endpoint
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.streaming import Relay
    from asbru.routing import Target

_KEPT_STOPS: Final = frozenset({"stop", "length", "tool_calls", "stop_sequence"})
"""How a choice ends that would end so again."""


def find_endpoint(rooms: Rooms, target: Target, entry: Entry) -> Endpoint | None:
    """Whose dialect the entry is in; None where the provider does not speak it any more."""
    endpoint = rooms.endpoints.get(target.provider.name)
    if endpoint is None or endpoint.dialect.name == entry.dialect:
        return endpoint
    spoken = endpoint.spoken
    return next((one for one in spoken if one.dialect.name == entry.dialect), None)


def is_worth_keeping(operation: Operation, rooms: Rooms, entry: Entry) -> bool:
    """Whether a reply is complete in its own terms, and no refusal."""
    if operation.codec is None:
        return True
    reply = read_kept(operation, rooms, entry)
    if reply is None:
        return False
    return bool(reply.choices) and all(
        choice.stop in _KEPT_STOPS and not any(isinstance(part, RefusalPart) for part in choice.parts)
        for choice in reply.choices
    )


def read_kept(operation: Operation, rooms: Rooms, entry: Entry) -> ChatReply | None:
    """An entry in canonical form; None where it cannot be read, or is not complete."""
    endpoint = rooms.endpoints.get(entry.provider)
    spoken = () if endpoint is None else endpoint.spoken
    dialect = next((one.dialect for one in spoken if one.dialect.name == entry.dialect), None)
    theirs = None if dialect is None else dialect.operation(operation.name)
    if theirs is None or theirs.codec is None:
        return None
    try:
        return _read_reply(theirs, entry)
    except AsbruError:
        return None


async def deliver_kept(call: Call, entry: Entry, target: Target, rooms: Rooms) -> None:
    """Give a kept reply to the caller, to its last byte. Raises what a stage refuses."""
    endpoint = find_endpoint(rooms, target, entry)
    assert endpoint is not None and call.head is not None, "who found the entry looked"
    attempt = Attempt(target, NO_KEY, endpoint, rooms.clock())  # none of the call's: nothing is sent
    attempt.response_passes = response_passes(call, endpoint)
    theirs = endpoint.dialect.operation(call.operation.name)
    assert theirs is not None
    if call.head.stream and call.operation.codec is not None:
        relay, pieces = _stream(call, attempt, entry, theirs, rooms=rooms)
        await _deliver_stream(call, relay, pieces, rooms)
        call.notes += attempt.notes + relay.notes
    else:
        response = await _whole(call, attempt, entry, theirs, rooms=rooms)
        call.notes += attempt.notes
        deliver(call, response, rooms.limit_headers)


async def _whole(call: Call, attempt: Attempt, entry: Entry, theirs: Operation, *, rooms: Rooms) -> Response:
    lines = b"content-type: %b\r\n" % entry.content_type if entry.content_type else b""
    if entry.stream:
        reply = completing(call, attempt, rooms).reply(_read_reply(theirs, entry))
        if call.stages:
            reply = await through_stages(call, rooms, reply)
        return write_reply(call, attempt, reply, b"")
    if not attempt.response_passes:
        return await translate(call, attempt, UpstreamResponse(200, lines), entry.body, rooms=rooms)
    if call.stages:
        await show(call, attempt, entry.body, entry.content_type, rooms=rooms)
    return Response(200, lines, entry.body)


def _stream(
    call: Call, attempt: Attempt, entry: Entry, theirs: Operation, *, rooms: Rooms
) -> tuple[Relay, tuple[bytes, ...]]:
    """What the entry goes through, and its pieces."""
    if entry.stream:
        return make_relay(call, attempt, UpstreamResponse(200, b""), rooms), entry.pieces
    attempt.response_passes = False
    reader = _WholeReader(lambda: assemble.take_apart(_read_reply(theirs, entry)))
    return make_relay(call, attempt, UpstreamResponse(200, b""), rooms, reader=reader), (b"whole",)


class _WholeReader:
    """A `StreamReader` whose events were not read from bytes."""

    def __init__(self, read: Callable[[], list[StreamEvent]]) -> None:
        self._read = read

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        del chunk
        return self._read()

    def close(self, *, clean: bool = True) -> list[StreamEvent]:
        del clean
        return []


def _read_reply(theirs: Operation, entry: Entry) -> ChatReply:
    """The entry in canonical form. Raises `UpstreamError` for one that is not complete."""
    assert theirs.codec is not None
    if not entry.stream:
        return theirs.codec.read_reply(entry.body)
    reader = theirs.codec.stream_reader()
    events = [event for piece in entry.pieces for event in reader.feed(piece)]
    made = assemble.assemble(events + reader.close(clean=True))
    if not made.complete or made.fault is not None:
        raise UpstreamError("a kept stream is not complete", kind="protocol", code="upstream_protocol")
    return made.reply


async def _deliver_stream(call: Call, relay: Relay, pieces: tuple[bytes, ...], rooms: Rooms) -> None:
    """As `deliver.deliver_stream` does, from what is there already."""
    response, limits = call.response, rooms.limit_headers
    call.status = 200
    lines = call.dialect.framing.type_line + NO_CACHE
    response.begin(200, with_identity(call, lines if limits is None else limits.put(call, lines)))
    call.first_token_s = rooms.clock()
    error: AsbruError | None = None
    try:
        relay.begin(response.write)
        await _feed(relay, pieces, rooms)
    except AsbruError as refused:  # by a stage
        error = refused
    try:
        error = relay.finish(error)
    except AsbruError as refused:
        error = refused
    seen = call.error = error or relay.seen_fault
    call.outcome = "ok" if seen is None else outcome_of(seen, relay)
    if error is not None:
        response.write(call.dialect.errors.write_stream(error))
    response.end()


async def _feed(relay: Relay, pieces: tuple[bytes, ...], rooms: Rooms) -> None:
    """All pieces, each in a write of its own."""
    if not isinstance(relay, TranslateRelay) or not relay.pulls:
        for piece in pieces:
            relay.feed(piece)
        return
    for piece in pieces:
        await within(rooms.loop, relay.pull(piece), STAGE_DEADLINE_S)
    await within(rooms.loop, relay.pull_end(clean=True), STAGE_DEADLINE_S)
