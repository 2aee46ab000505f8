"""Which calls a worker has under way in a session of a server, as it tells the tools process."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from asbru.core.errors import AsbruError
from asbru.mcp.servers.outside import OutsideAsked, OutsideGiven, OutsideLogged, OutsideTold
from asbru.pipeline.call import Call
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.tools.asked import Client
from asbru.pipeline.tools.listeners import Listener, Listeners
from asbru.pipeline.tools.outside import LEFT_S, Outside, Taking
from asbru.pipeline.tools.relay import Relay

REQUEST = b'{"jsonrpc":"2.0","id":7,"method":"elicitation/create","params":{}}'


class Seen:
    """Stands for a call without stages, and for the relay of its messages. `capability`: that of its client."""

    stages = ()

    def __init__(self, capability: str = "elicitation") -> None:
        self.capability = capability
        self.taken: list[bytes] = []
        self.ended: list[AsbruError] = []

    def take(self, message: Any, data: bytes) -> bool:
        assert message.method == "elicitation/create"
        self.taken.append(data)
        return False

    def can_be_asked(self, asks: str) -> bool:
        return asks == self.capability

    def taking(self) -> Taking:
        return Taking(cast("Call", self), cast("Rooms", None), cast("Relay", self), self.ended.append)


class Told:
    """An `Outside` of the worker `w`, and what it tells."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.payloads: list[bytes] = []
        self.listeners = Listeners()
        self.outside = Outside(
            "w", lambda _, payload: self.payloads.append(payload), lambda: self.now_s, listeners=self.listeners
        )

    def of(self, session: str) -> OutsideTold:
        self.outside.on_asked(msgspec.msgpack.encode(OutsideAsked(5, "one", session)))
        return msgspec.msgpack.decode(self.payloads[-1], type=OutsideTold)


def test_the_calls_of_a_session_are_told() -> None:
    """Those of other sessions are not, nor those that have ended."""
    told = Told()
    told.outside.begin(b"c1", "one", "s1", Seen().taking())
    told.outside.begin(b"c2", "one", "s2", Seen().taking())
    assert told.of("s1") == OutsideTold(5, "w", (b"c1",))
    told.outside.end(b"c1", left=False)
    assert told.of("s1") == OutsideTold(5, "w")
    assert told.of("s2").calls == (b"c2",)


def test_a_call_that_was_given_up_is_told_for_a_while() -> None:
    """The server may still be busy with it, and ask."""
    told = Told()
    told.outside.begin(b"c1", "one", "s1", Seen().taking())
    told.outside.end(b"c1", left=True)
    assert told.of("s1").left and not told.of("s2").left
    told.now_s += LEFT_S
    assert not told.of("s1").left


def test_a_request_goes_to_the_call_that_it_is_for() -> None:
    """Not to one of another worker, nor to one that has ended; what is no request is dropped."""
    told, seen = Told(), Seen()
    told.outside.begin(b"c1", "one", "s1", seen.taking())

    def give(worker: str, call: bytes, message: bytes = REQUEST) -> None:
        told.outside.on_given(msgspec.msgpack.encode(OutsideGiven(worker, call, message)))

    give("other", b"c1")
    give("w", b"c2")
    give("w", b"c1", b'{"jsonrpc":"2.0","id":7,"result":{}}')
    assert seen.taken == []
    give("w", b"c1")
    assert seen.taken == [REQUEST]
    assert seen.ended == []


def test_of_a_user_those_are_told_that_can_be_asked() -> None:
    """Calls whose client is capable of it, and a stream; what comes for the stream is put on it."""
    told, written = Told(), list[bytes]()
    told.outside.begin(b"c1", "one", "s1", Seen("roots").taking())
    told.outside.begin(b"c2", "one", "s1", Seen("sampling").taking())
    end = told.listeners.listen(
        Listener("ada", Client("2025-11-25", ("sampling",)), lambda _: True, written.append, lambda *_: "sealed")
    )

    def of(user: str, asks: str) -> OutsideTold:
        told.outside.on_asked(msgspec.msgpack.encode(OutsideAsked(5, "one", "s1", user, asks)))
        return msgspec.msgpack.decode(told.payloads[-1], type=OutsideTold)

    assert (of("ada", "roots").calls, of("ada", "roots").streams) == ((b"c1",), ())
    assert of("bob", "sampling").streams == ()
    (stream,) = of("ada", "sampling").streams
    given = OutsideGiven("w", stream, b'{"jsonrpc":"2.0","id":7,"method":"sampling/createMessage"}', "one")
    told.outside.on_given(msgspec.msgpack.encode(given))
    assert written == [b'{"jsonrpc":"2.0","id":"sealed","method":"sampling/createMessage"}']
    log = b'{"jsonrpc":"2.0","method":"notifications/message"}'
    for user in ("bob", "ada"):
        told.outside.on_logged(msgspec.msgpack.encode(OutsideLogged("one", user, log)))
    assert written[1:] == [log]
    end()
    assert of("ada", "sampling").streams == ()
