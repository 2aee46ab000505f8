"""One lane: requests that wait, and the one under way, whose response becomes messages.

A lane is to the door what a connection is: it has a response and a stepper.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import msgspec

from asbru.core.ports import Flow, Remembers
from asbru.edge.server import Head, Request
from asbru.pipeline import Stepper
from asbru.wire.errors import FramingError
from asbru.wire.sse import COMMENT, SseReader

if TYPE_CHECKING:
    from asbru.edge.lanes.lanes import Lanes

QUEUED_MAX: Final = 16
"""Requests that may wait in a lane."""
_EVENT_STREAM: Final = b"text/event-stream"
_DONE: Final = b"[DONE]"
_raw = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class LaneResponse:
    """A `core.ports.ResponsePort` whose answers are messages: each event of a stream is one; an error that comes in
    place of a stream is an event `error`."""

    def __init__(self, send: Callable[[bytes], None], done: Callable[[], None], remembered: Remembers) -> None:
        self.remembered: Remembers | None = remembered
        self.peer = ""
        self.started = False
        self.finished = True
        self.closing = False
        self.bytes_written = 0
        self.flow: Flow | None = None
        self._send = send
        self._done = done
        self._reader = SseReader()

    def prepare(self, head: Head, extra: bytes) -> None:
        """The next answer."""
        del head, extra
        self.started = self.finished = False
        self.bytes_written = 0
        self._reader = SseReader()

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        self.started = True
        if status < 300 and lines.find(_EVENT_STREAM) >= 0:
            self.write(body)
        else:
            self._send(error_event(status, body))
            self.bytes_written += len(body)
        self.end()

    def begin(self, status: int, lines: bytes) -> None:
        """See `ResponsePort`."""
        del status, lines
        self.started = True

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        self.bytes_written += len(data)
        try:
            for event in self._reader.feed(data):
                if event is not COMMENT and event.data != _DONE:
                    self._send(event.data)
        except FramingError as error:  # an event that is too long; what follows makes no sense without it
            self._send(error_event(502, msgspec.json.encode({"error": {"message": str(error), "type": "api_error"}})))

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`."""
        self.write(chunk[begin:-2])

    def end(self) -> None:
        """See `ResponsePort`."""
        if self.finished:
            return
        self.flow = None
        self.finished = True
        self._done()

    def cut(self) -> None:
        """See `ResponsePort`."""
        self._send(error_event(502, b""))
        self.end()


def error_event(status: int, body: bytes) -> bytes:
    """The event `error` for an error response."""
    try:
        error: object = _raw(body)["error"]
    except (KeyError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        error = {"type": "api_error", "code": "upstream_cut", "message": "the response is incomplete", "param": None}
    return msgspec.json.encode({"type": "error", "status": status, "status_code": status, "error": error})


class Lane:
    """See the module. `name`: the `stream_id` that its events carry, None for none."""

    def __init__(self, name: str | None, lanes: Lanes) -> None:
        self._mark = b"" if name is None else b'{"stream_id":%b,' % msgspec.json.encode(name)
        self._lanes = lanes
        self.queue: deque[bytes] = deque()
        self.response = LaneResponse(self.tell, self._answered, lanes.remembered)
        self.stepper = Stepper()
        self.on_gone: Callable[[], None] | None = None

    @property
    def busy(self) -> bool:
        """Whether a response is under way, or waits."""
        return bool(self.queue) or not self.response.finished or not self.stepper.done

    def take(self, body: bytes) -> None:
        """One request more."""
        self.queue.append(body)
        if len(self.queue) == 1 and self.response.finished and self.stepper.done:
            self._begin()

    def tell(self, event: bytes) -> None:
        """Send an event."""
        if self._mark:
            members = event.lstrip()[1:].lstrip()  # a provider may write spaces
            event = self._mark + members if members.startswith(b'"') else event
        self._lanes.send(event)

    def tell_error(self, status: int, message: str, **members: Any) -> None:
        """Send an event `error`."""
        error = {"type": "invalid_request_error", "code": None, "param": None, **members, "message": message}
        self.tell(error_event(status, msgspec.json.encode({"error": error})))

    def abort(self) -> None:
        """A bug ended the path after the response had begun."""
        self.response.cut()

    def mark_endless(self, *, endless: bool) -> None:
        """What a connection does for a drain; a lane ends."""
        del endless

    def close(self) -> None:
        """The socket is gone: so is what was asked for."""
        self.queue.clear()
        self.response.finished = True
        if self.on_gone is not None:
            self.on_gone()
        self.stepper.close()

    def _answered(self) -> None:
        """A response has ended; its path may have a few steps left."""
        self._lanes.later(self._next)

    def _next(self) -> None:
        if self._lanes.closed or not self.queue or not self.response.finished:
            return
        if not self.stepper.done:
            self._lanes.later(self._next)
            return
        self._begin()

    def _begin(self) -> None:
        request = Request(self._lanes.head, self.queue.popleft())
        request.received_s = monotonic()  # it has waited for its lane, not for the gateway
        self._lanes.handle(request, self)
