"""One connection, many callers: ids, progress tokens, what servers ask back, and the end of the connection."""

from __future__ import annotations

import json
from typing import Any

import pytest

from asbru.app.tools import shared as module
from asbru.app.tools.envelope import Envelope, read_envelope
from asbru.app.tools.shared import Busy, Call, Shared


class Caller:
    """Remembers what it is told, decoded."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.end: dict[str, Any] | None = None

    def related(self, message: bytes) -> None:
        self.told.append(json.loads(message))

    def ended(self, message: bytes) -> None:
        assert self.end is None
        self.end = json.loads(message)


class Wire:
    """A shared connection whose wire is a list."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self.shared = Shared("fake", lambda message: self.sent.append(json.loads(message)), self._hear)

    def _hear(self, notification: Envelope) -> None:
        self.heard.append(str(notification.method))

    def begin(self, caller: Caller, number: Any = 1, *, asks: bool = True, **params: Any) -> Call:
        request = {"jsonrpc": "2.0", "id": number, "method": params.pop("method", "tools/call"), "params": params}
        return self.shared.begin(read_envelope(json.dumps(request).encode()), caller, takes_requests=asks)

    def take(self, **message: Any) -> None:
        self.shared.take(json.dumps({"jsonrpc": "2.0", **message}).encode())


def test_callers_with_the_same_id_get_their_own_responses() -> None:
    """Two callers both use id 1: the server sees two ids, and each response goes back with the id of its caller."""
    wire, first, second = Wire(), Caller(), Caller()
    wire.begin(first, 1, name="a")
    wire.begin(second, "1", name="b")
    ids = [sent["id"] for sent in wire.sent]
    assert len(set(ids)) == 2
    wire.take(id=ids[1], result={"of": "b"})
    wire.take(id=ids[0], error={"code": -1, "message": "no", "data": [1]})
    assert second.end == {"jsonrpc": "2.0", "id": "1", "result": {"of": "b"}}
    assert first.end == {"jsonrpc": "2.0", "id": 1, "error": {"code": -1, "message": "no", "data": [1]}}
    wire.take(id=ids[0], result={})  # a second response concerns nobody


def test_a_result_passes_to_the_byte() -> None:
    """Spacing, escapes, number formats and unknown members of a result are not rewritten."""
    ends: list[bytes] = []

    class Raw(Caller):
        def ended(self, message: bytes) -> None:
            ends.append(message)

    wire = Wire()
    wire.begin(Raw(), "x")
    result = b'{ "a": 1.50,  "\\u00e4": [1e2], "big": 12345678901234567890 }'
    wire.shared.take(b'{"jsonrpc": "2.0", "id": 1, "result": %b}' % result)
    assert ends == [b'{"jsonrpc":"2.0","id":"x","result":%b}' % result]


def test_progress_goes_to_its_caller_under_the_callers_token() -> None:
    """Two callers use the same token: the server is given different ones, and nobody hears of another's progress."""
    wire, first, second = Wire(), Caller(), Caller()
    for caller in (first, second):
        wire.begin(caller, 1, name="a", _meta={"progressToken": "t", "kept": [1]})
    tokens = [sent["params"]["_meta"]["progressToken"] for sent in wire.sent]
    assert tokens == [1, 2]
    assert wire.sent[0]["params"] == {"name": "a", "_meta": {"progressToken": 1, "kept": [1]}}
    wire.take(method="notifications/progress", params={"progressToken": 2, "progress": 0.5, "x": 1})
    wire.take(method="notifications/progress", params={"progressToken": 99, "progress": 0.5})
    assert first.told == []
    assert [told["params"] for told in second.told] == [{"progressToken": "t", "progress": 0.5, "x": 1}]


def test_nobody_who_did_not_ask_for_progress_gets_it() -> None:
    """A server that makes tokens up reaches no caller."""
    wire, caller = Wire(), Caller()
    wire.begin(caller)
    wire.take(method="notifications/progress", params={"progressToken": 1, "progress": 1})
    assert caller.told == []


def test_a_cancelled_call_is_cancelled_at_the_server_and_told_no_more() -> None:
    """The server is given the id that it knows; its late response reaches nobody."""
    wire, caller = Wire(), Caller()
    call = wire.begin(caller, 7)
    wire.shared.cancel(call)
    wire.shared.cancel(call)
    assert [sent["method"] for sent in wire.sent] == ["tools/call", "notifications/cancelled"]
    assert wire.sent[1]["params"]["requestId"] == 1
    wire.take(id=1, result={})
    assert caller.end is None
    assert wire.shared.calls == 0


