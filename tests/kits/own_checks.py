"""What a dialect must hold by itself: each check takes a subject (and a golden case of its) and asserts.

Plain functions, so that the suite's own test can show that they see a broken dialect. Not here: what happens between
two dialects (`matrix.py`), and input that nobody wrote down (`hostile.py`).
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.kits.dialects import Case, Subject, plain, present, read, wire_bytes
from tests.kits.facts import same_reply
from tests.recordings.cuts import grammar

from asbru.core.errors import AsbruError, BadRequest, GatewayError, Overloaded, UpstreamError
from asbru.core.reply import ReplyEnd, ReplyStart, StreamEvent, StreamFault, UsageReport, is_content
from asbru.core.usage import Usage
from asbru.dialects.assemble import assemble

ERRORS: tuple[AsbruError, ...] = (
    BadRequest("model: expected a string, got the number 5", param="model"),
    Overloaded("too many calls"),
    GatewayError("that was us"),
    UpstreamError("could not connect", kind="network", code="upstream_unreachable"),
    UpstreamError("slow down", status=429, type="rate_limit_error"),
    UpstreamError("a \ud800 lone surrogate, and\n\na blank line", kind="fault", status=500),
)


# --- every case -----------------------------------------------------------------------------------------


def is_read_as_written_down(subject: Subject, case: Case) -> None:
    """It is read into exactly the canonical form that stands beside it."""
    assert read(subject, case) == case.data["canonical"]


def is_read_the_same_slowly(subject: Subject, case: Case) -> None:
    """The readers of plain forms give what the readers of all forms give."""
    fast = read(subject, case)
    with subject.slowly():
        assert read(subject, case) == fast


# --- requests -------------------------------------------------------------------------------------------


def request_is_written_back(subject: Subject, case: Case) -> None:
    """A request written for its own dialect says the same: on the wire, and when read again; without notes."""
    request = subject.read_request(case.wire)
    written = subject.write_request(request)
    assert written.notes == ()
    assert present(json.loads(written.body)) == present(case.written)
    again = subject.read_request(written.body)
    assert again == request
    assert subject.write_request(again).body == written.body


def request_leaves_out_what_is_refused(subject: Subject, case: Case) -> None:
    """A member that the target's provider refuses is not sent, and named; the others are as they were."""
    request = subject.read_request(case.wire)
    whole = json.loads(subject.write_request(request).body)
    for name in whole.keys() - {"model"}:
        written = subject.write_request(request, frozenset((name, "not there")))
        assert json.loads(written.body) == {member: value for member, value in whole.items() if member != name}
        assert [(note.kind, note.field) for note in written.notes] == [("dropped", name)]


def head_agrees_with_the_request(subject: Subject, case: Case) -> None:
    """What pass-through reads of a request is what the whole request says."""
    head, request = subject.read_head(case.wire), subject.read_request(case.wire)
    assert (head.model, head.stream, head.max_tokens) == (request.model, request.stream, request.max_tokens)
    assert head.choices == (request.choices or 1)
    assert head.wants_usage is request.include_usage


def rewrite_changes_what_it_must(subject: Subject, case: Case) -> None:
    """Pass-through changes nothing without need, and with need the model and what is stripped, nothing else."""
    head = subject.read_head(case.wire)
    assert subject.rewrite(head, head.model, False, frozenset()) is None
    before = json.loads(case.wire)
    members = subject.rewrite(head, "another", False, frozenset())
    assert members is not None
    assert {name: json.loads(bytes(raw)) for name, raw in members.items()} == {**before, "model": "another"}
    gone = sorted(before.keys() - {"model"})[0]
    stripped = subject.rewrite(head, head.model, False, frozenset((gone, "not there")))
    assert stripped is not None
    assert stripped.keys() == before.keys() - {gone}
    assert head.members.keys() == before.keys(), "a head stays as it was: fallbacks start from it"


# --- replies --------------------------------------------------------------------------------------------


