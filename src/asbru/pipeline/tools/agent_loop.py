"""The agent loop: calls of offered tools that need no approval are made by Asbru, and the model is asked again.

    turn                                     what follows
    no call that Asbru may make              the reply goes to the caller as it came
    only calls that Asbru makes              they are made in parallel; the model gets the results, in their order
    others besides                           the same, and the reply goes to the caller with the other calls in it
    the last that is allowed                 the reply goes to the caller with all calls in it, marked `turns_max`

The caller gets one reply, whole or as one stream: the words of all turns, the sum of their usage, and the member
`asbru`, which says what was called, as messages of the caller's dialect. The call is one record; each turn is at least
one attempt, which holds its worst case of the budgets before it is made. Each call of a tool is a call of its own
(`nested`), with a record that names this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from asbru.core.chat import ChatRequest, Message, Part, ToolCallPart, ToolResultPart
from asbru.core.errors import AsbruError, GatewayError
from asbru.mcp.access import NeedsApproval
from asbru.pipeline.attempts import attempt
from asbru.pipeline.deliver import deliver, deliver_stream, end_stream, with_member
from asbru.pipeline.stages import STAGE_DEADLINE_S
from asbru.pipeline.stepper import within
from asbru.pipeline.tools.executed import ERROR, TURNS_MAX, Executed
from asbru.pipeline.tools.nested import NestedTools
from asbru.pipeline.tools.one_stream import OneStream
from asbru.pipeline.tools.outcome import outcome
from asbru.pipeline.whole_response import write_reply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asbru.core.reply import ChatReply, StreamEvent
    from asbru.dialects import StreamWriter
    from asbru.pipeline.call import Call
    from asbru.pipeline.responses import OpenStream, Response
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.nested import NestedCall
    from asbru.pipeline.tools.offers import OfferedTool
    from asbru.routing import Target

_replace: Final = msgspec.structs.replace


class _Turn(NamedTuple):
    """What a model said in one turn, and which of its calls Asbru makes."""

    parts: tuple[Part, ...]
    made: tuple[ToolCallPart, ...]
    left: tuple[ToolCallPart, ...]


class AgentLoop:
    """See the module: that of one call. `offered`: the tools, by the names that the model knows; `tools`: those of
    them that Asbru may call unasked; `approved`: the ids of calls in the conversation that its caller approves of."""

    def __init__(
        self,
        call: Call,
        request: ChatRequest,
        tools: Mapping[str, OfferedTool],
        *,
        offered: Mapping[str, OfferedTool],
        approved: frozenset[str],
        turns_max: int,
    ) -> None:
        self._call = call
        self._offered = offered
        self._approved = approved
        self._request = request
        self._tools = tools
        self._turns_max = turns_max
        self._executed = Executed(call, request.dialect)
        self._stream = OneStream(call, self._executed, self._is_made)
        self._shown: list[Part] = []
        self._reply: ChatReply | None = None

    # What the stage is shown

    def take(self, reply: ChatReply) -> ChatReply:
        """The whole reply of a turn."""
        self._reply = reply
        return reply

    def pass_events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """What of a turn's stream the caller gets at once."""
        return self._stream.pass_events(events)

    def writer(self, made: StreamWriter) -> StreamWriter:
        """What writes the one stream of all turns: what was `made` for the first."""
        return self._stream.writer(made)

    # The loop

    async def run(self, targets: tuple[Target, ...], rooms: Rooms) -> None:
        """Have the model answer, to the end of the loop, and give the caller its reply."""
        call = self._call
        nested = NestedTools(call, rooms)
        try:
            await self._resume(nested, rooms)
            response = await attempt(call, targets, rooms)
            if response.stream is None:
                await self._whole(response, targets, nested, rooms)
            else:
                await self._streamed(response, response.stream, targets, nested=nested, rooms=rooms)
        except AsbruError:
            if self._executed:
                call.beside_error = self._executed.member(ERROR)
            raise
        finally:
            nested.close()

    async def _resume(self, nested: NestedTools, rooms: Rooms) -> None:
        """Make the calls that the conversation ends with, where nobody has answered them and Asbru may: those that an
        earlier reply left to the caller."""
        *before, last = self._request.messages or (Message(role="user", parts=()),)
        given: tuple[Part, ...] = ()
        if last.role == "user" and before and before[-1].role == "assistant":
            given, last = last.parts, before.pop()
        if last.role != "assistant" or not all(isinstance(part, ToolResultPart) for part in given):
            return
        answered = {part.call_id for part in given if isinstance(part, ToolResultPart)}
        calls = [part for part in last.parts if isinstance(part, ToolCallPart) and part.id not in answered]
        made = [part for part in calls if part.name in self._offered and self._may_resume(part)]
        if not made:
            return
        results = await self._results(made, nested)
        self._executed.add(results)
        answers = Message(role="user", parts=(*given, *results))
        self._grow(results)
        self._request = _replace(self._request, messages=(*before, last, answers))
        await self._ask_again(rooms)

    def _may_resume(self, part: ToolCallPart) -> bool:
        return part.name in self._tools or part.id in self._approved

    async def _whole(
        self, response: Response, targets: tuple[Target, ...], nested: NestedTools, rooms: Rooms
    ) -> None:
        call = self._call
        while True:
            reply = self._reply
            assert reply is not None, "the stage has seen the reply"
            turn = self._read_turn(reply)
            if turn.made:
                await self._make(turn, nested)
            if not turn.made or turn.left:
                break
            self._shown += [part for part in turn.parts if not isinstance(part, ToolCallPart)]
            await self._ask_again(rooms)
            response = await attempt(call, targets, rooms)
        if self._executed or self._stopped(turn):
            response = self._composed(response, reply, turn)
        deliver(call, response, rooms.limit_headers)

    def _composed(self, response: Response, reply: ChatReply, turn: _Turn) -> Response:
        """The one reply of all turns."""
        parts = (*self._shown, *(part for part in turn.parts if part not in turn.made))
        choice = _replace(reply.choices[0], parts=parts)
        whole = _replace(reply, choices=(choice, *reply.choices[1:]), usage=self._executed.usage)
        body = write_reply(self._call, self._call.attempts[-1], whole, b"").body
        return _replace(response, body=with_member(body, self._executed.member(self._stopped(turn))))

    async def _streamed(
        self,
        response: Response,
        stream: OpenStream,
        targets: tuple[Target, ...],
        *,
        nested: NestedTools,
        rooms: Rooms,
    ) -> None:
        call = self._call
        opened: Response | None = response
        while True:
            error = await deliver_stream(call, opened, stream, rooms, ends=False)
            opened = None
            if error is not None or call.outcome != "ok":
                break
            try:
                call.outcome = "cancelled"  # unless it goes on
                following = await self._next_stream(targets, nested, rooms)
                call.outcome = "ok"
            except AsbruError as refused:
                error = call.error = refused
                call.outcome = "refused" if refused.blame == "caller" else "cut"
                break
            if following is None:
                break
            stream = following
        failed = error or call.error
        if failed is not None and self._executed:
            self._stream.fail(failed)
        else:
            end_stream(call, stream.relay, error)

    async def _next_stream(self, targets: tuple[Target, ...], nested: NestedTools, rooms: Rooms) -> OpenStream | None:
        """The stream of the next turn; None where the reply has ended, and was told to have."""
        turn = self._read_turn(self._stream.reply())
        if turn.made:
            await self._make(turn, nested)
        if not turn.made or turn.left:
            self._stream.end(self._stopped(turn))
            return None
        self._stream.begin_turn()
        await self._ask_again(rooms)
        response = await attempt(self._call, targets, rooms)
        if response.stream is None:
            raise GatewayError(
                "the provider returned a response without a stream", status=502, code="upstream_protocol"
            )
        return response.stream

    # A turn

    def _is_made(self, part: Part) -> bool:
        """Whether Asbru makes a call."""
        if not isinstance(part, ToolCallPart) or self._executed.turns + 1 >= self._turns_max:
            return False
        return part.name in self._tools and not part.custom

    def _read_turn(self, reply: ChatReply) -> _Turn:
        parts = reply.choices[0].parts if reply.choices else ()
        calls = [part for part in parts if isinstance(part, ToolCallPart)]
        made = tuple(part for part in calls if self._is_made(part))
        self._executed.end_turn(reply.usage)
        return _Turn(parts, made, tuple(part for part in calls if part not in made))

    async def _make(self, turn: _Turn, nested: NestedTools) -> None:
        """Make a turn's calls, all at once, and keep what they came to, in the order of the calls."""
        results = await self._results(turn.made, nested)
        self._executed.add(results, turn.made)
        said = Message(role="assistant", parts=turn.parts)
        self._grow((*turn.parts, *results))
        self._request = _replace(
            self._request, messages=(*self._request.messages, said, Message(role="user", parts=results))
        )

    def _grow(self, parts: tuple[Part, ...]) -> None:
        """The next turn is asked with these as well, which counts for what it may cost."""
        self._call.added_bytes += len(msgspec.msgpack.encode(parts))

    async def _results(self, calls: Sequence[ToolCallPart], nested: NestedTools) -> tuple[ToolResultPart, ...]:
        begun = [self._begin(part, nested) for part in calls]
        self._executed.begin(calls)
        tools = nested.rooms.tools
        assert tools is not None, "the stage has offered some"
        most = tools.settings.agent_result_chars_max
        return tuple([await outcome(part, one, most) for part, one in zip(calls, begun, strict=True)])

    def _begin(self, part: ToolCallPart, nested: NestedTools) -> NestedCall | AsbruError:
        tool = self._offered[part.name]
        approved = part.id in self._approved
        try:
            return nested.begin(tool.server, tool.name, part.arguments.encode() or b"{}", approved=approved)
        except NeedsApproval as error:  # it has been taken off the list meanwhile
            return GatewayError(str(error), status=403, code="mcp_needs_approval")
        except AsbruError as error:
            return error

    async def _ask_again(self, rooms: Rooms) -> None:
        """The next turn is asked with what was called. The stages see it as they saw the first: what the model said
        came through them for the caller, with placeholders put back, which no provider may see."""
        call = self._call
        for stage in call.stages:
            stage.again()
            self._request = await within(rooms.loop, stage.request(self._request), STAGE_DEADLINE_S)
        call.canonical, call.request_changed = self._request, True

    def _stopped(self, turn: _Turn) -> str:
        """Why calls that Asbru may make go to the caller; "" where none do."""
        ours = any(part.name in self._tools for part in turn.left)
        return TURNS_MAX if ours and self._executed.turns >= self._turns_max else ""
