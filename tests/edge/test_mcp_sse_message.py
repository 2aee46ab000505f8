"""What comes of a message of HTTP+SSE on its stream, where nothing goes well."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from asbru.edge.mcp_sse import SseStream
from asbru.edge.mcp_sse_message import SseMessage
from asbru.edge.server import Head


class Stream:
    """What a stream is told."""

    peer = "192.0.2.1"

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.write = self.events.append
        self.ended = 0
        self.sessions: list[bytes] = []
        self.greet = self.sessions.append

    def done(self, served: SseMessage) -> None:
        del served
        self.ended += 1

    def later(self, call: Any) -> None:
        call()


def message(request_id: bytes | None = b"7", *, listens: bool = False) -> tuple[SseMessage, Stream]:
    """A message that is being served."""
    stream = Stream()
    made = SseMessage(cast("SseStream", stream), request_id, listens=listens)
    made.response.prepare(Head(), b"")
    return made, stream


def told(stream: Stream) -> dict[str, Any]:
    """The one message on the stream."""
    (event,) = stream.events
    assert event.startswith(b"event: message\ndata: ") and event.endswith(b"\n\n")
    found: dict[str, Any] = msgspec.json.decode(event.partition(b"data: ")[2])
    return found


def test_an_error_of_the_door_has_the_id_of_the_message() -> None:
    """It does not know it; one that does keeps its own, and of what is no message the caller hears that it was
    refused."""
    for body, code in (
        (b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no"}}', -32000),
        (b'{"jsonrpc":"2.0","id":7,"error":{"code":-32601,"message":"no"}}', -32601),
        (b"<html>", -32603),
    ):
        served, stream = message()
        served.response.whole(401, b"", body)
        assert (told(stream)["id"], told(stream)["error"]["code"]) == (7, code)
        assert served.response.finished and stream.ended == 1


def test_a_response_that_breaks_off_is_an_error() -> None:
    """The caller would wait for it. One that has ended stays as it is, and a notification is answered by nothing."""
    served, stream = message()
    served.response.begin(200, b"")
    served.abort()
    assert told(stream)["error"]["message"] == "the response is incomplete"
    served.response.cut()
    assert (len(stream.events), stream.ended) == (1, 1)
    served, stream = message(None)
    served.response.whole(202, b"", b"")
    assert (stream.events, stream.ended) == ([], 1)


def test_a_session_is_kept_for_the_messages_that_follow() -> None:
    """That which `initialize` begins; its response is one line."""
    served, stream = message()
    served.response.whole(200, b"a: b\r\nmcp-session-id: s1\r\nc: d\r\n", b'{\n"id":7,\r\n"result":{}}')
    assert stream.sessions == [b"s1"]
    assert told(stream) == {"id": 7, "result": {}}


def test_what_is_told_without_asking_is_no_message_of_its_own() -> None:
    """It ends with the stream, and is not counted."""
    served, stream = message(None, listens=True)
    gone: list[int] = []
    served.on_gone = lambda: gone.append(1)
    served.response.begin(200, b"")
    served.response.write(b": keep-alive\n\n")
    served.close()
    served.response.end()
    assert (stream.events, stream.ended, gone) == ([b": keep-alive\n\n"], 0, [1])
    assert served.response.peer == "192.0.2.1"
