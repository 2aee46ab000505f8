"""Input that nobody wrote down: golden cases with wounds, and bytes of all kinds. Nothing foreseen may be lost by it,
and nothing unforeseen may come of it.

`wounded` and `damaged` make the input from a subject's own cases; the checks are plain functions that assert.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st
from tests.fakes.both_ways import ODD, assert_same
from tests.kits.dialects import Subject, wire_bytes
from tests.kits.facts import lost, of_request
from tests.kits.matrix import carries_request
from tests.recordings.cuts import grammar

from asbru.core.chat import ChatRequest, ToolCallPart
from asbru.core.errors import BadRequest, UpstreamError
from asbru.core.reply import ChatReply, StreamFault
from asbru.dialects.assemble import assemble

UNKNOWN = "x_new"


@st.composite
def wounded(draw: st.DrawFn, subject: Subject, kind: str) -> bytes:
    """A golden case in which up to three members are gone, of another kind, or new."""
    case = draw(st.sampled_from(subject.cases(kind)))
    wire = copy.deepcopy(case.data["wire"])
    for _ in range(draw(st.integers(0, 3))):
        places = [*_places(wire)] if kind != "stream" else [*_places_in_events(wire)]
        if not places:
            break
        holder, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(("gone", "odd", "new")))
        if how == "gone" or holder is wire:
            del holder[key]
        else:
            name = UNKNOWN if how == "new" and isinstance(holder, dict) else key
            holder[name] = copy.deepcopy(draw(ODD))
    return wire_bytes(kind, wire)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every member of every object and array, as (holder, key)."""
    for key, inner in [*(value.items() if isinstance(value, dict) else enumerate(value))]:
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _places_in_events(events: list[Any]) -> Iterator[tuple[Any, Any]]:
    """The events of a stream, which may be gone, and every member of their data."""
    for at, event in enumerate(events):
        yield events, at
        data = event[-1] if isinstance(event, list) else event
        if isinstance(data, dict):
            yield from _places(data)


@st.composite
def damaged(draw: st.DrawFn, subject: Subject, kind: str) -> bytes:
    """The bytes of a golden case with some of them replaced, or any bytes at all."""
    data = draw(st.sampled_from(subject.cases(kind))).wire
    at = draw(st.integers(0, len(data)))
    put = draw(st.binary(max_size=6) | st.sampled_from((b'"', b"\n\n", b"{", b"[" * 5_000, b"\xff", b"\\ud800", b"")))
    cut = draw(st.integers(0, 40))
    return draw(st.sampled_from((data[:at] + put + data[at + cut :], put)))


def _calls_of_users(request: ChatRequest) -> bool:
    """Whether a turn calls tools that is not the model's. No provider takes that; where results come first in a turn,
    they would come before these calls, so that what is compared does not tell which call a result answers."""
    return any(
        isinstance(part, ToolCallPart)
        for message in request.messages
        if message.role != "assistant"
        for part in message.parts
    )


def request_fares(subject: Subject, body: bytes, targets: Sequence[Subject]) -> None:
    """It is refused in words, fast as slowly, or it is a request that every dialect can write; the head agrees."""
    request = assert_same(subject, subject.read_request, body)
    try:
        head = subject.read_head(body)
    except BadRequest as error:
        assert error.message
        assert not isinstance(request, ChatRequest), "a call whose head is refused has no body worth reading"
        return
    if not isinstance(request, ChatRequest):
        assert request[0] is BadRequest
        return
    assert (head.model, head.stream, head.max_tokens) == (request.model, request.stream, request.max_tokens)
    for target in targets:
        if target is not subject and not _calls_of_users(request):
            carries_request(request, target)
    written = subject.write_request(request)
    if not written.notes:
        before, after = of_request(request), of_request(subject.read_request(written.body))
        assert (lost(before, after), lost(after, before)) == ([], [])


def reply_fares(subject: Subject, body: bytes, targets: Sequence[Subject]) -> None:
    """It is refused as the provider's fault, fast as slowly, or it is a reply that every dialect can write."""
    reply = assert_same(subject, subject.read_reply, body)
    usage = subject.usage_of(body)
    subject.error_inside(body)
    assert subject.read_error(502, body).message
    if not isinstance(reply, ChatReply):
        assert reply[0] is UpstreamError
        return
    assert usage == reply.usage
    for target in targets:
        target.write_reply(reply)


def stream_fares(subject: Subject, data: bytes, cut: int, targets: Sequence[Subject]) -> None:
    """It is one list of events, however it is cut and whichever way it is read, that obeys the grammar and that every
    dialect can write; a fault is the last of them. What pass-through looks at takes it as well."""
    events = subject.read_stream(data)
    assert subject.read_stream(data, (min(cut, len(data)),)) == events
    with subject.slowly():
        assert subject.read_stream(data) == events
    assert grammar(events) == []
    assert sum(isinstance(event, StreamFault) for event in events) <= 1
    assemble(events)
    for look in (subject.tail, subject.prelude, subject.withhold, subject.finishes, subject.stream_usage):
        look(data)
    for target in targets:
        target.write_stream(events)