def reply_is_written_back(subject: Subject, case: Case) -> None:
    """A reply written for its own dialect says the same: on the wire, and when read again; without notes."""
    reply = subject.read_reply(case.wire)
    written = subject.write_reply(reply)
    assert written.notes == ()
    assert present(json.loads(written.body)) == present(case.written)
    same_reply(reply, subject.read_reply(written.body))


def reply_tells_its_usage(subject: Subject, case: Case) -> None:
    """Usage found without reading the answer is the answer's; and an answer is no error."""
    assert subject.usage_of(case.wire) == subject.read_reply(case.wire).usage
    assert subject.error_inside(case.wire) is None


# --- streams --------------------------------------------------------------------------------------------


_SHORT_BYTES = 1500
_STRIDE = 7


def _places(subject: Subject, data: bytes) -> list[int]:
    """Where a stream is cut: everywhere. Reading a long one so costs the square of its length; it is cut about the ends
    of its lines, inside of characters, and at every seventh byte."""
    if len(data) <= _SHORT_BYTES or not subject.is_sse:
        return [*range(len(data))]
    near = {at + by for at, byte in enumerate(data) if byte == 0x0A or byte > 0x7F for by in (-1, 0, 1, 2)}
    return sorted(near.union(range(0, len(data), _STRIDE)) & {*range(len(data))})


def stream_is_the_same_cut_anywhere(subject: Subject, case: Case) -> None:
    """One list of events, however the bytes are cut; with CRLF, and without the last blank line."""
    data = case.wire
    whole = subject.read_stream(data)
    assert grammar(whole) == []
    for cut in _places(subject, data):
        assert subject.read_stream(data, (cut,)) == whole, cut
    assert subject.read_stream(data, range(1, len(data))) == whole
    if not subject.is_sse:
        return
    windows = data.replace(b"\n", b"\r\n")
    assert subject.read_stream(windows) == whole
    assert subject.read_stream(windows, range(1, len(windows))) == whole
    assert subject.read_stream(data.rstrip(b"\n")) == whole


def stream_cut_short_never_ends_well(subject: Subject, case: Case) -> None:
    """A stream that breaks off has no `ReplyEnd`, wherever it breaks off; nothing that came is lost."""
    data = case.wire
    last = len(wire_bytes("stream", case.data["wire"][:-1]))
    whole = subject.read_stream(data, clean=False)
    for end in _places(subject, data[:last]):
        events = subject.read_stream(data[:end], clean=False)
        assert not any(isinstance(event, ReplyEnd) for event in events), end
        assert events == whole[: len(events)], end


def stream_is_written_back(subject: Subject, case: Case) -> None:
    """A stream written for its own dialect reads as the same reply; all at once as event by event; without notes.
    A reader that broke off leaves a stream that does not end well."""
    events = subject.read_stream(case.wire)
    data, notes = subject.write_stream(events)
    assert subject.write_stream(events, at_once=True) == (data, notes)
    again = subject.read_stream(data)
    assert grammar(again) == []
    before, after = assemble(events), assemble(again)
    assert after.complete is before.complete
    assert (after.fault is None) is (before.fault is None)
    if before.fault is not None and after.fault is not None:
        assert after.fault.message == before.fault.message
    elif before.complete:
        assert notes == ()
        same_reply(before.reply, after.reply)
        assert after.foreign == before.foreign


def stream_tells_its_usage_and_end(subject: Subject, case: Case) -> None:
    """Usage, end and fault are the same by the reader and by what pass-through looks at."""
    data = case.wire
    events = subject.read_stream(data)
    found = assemble(events)
    tail = subject.tail(data, max(1, len(found.reply.choices)))
    assert tail.fault == found.fault or (found.fault is not None and found.fault.type == "protocol_error")
    if found.fault is None:
        assert subject.stream_usage(data) == last_usage(events)
        assert tail.finished is found.complete
        assert tail.complete is assemble(subject.read_stream(data, clean=False)).complete
    prelude = subject.prelude(data)
    shows_content = any(map(is_content, events))
    if isinstance(prelude, StreamFault):
        assert not shows_content
        assert found.fault is not None
        assert prelude.type == found.fault.type
    else:
        assert prelude is shows_content
    # What is withheld is the usage that a caller did not ask for, and nothing else.
    kept = assemble(subject.read_stream(subject.withhold(data)))
    assert plain(kept.reply) | {"usage": None} == plain(found.reply) | {"usage": None}


