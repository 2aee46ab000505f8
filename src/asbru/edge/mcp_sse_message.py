"""One message of HTTP+SSE that is being served: to the door what a connection is. What would be its response comes as
events of the stream that it belongs to (`mcp_sse`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from asbru.mcp.protocol import Code, RpcError, read_reply, write_error
from asbru.mcp.protocol.messages import write_response
from asbru.pipeline import Stepper
from asbru.wire.sse import write_event

if TYPE_CHECKING:
    from asbru.core.ports import Flow
    from asbru.edge.mcp_sse import SseStream
    from asbru.edge.server import Head

_SESSION_LINE: Final = b"mcp-session-id: "


class SseMessage:
    """One message that is being served: to the door what a connection is, with its response and its stepper."""

    def __init__(self, stream: SseStream, request_id: bytes | None, *, listens: bool = False) -> None:
        self.response = _SseResponse(stream, self, request_id, listens=listens)
        self.stepper = Stepper()
        self.on_gone: Callable[[], None] | None = None
        self.later = stream.later

    def abort(self) -> None:
        """A bug ended the path after the response had begun."""
        self.response.cut()

    def mark_endless(self, *, endless: bool) -> None:
        """What the stream does itself."""

    def pause(self) -> None:
        """Hold its call back."""
        if self.response.flow is not None:
            self.response.flow.pause()

    def resume(self) -> None:
        """Let its call go on."""
        if self.response.flow is not None:
            self.response.flow.resume()

    def close(self) -> None:
        """Nobody waits for it any more."""
        self.response.finished = True
        gone, self.on_gone = self.on_gone, None
        if gone is not None:
            gone()
        self.stepper.close()


class _SseResponse:
    """A `core.ports.ResponsePort` whose answers are events of the stream."""

    remembered = None

    def __init__(self, stream: SseStream, served: SseMessage, request_id: bytes | None, *, listens: bool) -> None:
        self.started = False
        self.finished = True
        self.closing = False
        self.bytes_written = 0
        self.flow: Flow | None = None
        self._stream = stream
        self._served = served
        self._request_id = request_id
        self._listens = listens

    @property
    def peer(self) -> str:
        """See `ResponsePort`."""
        return self._stream.peer

    def prepare(self, head: Head, extra: bytes) -> None:
        """The next answer, of which there is one."""
        del head, extra
        self.started = self.finished = False

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`. A notification is answered by nothing."""
        self.started = True
        at = lines.find(_SESSION_LINE)
        if at >= 0:
            self._stream.greet(lines[at + len(_SESSION_LINE) :].partition(b"\r\n")[0])
        if self._request_id is not None and body:
            told = body if status < 300 else _told(body, self._request_id)
            self.write(write_event(told.replace(b"\n", b" ").replace(b"\r", b" "), "message"))
        self.end()

    def begin(self, status: int, lines: bytes) -> None:
        """See `ResponsePort`."""
        del status, lines
        self.started = True

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        self.bytes_written += len(data)
        self._stream.write(data)

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`."""
        self.write(chunk[begin:-2])

    def end(self) -> None:
        """See `ResponsePort`."""
        if self.finished:
            return
        self.flow = None
        self.finished = True
        if not self._listens:
            self._stream.done(self._served)

    def cut(self) -> None:
        """See `ResponsePort`."""
        if not self.finished and self._request_id is not None:
            error = RpcError(Code.INTERNAL_ERROR, "the response is incomplete")
            self.write(write_event(write_error(self._request_id, error), "message"))
        self.end()


def _told(body: bytes, request_id: bytes) -> bytes:
    """An error of the door, which does not know the message's id, under that id."""
    message = read_reply(body)
    if message is None or message.error is UNSET:
        return write_error(request_id, RpcError(Code.INTERNAL_ERROR, "the message was refused"))
    return write_response(request_id, message) if message.request_id in (None, b"null") else body
