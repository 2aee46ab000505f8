"""What must hold between two dialects: a case of one, written in the other and read again, says the same, or a note
names what it lost.

Plain functions that assert, as in `own_checks.py`. `facts.py` says what counts as the same.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.kits.dialects import Case, Subject
from tests.kits.facts import Fact, is_named, is_noted, lost, of_reply, of_request
from tests.recordings.cuts import grammar

from asbru.core.chat import ChatRequest
from asbru.core.errors import AsbruError, BadRequest, UpstreamError
from asbru.core.notes import Note
from asbru.core.reply import ChatReply, StreamFault
from asbru.dialects.assemble import assemble

TWICE = "was used for an earlier call"
"""Why the id of a call is written otherwise, in a conversation that has it twice."""
GIVEN = ("id", "model")
"""What every dialect carries: no note excuses its loss."""


def request_reaches(source: Subject, case: Case, target: Subject) -> None:
    """A request of one dialect, written in another, says the same there, or notes say what is lost and gained."""
    carries_request(source.read_request(case.wire), target)


def carries_request(request: ChatRequest, target: Subject) -> None:
    """The same for a request of any origin. What the target made of it is then its own, and is written back whole."""
    written = target.write_request(request)
    try:
        again = target.read_request(written.body)
    except BadRequest:
        assert written.notes, "what it wrote it must read, unless it could carry none of the conversation"
        return
    assert again.dialect == target.family
    before, after = of_request(request), of_request(again)
    missing = [fact for fact in lost(before, after) if fact.kind in GIVEN or not is_noted(fact, written.notes)]
    if any(note.reason == TWICE for note in written.notes):  # which call a result answers is then counted otherwise
        missing = [fact for fact in missing if not _is_of_result(fact)]
    assert missing == [], missing
    gained = [fact for fact in _settings(lost(after, before)) if not _is_told(fact, written.notes)]
    if request.logprobs is None and request.top_logprobs:  # whoever asks for their number asks for them
        gained = [fact for fact in gained if fact.kind != "logprobs"]
    assert gained == [], gained
    own = target.write_request(again)
    assert own.notes == ()
    assert target.read_request(own.body) == again


def _is_of_result(fact: Fact) -> bool:
    return fact.kind == "result" or (isinstance(fact.value, tuple) and str(fact.value[0]).startswith("result "))


def reply_reaches(source: Subject, case: Case, target: Subject) -> None:
    """A whole answer, told to a caller of another dialect."""
    reply = source.read_reply(case.wire)
    written = target.write_reply(reply)
    again = target.read_reply(written.body)
    missing = _lost_of_reply(reply, again, target)
    assert [fact for fact in missing if fact.kind in GIVEN or not is_noted(fact, written.notes)] == []
    assert target.usage_of(written.body) == again.usage


def stream_reaches(source: Subject, case: Case, target: Subject) -> None:
    """A streamed answer, told to a caller of another dialect; its end and its fault with it."""
    events = source.read_stream(case.wire)
    data, notes = target.write_stream(events)
    assert target.write_stream(events, at_once=True) == (data, notes)
    again = target.read_stream(data)
    assert grammar(again) == []
    before, after = assemble(events), assemble(again)
    assert after.complete is before.complete
    if before.fault is not None:
        assert after.fault is not None
        assert after.fault.message == before.fault.message
        return
    if before.complete:
        missing = _lost_of_reply(before.reply, after.reply, target)
        assert [fact for fact in missing if fact.kind in GIVEN or not is_named(fact, notes)] == []
        assert target.tail(data).complete
        assert before.foreign == () or after.foreign == before.foreign or notes != ()


def _lost_of_reply(before: ChatReply, after: ChatReply, target: Subject) -> list[Fact]:
    """What an answer has lost; its id may stand behind the beginning that a dialect's ids have. Some dialects' answers
    name neither themselves nor their model."""
    missing = lost(of_reply(before), of_reply(after))
    if not target.names_replies:
        missing = [fact for fact in missing if fact.kind not in GIVEN]
    return [fact for fact in missing if fact.kind != "id" or not after.id.endswith(before.id)]


def error_reaches(source: Subject, case: Case, target: Subject) -> None:
    """A provider's error, told in another dialect, keeps its words and its status; in an answer and in a stream."""
    error = source.read_error(case.data["wire"]["status"], case.wire)
    reads_back(error, target)


def reads_back(error: AsbruError, target: Subject) -> None:
    """An error of any origin, written in a dialect, is read with its words."""
    body = target.write_error(error, "req_1")
    again = target.read_error(error.status, body)
    words = error.message.encode("utf-8", "replace").decode()
    assert again.status == error.status
    assert again.type
    if not (isinstance(error, UpstreamError) and error.status == 401):  # a provider's words may show parts of a key
        assert again.message == words
    events = target.read_stream(target.write_stream_error(error))
    assert [type(event) for event in events] == [StreamFault]


def _settings(facts: list[Fact]) -> list[Fact]:
    """Facts that are not content: what a target requires is added; content is not."""
    return [fact for fact in facts if "parts[" not in fact.path]


def _is_told(gained: Fact, notes: tuple[Note, ...]) -> bool:
    """Whether a note speaks of the setting that a gained fact belongs to: a budget may have become an effort."""
    return any(note.field.partition(".")[0] == gained.path.partition(".")[0] for note in notes)


Check = Callable[[Subject, Case, Subject], None]
CHECKS: dict[str, Check] = {
    "request": request_reaches,
    "reply": reply_reaches,
    "stream": stream_reaches,
    "error": error_reaches,
}
