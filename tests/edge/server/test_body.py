"""Bodies that have yet to come: judged by their heads, and bounded together."""

from __future__ import annotations

from tests.fakes.serving import Caller

from asbru.core.errors import BadRequest
from asbru.edge.server import Head, ServerLimits

POST = b"POST /p HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nhello"
CHUNKED = b"POST /c HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
LONG = b"POST /l HTTP/1.1\r\nhost: h\r\ncontent-length: 2000\r\n\r\n"
ROOM = ServerLimits(body_bytes_max=4000, bodies_bytes_max=8000)


def test_a_body_that_has_yet_to_come_is_judged_by_its_head() -> None:
    """Who may not call is refused before the body, without `100 Continue`; a body that is there is not asked about."""
    asked: list[bytes] = []

    def knows(head: Head) -> bool:
        asked.append(head.path)
        raise BadRequest("not you")

    caller = Caller(ROOM)
    caller.server.knows = knows
    assert caller.feed(POST + POST).statuses == [200, 200] and not asked
    caller.feed(LONG.replace(b"host: h", b"host: h\r\nexpect: 100-continue"))
    assert caller.statuses == [200, 200, 400] and asked == [b"/l"]
    caller = Caller(ROOM, caller.server).feed(CHUNKED)
    assert caller.statuses == [400] and asked == [b"/l", b"/c"]


def test_all_bodies_together_have_a_bound() -> None:
    """It counts until the call has ended; what goes over it is refused with 503, and room is there again after."""
    first = Caller(ROOM, held=True)
    callers = [first, *(Caller(server=first.server) for _ in range(3))]
    for caller in callers:
        caller.feed(LONG + bytes(1900)).feed(bytes(100))
    assert [one[0] for one in first.seen] == [b"POST"] * 3 + ["refused"] and first.seen[-1] == ("refused", 503)
    for request, connection in first.waiting:
        first.response(request, connection)
    assert first.server.bodies.total == 0
    Caller(server=first.server).feed(LONG + bytes(1500)).feed(bytes(500))
    assert first.seen[-1][:2] == (b"POST", b"/l")


def test_bodies_of_unknown_callers_have_an_eighth() -> None:
    """They take no room from callers with a key, and what is left half done is given back."""
    first = Caller(ROOM)
    first.server.knows = lambda head: False
    assert first.feed(LONG + bytes(500)).statuses == []
    assert Caller(server=first.server).feed(LONG + bytes(500)) and first.seen == [("refused", 503)]
    assert first.server.bodies.unknown == first.server.bodies.total > 0
    first.transport.lose()
    assert (first.server.bodies.unknown, first.server.bodies.total) == (0, 0)


def test_bodies_behind_a_call_go_on_counting() -> None:
    """When a call ends, its body is done with, and those pipelined behind it are not."""
    caller = Caller(ROOM, held=True).feed(LONG + bytes(1500)).feed(bytes(500)).feed(LONG).feed(bytes(2000))
    for left in (2000, 0):
        caller.response(*caller.waiting.pop())
        caller.loop.run_soon()
        assert caller.server.bodies.total == left
