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

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec import Raw

from asbru.core.chat import ChatRequest, ImagePart, MediaSource, Message, Part, TextPart, ToolCallPart, ToolResultPart
from asbru.core.errors import AsbruError, GatewayError
from asbru.core.notes import Note
from asbru.core.reply import (
    ChatReply,
    ChoiceStop,
    PartDelta,
    PartStart,
    PartStop,
    ReplyEnd,
    ReplyStart,
    StreamEvent,
    StreamFault,
    UsageReport,
)
from asbru.core.traits import PLAIN
from asbru.dialects import assemble
from asbru.mcp.access import NeedsApproval
from asbru.pipeline.attempts import attempt
from asbru.pipeline.deliver import deliver, deliver_stream, end_stream, with_member, with_member_in_event
from asbru.pipeline.stages import STAGE_DEADLINE_S
from asbru.pipeline.stepper import within
from asbru.pipeline.tools.nested import NestedTools
from asbru.pipeline.whole_response import write_reply

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from asbru.core.usage import Usage
    from asbru.dialects import StreamWriter
    from asbru.pipeline.call import Call
    from asbru.pipeline.responses import OpenStream, Response
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.nested import NestedCall
    from asbru.pipeline.tools.offers import OfferedTool
    from asbru.routing import Target

MARK: Final = "asbru"
"""The member of a reply that tells of the loop."""
TURNS_MAX: Final = "turns_max"
ERROR: Final = "error"
NAMES_MAX: Final = 20
"""Of tools that a note names."""
_MESSAGES: Final = ("messages", "input", "contents")
"""The member of a request that holds its messages, in one dialect or another."""


class _Content(msgspec.Struct):
    type: str = ""
    text: str | None = None
    data: str | None = None
    mimeType: str | None = None  # noqa: N815 -- as MCP names it
    uri: str | None = None
    resource: Raw = Raw()


class _Result(msgspec.Struct):
    content: list[_Content] = []
    structuredContent: Raw = Raw()  # noqa: N815 -- as MCP names it
    isError: bool = False  # noqa: N815 -- as MCP names it


_read_result: Final = msgspec.json.Decoder(_Result).decode
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
        self._turns = 0
        self._executed: list[Message] = []
        self._names: list[str] = []
        self._shown: list[Part] = []
        self._usage: Usage | None = None
        self._reply: ChatReply | None = None
        # of a stream
        self._writer: StreamWriter | None = None
        self._events: list[StreamEvent] = []
        self._places: dict[int, int] = {}
        self._next = 0
        self._tail: list[StreamEvent] = []

    # What the stage is shown

    def take(self, reply: ChatReply) -> ChatReply:
        """The whole reply of a turn."""
        self._reply = reply
        return reply

    def pass_events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """What of a turn's stream the caller gets at once: all but its end, and the calls that Asbru makes."""
        self._events += events
        return [going for event in events for going in self._passed(event)]

    def _passed(self, event: StreamEvent) -> Sequence[StreamEvent]:
        match event:
            case ReplyStart():
                return [event] if self._turns == 0 else ()
            case PartStart(part=ToolCallPart() as part) if self._is_made(part):
                return ()
            case PartStart():
                self._places[event.index] = place = self._next
                self._next += 1
                return [_replace(event, index=place)]
            case PartDelta() | PartStop():
                place = self._places.get(event.index, -1)
                return [_replace(event, index=place)] if place >= 0 else ()
            case ChoiceStop() | ReplyEnd() | UsageReport():
                self._tail.append(event)
                return ()
            case StreamFault() if self._executed:
                return ()  # `_fail` tells it
            case _:
                return [event]

    def writer(self, made: StreamWriter) -> StreamWriter:
        """What writes the one stream of all turns: what was `made` for the first."""
        if self._writer is None:
            self._writer = made
        return self._writer

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
                call.beside_error = self._member(ERROR)
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
        self._executed.append(Message(role="user", parts=results))
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
        whole = _replace(reply, choices=(choice, *reply.choices[1:]), usage=self._usage)
        body = write_reply(self._call, self._call.attempts[-1], whole, b"").body
        return _replace(response, body=with_member(body, self._member(self._stopped(turn))))

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
            self._fail(failed)
        else:
            end_stream(call, stream.relay, error)

    def _fail(self, error: AsbruError) -> None:
        """The end of the one stream, after tools were called: with the error, and what they came to. A stream that is
        not text has it in the error's words alone."""
        assert self._writer is not None, "a stream was written"
        member = self._member(ERROR)
        is_text = self._call.dialect.framing.media_type.startswith(b"text/")
        words = error.message if is_text else f"{error.message} ({self._called()})"
        data = self._writer.write([StreamFault(message=words, type=error.type, code=error.code, status=error.status)])
        self._call.response.write(with_member_in_event(data, member) if is_text else data)
        self._call.response.end()

    async def _next_stream(self, targets: tuple[Target, ...], nested: NestedTools, rooms: Rooms) -> OpenStream | None:
        """The stream of the next turn; None where the reply has ended, and was told to have."""
        reply = assemble.assemble(self._events).reply
        turn = self._read_turn(reply)
        if turn.made:
            await self._make(turn, nested)
        if not turn.made or turn.left:
            self._end(turn)
            return None
        self._events, self._tail, self._places = [], [], {}
        await self._ask_again(rooms)
        response = await attempt(self._call, targets, rooms)
        if response.stream is None:
            raise GatewayError(
                "the provider returned a response without a stream", status=502, code="upstream_protocol"
            )
        return response.stream

    def _end(self, turn: _Turn) -> None:
        """The end of the one stream, with what was told of it by the last turn."""
        tail = [
            _replace(event, usage=self._usage)
            if isinstance(event, UsageReport) and self._usage is not None
            else event
            for event in self._tail
        ]
        assert self._writer is not None, "a stream was written"
        data = self._writer.write(tail)
        is_text = self._call.dialect.framing.media_type.startswith(b"text/")
        if is_text and (self._executed or self._stopped(turn)):
            data = with_member_in_event(data, self._member(self._stopped(turn)))
        self._call.response.write(data)

    # A turn

    def _is_made(self, part: Part) -> bool:
        """Whether Asbru makes a call."""
        if not isinstance(part, ToolCallPart) or self._turns + 1 >= self._turns_max:
            return False
        return part.name in self._tools and not part.custom

    def _read_turn(self, reply: ChatReply) -> _Turn:
        parts = reply.choices[0].parts if reply.choices else ()
        calls = [part for part in parts if isinstance(part, ToolCallPart)]
        made = tuple(part for part in calls if self._is_made(part))
        if reply.usage is not None:
            self._usage = reply.usage if self._usage is None else self._usage + reply.usage
        self._turns += 1
        return _Turn(parts, made, tuple(part for part in calls if part not in made))

    async def _make(self, turn: _Turn, nested: NestedTools) -> None:
        """Make a turn's calls, all at once, and keep what they came to, in the order of the calls."""
        results = await self._results(turn.made, nested)
        self._executed += [Message(role="assistant", parts=turn.made), Message(role="user", parts=results)]
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
        self._names += [part.name for part in calls]
        tools = nested.rooms.tools
        assert tools is not None, "the stage has offered some"
        most = tools.settings.agent_result_chars_max
        return tuple([await _outcome(part, one, most) for part, one in zip(calls, begun, strict=True)])

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
        return TURNS_MAX if ours and self._turns >= self._turns_max else ""

    def _called(self) -> str:
        """The tools that were called, in words."""
        names = self._names
        more = f" and {len(names) - NAMES_MAX} more" if len(names) > NAMES_MAX else ""
        return f"tools called before: {', '.join(names[:NAMES_MAX])}{more}"

    def _member(self, stopped: str) -> bytes:
        """What is told of the loop: its turns, why it stopped, and what was called, as messages of the dialect."""
        if stopped:
            told = f"stopped after {self._turns} turns" if stopped == TURNS_MAX else self._called()
            self._call.notes += (Note("annotated", "mcp.agent", told),)
        executed = Raw(b"[]")
        codec = self._call.operation.codec
        if self._executed and codec is not None:
            told = ChatRequest(model="-", messages=tuple(self._executed), dialect=self._request.dialect)
            written = msgspec.json.decode(codec.write_request(told, "-", PLAIN).body, type=dict[str, Raw])
            executed = next(written[name] for name in _MESSAGES if name in written)
        mark: dict[str, Any] = {"turns": self._turns, "stopped": stopped or None, "executed": executed}
        return b'"%b":%b' % (MARK.encode(), msgspec.json.encode(mark))


