"""What a server says during a call, to the caller: messages as events while there are any, the response last.

A request of the server to the caller (elicitation, sampling) is passed on under an id that says which server asked, so
that any worker can take the caller's response to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import UNSET, Raw

from asbru.core.errors import UpstreamError
from asbru.core.ports import Flow
from asbru.mcp.catalogue.entries import Era
from asbru.mcp.protocol import Code, Message, RpcError, status_of, write_error, write_result
from asbru.mcp.protocol.dialect import RESOURCES_READ
from asbru.mcp.protocol.messages import read_number, read_object, read_text, with_members, write_response
from asbru.mcp.protocol.sealed import Seals
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.deliver import with_identity
from asbru.pipeline.hidden import hide_in_events
from asbru.pipeline.rooms import Rooms
from asbru.pipeline.tools.asked import Asked, Chosen
from asbru.pipeline.tools.listeners import write_asked
from asbru.pipeline.tools.seen_answers import SeenAnswers
from asbru.pipeline.tools.toolbox import Ready
from asbru.pipeline.tools.wanted import STATE, Wanted
from asbru.wire.http_heads import JSON_LINE
from asbru.wire.sse import write_event

EVENT_LINES: Final = b"content-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\n"
RESULT_TYPE: Final = b'"resultType"'
IS_ERROR: Final = b'"isError"'
INPUT_REQUIRED: Final = b"input_required"
MESSAGES_MAX: Final = 10_000
"""Messages before the response; a server that says more is cut off."""
_PURPOSE: Final = "request of a server"
COMPLETE: Final = {"resultType": b'"complete"'}
_READ: Final = {"resultType": b'"complete"', "ttlMs": b"0", "cacheScope": b'"private"'}


class Relay:
    """See the module. `take` is given each message; True: it was the response, and all is delivered."""

    def __init__(
        self, call: Call, rooms: Rooms, asked: Asked, made: Attempt, *, chosen: Chosen, ready: Ready, era: Era
    ) -> None:
        assert rooms.tools is not None, "the middle has looked"
        self._seals = rooms.tools.seals
        self._bound = bound_to(call, chosen)
        self._call = call
        self._rooms = rooms
        self._asked = asked
        self._made = made
        self._ready = ready
        self._era = era
        self._messages = 0
        self.flow: Flow | None = None
        self.wanted: Wanted | None = None
        self.answer: Callable[[bytes], None] = _nobody_asks
        """Gives the server a response to a request of its own."""
        self.answers: SeenAnswers | None = None
        """Takes the caller's answers, where stages are to see them."""

    def take(self, message: Message, data: bytes) -> bool:
        """One message of the server, and its bytes."""
        if message.result is not UNSET and self._wants_input(message):
            return True
        if message.result is not UNSET or message.error is not UNSET:
            self._respond(message)
            return True
        self._messages += 1
        if self._messages > MESSAGES_MAX:
            raise UpstreamError(
                f"the MCP server '{self._ready.server.name}' sent more than {MESSAGES_MAX} messages and no response",
                kind="protocol",
                code="upstream_protocol",
            )
        if message.id is UNSET:
            self._pass_on(data)
        else:
            self._ask_caller(message)
        return False

    def _wants_input(self, message: Message) -> bool:
        """Whether the server wants input of a caller with a session, which is asked for it now."""
        client = self._asked.client
        if client is None or bytes(message.result).find(INPUT_REQUIRED) < 0:  # pyright: ignore[reportArgumentType] -- it is not UNSET
            return False
        result = read_object(message.result) or {}
        if read_text(result.get("resultType")) != "input_required":
            return False
        self.wanted = Wanted(result, self._call, self._rooms, client)
        return True

    def ask(self, wanted: Wanted) -> None:
        """Put the questions to the caller."""
        for question in wanted.questions.values():
            self._begin()
            self._call.response.write(write_as_event(question.message))

    def close(self) -> None:
        """The call is over."""
        if self.answers is not None:
            self.answers.close()

    def _pass_on(self, data: bytes) -> None:
        if self._asked.streams:
            self._begin()
            self._call.response.write(write_as_event(data))

    def _ask_caller(self, message: Message) -> None:
        """A request of the server. One that the caller cannot be asked is refused, so that the server does not wait."""
        caller, request_id = self._call.caller, message.request_id
        assert caller is not None and request_id is not None and isinstance(message.method, str)
        asks = message.method.partition("/")[0]
        if message.method == "ping":
            self.answer(write_result(request_id, b"{}"))
        elif not self.can_be_asked(asks):
            error = RpcError(Code.METHOD_NOT_FOUND, f"the caller does not support {message.method[:100]}")
            self.answer(write_error(request_id, error))
        else:
            if self.answers is not None:
                sealed = self.answers.expect(request_id)
            else:
                sealed = seal_request(self._seals, caller.identity, self._ready.server.name, request_id)
            self._pass_on(write_asked(sealed, message))

    def can_be_asked(self, asks: str) -> bool:
        """Whether the caller is capable of that, and hears of it."""
        client = self._asked.client
        return client is not None and asks in client.capabilities and self._asked.streams

    def _begin(self) -> None:
        if not self._call.response.started:
            begin_events(self._call, self._rooms)
            self._call.response.flow = self.flow

    def _respond(self, message: Message) -> None:
        call, response = self._call, self._call.response
        body = self._write(message)
        made = self._made
        if message.error is not UNSET or body.find(IS_ERROR) >= 0:
            body = hide_in_events(made, body)
        made.took_s = self._rooms.clock() - made.started_s
        made.outcome = call.outcome = "ok"
        call.status = 200
        if response.started:
            response.write(write_as_event(body))
            response.end()
        else:
            call.status = self._status(message)
            response.whole(call.status, with_identity(call, JSON_LINE), body)

    def _status(self, message: Message) -> int:
        """The HTTP status of a response: callers of the stateless era are told the code of an error by it too."""
        told = read_object(message.error) if self._asked.stateless else None
        return 200 if told is None else status_of(read_number(told.get("code")))

    def _write(self, message: Message) -> bytes:
        request_id = self._asked.message.request_id
        if message.error is not UNSET:
            if self._asked.bare:
                raise _told(message, self._ready.server.name)
            return write_response(request_id, message)
        assert message.result is not UNSET
        result = bytes(message.result)
        if result.find(INPUT_REQUIRED) >= 0:
            result = self._with_sealed_state(result)
        if self._asked.stateless and not self._asked.bare and self._lacks_type(result):
            members = _READ if self._asked.message.method == RESOURCES_READ else COMPLETE
            result = with_members(Raw(result), members)
        return result if self._asked.bare else write_result(request_id, result)

    def _lacks_type(self, result: bytes) -> bool:
        """Whether callers of the stateless era miss members: servers of the other one know none of them, and some of
        their own leave out that the result is complete."""
        return self._era == "sessions" or result.find(RESULT_TYPE) < 0

    def _with_sealed_state(self, result: bytes) -> bytes:
        """A result that asks for input: the state that the caller returns with it is bound to caller, server and
        tool."""
        members = read_object(Raw(result)) or {}
        state = members.get(STATE)
        if read_text(members.get("resultType")) != "input_required" or state is None:
            return result
        members[STATE] = Raw(msgspec.json.encode(self._seals.seal(STATE, self._bound, bytes(state))))
        return msgspec.json.encode(members)