def last_usage(events: list[StreamEvent]) -> Usage | None:
    """The usage that counts."""
    reports = [event.usage for event in events if isinstance(event, (UsageReport, ReplyStart)) and event.usage]
    return reports[-1] if reports else None


def stream_says_what_the_whole_answer_says(subject: Subject, case: Case) -> None:
    """Where a case has its twin, the stream put together is the whole answer: in canonical form, and written."""
    (twin,) = [reply for reply in subject.cases("reply") if reply.name == case.data["same_as"]]
    whole = subject.read_reply(twin.wire)
    found = assemble(subject.read_stream(case.wire))
    assert found.complete
    assert (found.fault, found.foreign) == (None, ())
    same_reply(whole, found.reply)
    written = [present(json.loads(subject.write_reply(reply).body)) for reply in (whole, found.reply)]
    assert written[0] == written[1]


# --- errors ---------------------------------------------------------------------------------------------


def error_is_kept(subject: Subject, case: Case) -> None:
    """A provider's error keeps its body, whose it is, and its status, unless its words say another; in a 200 it is
    found if it can be."""
    error, status = subject.read_error(case.data["wire"]["status"], case.wire), case.data["canonical"]["status"]
    assert (error.status, error.body, error.kind, error.dialect) == (status, case.wire, "status", subject.name)
    inside = subject.error_inside(case.wire)
    assert inside is None or (inside.message, inside.kind) == (error.message, "fault")


def errors_go_both_ways(subject: Subject, error: AsbruError) -> None:
    """An error of ours, written, is read with its words by the same dialect; in an answer, in a 200, in a stream."""
    words = error.message.encode("utf-8", "replace").decode()
    body = subject.write_error(error, "req_1")
    read_back = subject.read_error(error.status, body)
    assert (read_back.message, read_back.status) == (words, error.status)
    inside = subject.error_inside(body)
    assert inside is not None
    assert (inside.message, inside.kind) == (words, "fault")
    data = subject.write_stream_error(error)
    (fault,) = subject.read_stream(data)
    assert isinstance(fault, StreamFault)
    assert fault.message == words
    assert subject.prelude(data) == fault
    tail = subject.tail(data)
    assert (tail.fault, tail.complete, tail.finished) == (fault, False, False)


def own_error_is_passed_on(subject: Subject) -> None:
    """What a provider of this dialect said about a call goes on as it came."""
    body = subject.write_error(UpstreamError("slow down", status=429), "req_1")
    indented = json.dumps(json.loads(body), indent=1).encode()
    assert subject.write_error(subject.read_error(429, indented), "req_2") == indented


Check = Callable[[Subject, Case], None]
CHECKS: dict[str, tuple[Check, ...]] = {
    "request": (
        is_read_as_written_down,
        is_read_the_same_slowly,
        request_is_written_back,
        request_leaves_out_what_is_refused,
        head_agrees_with_the_request,
        rewrite_changes_what_it_must,
    ),
    "reply": (is_read_as_written_down, is_read_the_same_slowly, reply_is_written_back, reply_tells_its_usage),
    "stream": (
        is_read_as_written_down,
        is_read_the_same_slowly,
        stream_is_the_same_cut_anywhere,
        stream_cut_short_never_ends_well,
        stream_is_written_back,
        stream_tells_its_usage_and_end,
    ),
    "error": (is_read_as_written_down, error_is_kept),
}


def twins(subject: Subject) -> list[Case]:
    """The streams that say what a whole answer among the cases says."""
    return [case for case in subject.cases("stream") if "same_as" in case.data]
