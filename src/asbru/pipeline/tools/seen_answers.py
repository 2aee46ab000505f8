"""Answers of a caller to what a server with sessions asks during its call, where the call has stages: they come to the
call, whichever worker received them, and go on to the server as the stages let them.

Without stages they go to the server at once (`replies`). An answer that a stage refuses ends the call; the server is
told that there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from msgspec import UNSET

from asbru.core.errors import AsbruError
from asbru.mcp.protocol import Code, RpcError, read_message, write_error
from asbru.mcp.protocol.messages import write_response
from asbru.pipeline.stepper import Stepper
from asbru.pipeline.tools.seen import seen_answer
from asbru.pipeline.tools.wanted import INPUT

if TYPE_CHECKING:
    from asbru.core.future import Future
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms


class SeenAnswers:
    """See the module. `send` gives the server a response; `give_up` ends the call. To be closed with the call."""

    def __init__(
        self, call: Call, rooms: Rooms, send: Callable[[bytes], None], give_up: Callable[[AsbruError], None]
    ) -> None:
        self._call = call
        self._rooms = rooms
        self._send = send
        self._give_up = give_up
        self._expected: list[str] = []
        self._under_way: list[Stepper] = []

    def expect(self, request_id: bytes) -> str:
        """The id under which the caller is asked what the server asks under its own."""
        tools, caller = self._rooms.tools, self._call.caller
        assert tools is not None and caller is not None, "the middle has looked"
        value = b"%b-%d-asked-%d" % (self._call.id, len(self._call.attempts), len(self._expected))
        token = tools.seals.seal(INPUT, (caller.identity,), value)
        answer = tools.awaited.expect(token)
        answer.waiter = partial(self._take, answer, request_id)
        self._expected.append(token)
        return token

    def close(self) -> None:
        """The call is over."""
        assert self._rooms.tools is not None, "the middle has looked"
        for token in self._expected:
            self._rooms.tools.awaited.forget(token)
        for stepper in self._under_way:
            stepper.close()

    def _take(self, answer: Future[bytes], request_id: bytes) -> None:
        stepper = Stepper()
        self._under_way.append(stepper)
        stepper.run(self._pass_on(answer, request_id), self._ended, request_id)

    async def _pass_on(self, answer: Future[bytes], request_id: bytes) -> None:
        message = read_message(await answer)
        if message.result is not UNSET:
            message = await seen_answer(self._call, self._rooms, message)
        self._send(write_response(request_id, message))

    def _ended(self, request_id: bytes, error: BaseException | None) -> None:
        if isinstance(error, AsbruError):
            refusal = RpcError(Code.REFUSED, "the caller's answer was refused")
            self._send(write_error(request_id, refusal))
            self._give_up(error)
        elif error is not None:
            raise error