def begin_events(call: Call, rooms: Rooms) -> None:
    """Begin the response as an event stream, unless it has begun."""
    if not call.response.started:
        call.response.begin(200, with_identity(call, EVENT_LINES))
        call.first_token_s = rooms.clock()
        call.status = 200


def bound_to(call: Call, chosen: Chosen) -> tuple[str, ...]:
    """Whom and what the state of a call belongs to."""
    return (call.caller.identity if call.caller is not None else "", chosen.server, chosen.name)


def _told(message: Message, server: str) -> UpstreamError:
    """The error that a server has told in place of a result."""
    told = read_object(message.error) or {}
    words = read_text(told.get("message")) or "an error without words"
    return UpstreamError(
        f"the MCP server '{server}' returned an error: {words[:500]}", kind="fault", code="mcp_error"
    )


def seal_request(seals: Seals, caller: str, server: str, request_id: bytes) -> str:
    """The id under which a caller receives the request of a server."""
    return seals.seal(_PURPOSE, (caller,), msgspec.msgpack.encode((server, request_id)))


def open_request(seals: Seals, caller: str, text: str) -> tuple[str, bytes] | None:
    """The server that asked, and its own id for that; None for what is no id of ours, or another caller's."""
    value = seals.open(_PURPOSE, (caller,), text)
    return None if value is None else msgspec.msgpack.decode(value, type=tuple[str, bytes])


def write_as_event(data: bytes) -> bytes:
    """A message as an event. Line breaks are only between the parts of JSON, where a space is as good."""
    return write_event(data.replace(b"\n", b" ").replace(b"\r", b" "), "message")


def _nobody_asks(data: bytes) -> None:
    del data
