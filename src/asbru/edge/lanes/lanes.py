"""All lanes of one WebSocket: whose message is whose, what they remember together, and what bounds them.

Not here: what becomes of a request, which is its lane's business (`lane`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from asbru.core.chat import Raw
from asbru.edge.lanes.lane import QUEUED_MAX, Lane
from asbru.edge.server import Head, Request, ServerConnection, WebSocket
from asbru.pipeline.conversations import Remembered
from asbru.wire.forwarded import ForwardedHeaders

if TYPE_CHECKING:
    from asbru.core.ports import Flow

LANES_MAX: Final = 32
"""Lanes of one socket."""
_STREAM_ID_CHARS_MAX: Final = 128
_OF_THE_SOCKET: Final = frozenset((b"idempotency-key", b"x-request-id", b"x-client-request-id", b"openai-beta"))
"""Headers that are about the handshake alone, not about each of the calls that follow it."""
_TRUE: Final = Raw(b"true")
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_text = msgspec.json.Decoder(str | None).decode
_ERRORS = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

Handle = Callable[[Request, ServerConnection], None]


class Lanes:
    """The `Receiver` of a socket. `handle` serves a request as the door does; `later` runs in the loop's next turn."""

    def __init__(
        self, socket: WebSocket, head: Head, handle: Handle, later: Callable[[Callable[[], None]], None]
    ) -> None:
        self.head = _head_of_calls(head)
        self.remembered = Remembered()
        self.later = later
        self.closed = False
        self.send = socket.send
        self._handle = handle
        self._lanes: dict[str | None, Lane] = {}
        self._is_paused = False

    @property
    def busy(self) -> bool:
        """See `Receiver`."""
        return any(lane.busy for lane in self._lanes.values())

    def handle(self, request: Request, lane: Lane) -> None:
        """Serve a request of a lane."""
        self._handle(request, cast("ServerConnection", lane))
        if self._is_paused and lane.response.flow is not None:
            lane.response.flow.pause()

    def receive(self, text: bytes) -> None:
        """See `Receiver`."""
        stray = Lane(None, self)
        try:
            members = _members(text)
            kind = _text(members.pop("type", Raw(b"null")))
            stream_id = _text(members.pop("stream_id", Raw(b"null")))
        except _ERRORS as error:
            stray.tell_error(
                400, f"expected a message that is a JSON object with a type, got something else: {error}"
            )
            return
        if stream_id is not None and not 0 < len(stream_id) <= _STREAM_ID_CHARS_MAX:
            stray.tell_error(
                400,
                f"stream_id: expected 1 to {_STREAM_ID_CHARS_MAX} characters, got {len(stream_id)}",
                param="stream_id",
            )
            return
        lane = self._lanes.get(stream_id) or Lane(stream_id, self)
        match kind:
            case "response.create":
                self._create(stream_id, lane, members)
            case "response.steer":
                lane.tell(_steer_failed(members))
            case _:
                shown = "nothing" if kind is None else f'"{kind[:80]}"'
                lane.tell_error(400, f"type: expected response.create or response.steer, got {shown}", param="type")

    def _create(self, stream_id: str | None, lane: Lane, members: dict[str, Raw]) -> None:
        if stream_id not in self._lanes:
            idle = [name for name, one in self._lanes.items() if not one.busy]
            if len(self._lanes) >= LANES_MAX and idle:
                del self._lanes[idle[0]]
            if len(self._lanes) >= LANES_MAX:
                lane.tell_error(
                    429,
                    f"{LANES_MAX} streams of this connection are busy",
                    type="rate_limit_error",
                    code="too_many_streams",
                )
                return
            self._lanes[stream_id] = lane
        if len(lane.queue) >= QUEUED_MAX:
            lane.tell_error(
                429, f"{QUEUED_MAX} requests of this stream wait", type="rate_limit_error", code="too_many_requests"
            )
            return
        if members.get("background", Raw(b"false")) == _TRUE:
            lane.tell_error(400, "background: not available over a WebSocket", param="background")
            return
        members["stream"] = _TRUE
        lane.take(msgspec.json.encode(members))

    def pause(self) -> None:
        """See `Receiver`."""
        self._is_paused = True
        for flow in self._flows():
            flow.pause()

    def resume(self) -> None:
        """See `Receiver`."""
        self._is_paused = False
        for flow in self._flows():
            flow.resume()

    def _flows(self) -> list[Flow]:
        return [lane.response.flow for lane in self._lanes.values() if lane.response.flow is not None]

    def close(self) -> None:
        """See `Receiver`."""
        if self.closed:
            return
        self.closed = True
        for lane in self._lanes.values():
            lane.close()
        self._lanes.clear()


def _head_of_calls(head: Head) -> Head:
    """The head that each call of the socket has: that of the handshake, as if it had posted."""
    made = Head()
    made.__dict__.update(head.__dict__)
    made.method, made.upgrade, made.content_type, made.origin = b"POST", b"", b"application/json", b""
    headers = [one for one in head.forwarded.headers if one[1].lower() not in _OF_THE_SOCKET]
    made.forwarded = ForwardedHeaders(headers, tagged=head.forwarded.tagged, traced=head.forwarded.traced)
    return made


def _steer_failed(members: dict[str, Raw]) -> bytes:
    """Input is returned to whoever wanted to steer with it."""
    told: dict[str, Any] = {
        "type": "response.steer.failed",
        "sequence_number": 0,
        "error": {
            "type": "invalid_request_error",
            "code": "steering_not_supported",
            "message": "a response under way takes no more input here; send response.create when it has ended",
            "param": None,
        },
        "steer": {
            "previous_response_id": members.get("previous_response_id", Raw(b'""')),
            "input": members.get("input", Raw(b"[]")),
        },
    }
    return msgspec.json.encode(told)