def test_an_id_that_two_callers_use_cancels_neither() -> None:
    """A caller cannot cancel the call of another by its id."""
    wire = Wire()
    call = wire.begin(Caller(), 7)
    wire.begin(Caller(), 7)
    assert not wire.shared.cancel_by_id(call.caller_id)
    assert wire.shared.calls == 2
    wire.shared.cancel(call)
    assert wire.shared.cancel_by_id(call.caller_id)


def test_a_server_asks_back_the_one_caller_that_is_calling() -> None:
    """Its request goes to that caller under another id, and the answer back under its own; once."""
    wire, caller = Wire(), Caller()
    wire.begin(caller)
    wire.take(id="q", method="elicitation/create", params={"message": "Sure?"})
    asked = caller.told[0]
    assert (asked["method"], asked["params"]) == ("elicitation/create", {"message": "Sure?"})
    answer = read_envelope(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": {"action": "accept"}}).encode())
    assert wire.shared.answer(answer)
    assert wire.sent[-1] == {"jsonrpc": "2.0", "id": "q", "result": {"action": "accept"}}
    assert not wire.shared.answer(answer)


@pytest.mark.parametrize("callers", [0, 2])
def test_a_question_that_could_be_meant_for_nobody_or_for_several_is_refused(callers: int) -> None:
    """One caller must never answer for another."""
    wire, those = Wire(), [Caller() for _ in range(callers)]
    for caller in those:
        wire.begin(caller)
    wire.take(id=5, method="sampling/createMessage", params={})
    assert wire.sent[-1]["id"] == 5
    assert wire.sent[-1]["error"]["code"] == -32603
    assert all(caller.told == [] for caller in those)


def test_an_answer_to_a_call_that_has_ended_goes_nowhere() -> None:
    """A caller that answers late, or one that guesses ids, is not heard."""
    wire, caller = Wire(), Caller()
    wire.begin(caller)
    wire.take(id="q", method="elicitation/create", params={})
    wire.take(id=1, result={})
    late = read_envelope(json.dumps({"jsonrpc": "2.0", "id": caller.told[0]["id"], "result": {}}).encode())
    assert not wire.shared.answer(late)


def test_what_concerns_the_server_is_heard_and_told_to_listeners() -> None:
    """With several calls under way a notification goes to those who listen, and its method to whoever keeps lists."""
    wire, heard = Wire(), list[bytes]()
    wire.shared.listeners.add(heard.append)
    wire.take(method="notifications/tools/list_changed")
    assert wire.heard == ["notifications/tools/list_changed"]
    assert len(heard) == 1


def test_a_subscription_gets_its_events_under_its_own_id() -> None:
    """Subscription ids are ids of requests, so they are as different for the server; the end of one is its own, too."""
    wire, first, second = Wire(), Caller(), Caller()
    for caller in (first, second):
        wire.begin(caller, "mine", method="subscriptions/listen", notifications={"toolsListChanged": True})
    name = "io.modelcontextprotocol/subscriptionId"
    wire.take(method="notifications/tools/list_changed", params={"_meta": {name: 2}})
    assert first.told == []
    assert second.told[0]["params"] == {"_meta": {name: "mine"}}
    assert wire.shared.calls == 0
    wire.take(id=1, result={"_meta": {name: 1}})
    assert first.end is not None
    assert first.end["result"] == {"_meta": {name: "mine"}}


def test_pings_are_answered_and_garbage_is_passed_over() -> None:
    """What is no message ends nothing."""
    wire, caller = Wire(), Caller()
    wire.begin(caller)
    for garbage in (
        b"nonsense",
        b"[]",
        b'{"jsonrpc":"2.0"}',
        b'{"id":1}',
        b'{"id":1,"result":1,"error":{}}',
        b"\xff",
    ):
        wire.shared.take(garbage)
    wire.take(id="p", method="ping")
    assert wire.sent[-1] == {"jsonrpc": "2.0", "id": "p", "result": {}}
    assert caller.end is None


def test_the_end_of_the_connection_is_told_to_every_call() -> None:
    """Calls that are under way, and those that come later, end with an error that says why."""
    wire, first, late = Wire(), Caller(), Caller()
    wire.begin(first, 3)
    wire.shared.end("the program exited with code 3")
    wire.begin(late, 4)
    for caller, number in ((first, 3), (late, 4)):
        assert caller.end is not None
        assert caller.end["id"] == number
        assert caller.end["error"] == {"code": -32000, "message": "the program exited with code 3"}


def test_there_is_a_bound_on_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more is refused; the others are untouched."""
    monkeypatch.setattr(module, "CALLS_MAX", 2)
    wire = Wire()
    wire.begin(Caller())
    wire.begin(Caller())
    with pytest.raises(Busy):
        wire.begin(Caller())
    assert wire.shared.calls == 2
