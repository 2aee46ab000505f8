"""Requests of servers with sessions that come outside of the stream of a call, in a worker: which calls are under way,
which streams of a user are open, and what the one that is meant does with such a request.

The tools process reads the stream on which they come, and asks all workers (`app.tools.outside`). Not here: how the
caller is asked (`relay`, `listeners`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from asbru.core.errors import AsbruError
from asbru.mcp.protocol import Message, read_reply
from asbru.mcp.servers.outside import (
    TOLD_SUBJECT,
    WORKER_SUBJECT,
    OutsideAsked,
    OutsideGiven,
    OutsideLogged,
    OutsideTold,
)
from asbru.pipeline.stepper import Stepper
from asbru.pipeline.tools.seen import seen_message

if TYPE_CHECKING:
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.listeners import Listeners
    from asbru.pipeline.tools.relay import Relay

LEFT_S: Final = 10.0
"""How long a server may be busy with a call that was given up, although it is told."""
LEFT_MAX: Final = 1000
"""Sessions of which that is remembered."""

_Session = tuple[str, str]


class Outside:
    """See the module. `worker`: by which the tools process knows this worker; `tell(subject, payload)` reaches that
    process."""

    def __init__(
        self,
        worker: str,
        tell: Callable[[str, bytes], object],
        clock: Callable[[], float],
        *,
        listeners: Listeners,
    ) -> None:
        self._listeners = listeners
        self._worker = worker
        self._tell = tell
        self._clock = clock
        self._calls: dict[bytes, tuple[_Session, Taking]] = {}
        self._left_s: dict[_Session, float] = {}

    def tell_here(self, _: bytes = b"") -> None:
        """Say that this worker is here, to a tools process that may not know."""
        self._tell(WORKER_SUBJECT, self._worker.encode())

    def begin(self, call: bytes, server: str, session: str, taking: Taking) -> None:
        """A call is under way from now on."""
        self._calls[call] = (server, session), taking

    def end(self, call: bytes, *, left: bool) -> None:
        """It is not any more; `left`: the server has not answered it. Harmless for one that never began."""
        begun = self._calls.pop(call, None)
        if begun is None:
            return
        session, taking = begun
        taking.close()
        if left:
            if len(self._left_s) >= LEFT_MAX:
                self._left_s.clear()
            self._left_s[session] = self._clock()

    def on_asked(self, payload: bytes) -> None:
        """The tools process asks which calls are under way in a session."""
        asked = msgspec.msgpack.decode(payload, type=OutsideAsked)
        session = (asked.server, asked.session)
        calls = tuple(
            call
            for call, (own, taking) in self._calls.items()
            if own == session and (not asked.user or taking.can_be_asked(asked.asks))
        )
        streams = self._listeners.find(asked.server, asked.user, asked.asks) if asked.user else ()
        left_s = self._left_s.get(session)
        left = left_s is not None and self._clock() - left_s < LEFT_S
        told = OutsideTold(asked.number, self._worker, calls[:2], left, streams)
        self._tell(TOLD_SUBJECT, msgspec.msgpack.encode(told))

    def on_given(self, payload: bytes) -> None:
        """A request for a call or a stream of some worker. One that has ended meanwhile is asked nothing any more."""
        given = msgspec.msgpack.decode(payload, type=OutsideGiven)
        message = read_reply(given.message) if given.worker == self._worker else None
        if message is None or not isinstance(message.method, str) or message.request_id is None:
            return
        begun = self._calls.get(given.call)
        if begun is not None:
            begun[1].take(message, given.message)
        else:
            self._listeners.ask(given.call, given.server, message)

    def on_logged(self, payload: bytes) -> None:
        """A log message in the session of a user."""
        logged = msgspec.msgpack.decode(payload, type=OutsideLogged)
        self._listeners.log(logged.server, logged.user, logged.message)


class Taking:
    """What one call takes from outside of its stream: as it takes what comes on it. `give_up` ends the call."""

    def __init__(self, call: Call, rooms: Rooms, relay: Relay, give_up: Callable[[AsbruError], None]) -> None:
        self._call = call
        self._rooms = rooms
        self._relay = relay
        self._give_up = give_up
        self._under_way: list[Stepper] = []

    def can_be_asked(self, asks: str) -> bool:
        """Whether the caller is capable of what a request asks for."""
        return self._relay.can_be_asked(asks)

    def take(self, message: Message, data: bytes) -> None:
        """A request of the server."""
        stepper = Stepper()
        self._under_way.append(stepper)
        stepper.run(self._pass_on(message, data), self._ended, data)

    def close(self) -> None:
        """The call is over."""
        for stepper in self._under_way:
            stepper.close()

    async def _pass_on(self, message: Message, data: bytes) -> None:
        self._relay.take(*await seen_message(self._call, self._rooms, message, data))

    def _ended(self, _: bytes, error: BaseException | None) -> None:
        if isinstance(error, AsbruError):
            self._give_up(error)
        elif error is not None:
            raise error
