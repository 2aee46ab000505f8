"""A canary in each string of each golden reply and stream, in every dialect: rules act on all of them, or the member is
listed. What goes in is the business of `test_texts`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from tests.kits.dialects import Case, Subject, compact, discover, wire_bytes
from tests.pipeline.guarding.canaries import CANARY, NO_TEXT, member_of, now, places, planted, stage, through

from asbru.core.errors import AsbruError, GuardrailBlocked, GuardrailUnavailable
from asbru.core.reply import StreamEvent, StreamFault
from asbru.dialects.assemble import assemble
from asbru.guardrails import Finding
from asbru.guardrails.checks.regex import CHECK as REGEX

FOUND = discover()
NAMES = sorted(FOUND)
TOLD = NO_TEXT | frozenset(
    (
        *("finish_reason", "stop_reason", "stopReason", "finishReason", "stop_sequence", "blockReason", "reason"),
        *("responseId", "modelVersion", "system_fingerprint", "inference_geo", "item_id", "token"),
    )
)
"""Members of replies that no model writes, and tokens with their probability, which go where their text goes."""
FAULT = frozenset(("message", "code", "error"))
"""Members of an error: no model writes them."""


def wires(case: Case) -> Iterator[tuple[str, Any]]:
    """What travels, with a canary in one string after the other, and the member that it is in."""
    for path in places(case.data["wire"]):
        framing = case.kind == "stream" and not isinstance(path[-1], str)
        if not framing or len(path) > 3:  # the name of an event, a text that is none of JSON
            yield member_of(path), planted(case.data["wire"], path)


@pytest.mark.parametrize("name", NAMES)
def test_each_text_of_a_reply_is_looked_at(name: str) -> None:
    """In whatever member it stands."""
    subject, acted = FOUND[name], 0
    for case in subject.cases("reply"):
        for member, wire in wires(case):
            try:
                reply = subject.read_reply(compact(wire))
            except AsbruError:
                continue  # one of a few words
            if CANARY.encode() not in subject.write_reply(reply).body:
                continue
            new = now(stage(action="redact").reply(reply))
            told = b"canary" in subject.write_reply(new).body
            assert not told or member in TOLD, (case.name, member)
            acted += not told
    assert acted > 10


@pytest.mark.parametrize("hold", [False, True], ids=["flows", "held"])
@pytest.mark.parametrize("name", NAMES)
def test_each_text_of_a_stream_is_looked_at(name: str, hold: bool) -> None:
    """In whatever event and member it stands: also in those that only their dialect knows."""
    subject, acted = FOUND[name], 0
    for case in subject.cases("stream"):
        for member, wire in wires(case):
            events = subject.read_stream(wire_bytes("stream", wire))
            if CANARY.encode() not in subject.write_stream(events)[0]:
                continue
            data, _ = subject.write_stream(through(stage(action="redact", hold=hold), events))
            told = b"canary" in data
            faulty = any(isinstance(event, StreamFault) for event in events)
            assert not told or member in TOLD or (faulty and member in FAULT), (case.name, member)
            acted += not told
    assert acted > 10 or not subject.is_sse


def contents(subject: Subject) -> Iterator[list[StreamEvent]]:
    """The golden streams of a dialect that are complete."""
    for case in subject.cases("stream"):
        events = subject.read_stream(case.wire)
        if assemble(events).complete:
            yield events


def same(one: Sequence[StreamEvent], other: Sequence[StreamEvent]) -> bool:
    """Whether two streams say the same; held parts come one by one, foreign events may be late."""
    return assemble(one) == assemble(other)


ANY = [{"regex": {"patterns": {"any": "[A-Za-z0-9]"}}}]


@pytest.mark.parametrize("name", NAMES)
def test_what_comes_out_is_refused(name: str) -> None:
    """Whole and streamed, wherever there is a text at all."""
    subject = FOUND[name]
    for case in subject.cases("reply"):
        one = stage(checks=ANY, action="allow")
        reply = subject.read_reply(case.wire)
        assert now(one.reply(reply)) is reply
        if "allow" in one.tally.write():
            with pytest.raises(GuardrailBlocked):
                stage(checks=ANY, action="block").reply(reply).send(None)
    for events in contents(subject):
        one = stage(checks=ANY, action="allow")
        assert same(through(one, events), events)
        if "allow" in one.tally.write():
            with pytest.raises(GuardrailBlocked):
                through(stage(checks=ANY, action="block"), events)


@pytest.mark.parametrize("hold", [False, True], ids=["flows", "held"])
@pytest.mark.parametrize("name", NAMES)
def test_a_check_that_is_down(monkeypatch: pytest.MonkeyPatch, name: str, hold: bool) -> None:
    """Open: all of it goes as it came, and the record tells. Closed: nothing of it goes."""

    def fail(_: object, texts: Sequence[str]) -> list[Finding]:
        if any(texts):  # not when it is made
            raise RuntimeError("a bug")
        return []

    made = REGEX.make(msgspec.convert({"patterns": {"a": "a"}}, REGEX.settings), "")
    monkeypatch.setattr(type(made), "judge", fail)
    subject = FOUND[name]
    for case in subject.cases("reply"):
        one = stage(on_error="open")
        reply = subject.read_reply(case.wire)
        assert now(one.reply(reply)) is reply
        if "failed_open" in one.tally.write():
            with pytest.raises(GuardrailUnavailable):
                stage(on_error="closed").reply(reply).send(None)
    for events in contents(subject):
        one = stage(on_error="open", hold=hold)
        assert same(through(one, events), events)
        if "failed_open" in one.tally.write():
            with pytest.raises(GuardrailUnavailable):
                through(stage(on_error="closed", hold=hold), events)