async def _outcome(part: ToolCallPart, begun: NestedCall | AsbruError, chars_max: int) -> ToolResultPart:
    """What the model is told of a call: of text at most so many characters."""
    try:
        if isinstance(begun, AsbruError):
            raise begun
        result = _read_result(await begun.result)
    except AsbruError as error:
        error.let_go()
        return _told(part, (TextPart(text=error.message),), is_error=True)
    except msgspec.MsgspecError:
        return _told(part, (TextPart(text="the tool returned a result that cannot be read"),), is_error=True)
    parts = tuple(_content(one) for one in result.content)
    if not parts and result.structuredContent:
        parts = (TextPart(text=bytes(result.structuredContent).decode("utf-8", "replace")),)
    return _told(part, tuple(_cut(parts, chars_max)), is_error=result.isError)


def _cut(parts: tuple[Part, ...], left: int) -> Iterator[Part]:
    """The parts with at most so many characters of text. A long one would cost what no budget has, or be refused."""
    chars = sum(len(part.text) for part in parts if isinstance(part, TextPart))
    told = chars <= left
    for part in parts:
        if told or not isinstance(part, TextPart):
            yield part
        elif left > 0:
            here, left = left, left - len(part.text)
            yield (
                part if left >= 0 else TextPart(text=f"{part.text[:here]}\n(cut: the result has {chars} characters)")
            )


def _told(part: ToolCallPart, parts: tuple[Part, ...], *, is_error: bool) -> ToolResultPart:
    plain = len(parts) == 1 and isinstance(parts[0], TextPart)
    return ToolResultPart(call_id=part.id, parts=parts, plain=plain, is_error=is_error)


def _content(one: _Content) -> Part:
    """A content of a result as a model sees it; what is no text or image is told in words."""
    if one.type == "image" and one.data is not None:
        return ImagePart(source=MediaSource(media_type=one.mimeType, data=one.data))
    if one.text is not None:
        return TextPart(text=one.text)
    if one.resource:
        return TextPart(text=bytes(one.resource).decode("utf-8", "replace"))
    return TextPart(text=one.uri or f"[{one.type or 'content'} that cannot be shown]")
