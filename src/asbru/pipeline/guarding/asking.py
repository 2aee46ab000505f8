"""A model of this gateway, asked by the gateway itself: a call without a caller's connection, that takes the usual path.

It has a record and a price, limits of its targets hold, and its surface is `internal`: no rule guards it. It belongs to
no virtual key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from asbru.core.chat import ChatRequest, Message, TextPart
from asbru.core.errors import AsbruError, GatewayError
from asbru.core.traits import PLAIN
from asbru.governance import OPEN_CALLER
from asbru.pipeline.account import account
from asbru.pipeline.call import Call

if TYPE_CHECKING:
    from asbru.core.ports import Flow
    from asbru.dialects import Dialect
    from asbru.pipeline.rooms import Rooms

INTERNAL = "internal"
"""The surface of such calls."""


class Collected:
    """Where the response goes: a `ResponsePort` that keeps it."""

    def __init__(self) -> None:
        self.started = self.finished = self.closing = False
        self.bytes_written = 0
        self.flow: Flow | None = None
        self.remembered = None
        self.peer = ""
        self.body = b""

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        del status, lines
        self.started = self.finished = True
        self.body = body
        self.bytes_written = len(body)

    def begin(self, status: int, lines: bytes) -> None:
        """See `ResponsePort`."""
        del status, lines
        self.started = True

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        self.body += data

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`."""
        self.body += chunk[begin:-2]

    def end(self) -> None:
        """See `ResponsePort`."""
        self.finished = True

    def cut(self) -> None:
        """See `ResponsePort`."""
        self.closing = True


async def ask_model(model: str, system: str, text: str, *, dialect: Dialect, rooms: Rooms) -> str:
    """What the model replies. Raises `AsbruError`."""
    from asbru.pipeline.serve import model_call  # which has the stages, and they this

    operation = dialect.operation("chat")
    assert operation is not None
    request = ChatRequest(
        model=model,
        messages=(
            Message(role="system", parts=(TextPart(text=system),), plain=True),
            Message(role="user", parts=(TextPart(text=text),), plain=True),
        ),
    )
    port = Collected()
    call = Call(f"{INTERNAL}.judge", operation, dialect, dialect.chat.write_request(request, model, PLAIN).body, port)
    call.started_s = rooms.clock()
    call.started_ms = now_ms = int(rooms.unix_time() * 1000)
    call.id = rooms.ids.next(now_ms)
    call.caller = OPEN_CALLER
    try:
        if rooms.leases is not None:
            call.lease = await rooms.leases.admit(call)
        await model_call(call, rooms)
    except AsbruError as error:
        call.error, call.status = error, error.status
        call.outcome = "error" if error.blame != "caller" else "refused"
        raise
    finally:
        account(call, rooms)
    reply = dialect.chat.read_reply(port.body)
    if not reply.choices:
        raise GatewayError("the model gave no reply")
    return "".join(part.text for part in reply.choices[0].parts if isinstance(part, TextPart))
