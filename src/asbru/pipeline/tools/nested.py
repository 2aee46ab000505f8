"""Calls of tools from within another call: a script, or a loop over a model's calls. The one door for all of them.

    nested = NestedTools(parent, rooms)
    try:
        result = await nested.call("files", "read", b'{"path":"a"}', approved=False)
    finally:
        nested.close()

Each is a call of its own: with a record that names its parent, its own limits and price, and a deadline. Who calls, and
whether the tool may be used, is asked again each time, so that a key that is withdrawn meanwhile is refused. What the
key, the headers and the address of the parent leave out is not there. A place in the load, and among the calls at once
of the key, is not asked for, since the parent has one.

What a server asks back goes to the caller of the parent, where that can be asked; else the call fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import msgspec
from msgspec import Raw

from asbru.core.errors import AsbruError, BadRequest, GatewayError, TooLarge
from asbru.core.future import Future
from asbru.mcp.access import NeedsApproval
from asbru.mcp.catalogue.names import join_name
from asbru.mcp.protocol import Code, Message, RpcError
from asbru.mcp.protocol.dialect import MCP, SURFACE, TOOL
from asbru.mcp.protocol.messages import read_object, read_text
from asbru.pipeline.account import account
from asbru.pipeline.call import Call
from asbru.pipeline.stepper import Stepper
from asbru.pipeline.tools.asked import Asked
from asbru.pipeline.tools.awaited import Cancelled
from asbru.pipeline.tools.relay import INPUT_REQUIRED, begin_events
from asbru.pipeline.tools.tool_call import NARROWED, TOOLS_CALL, tool_call

if TYPE_CHECKING:
    import asyncio

    from asbru.core.ports import Flow, ResponsePort
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.stepper import Path

DEADLINE_S: Final = 30.0
_NO_ADDRESS: Final = Asked(Message(), {})


class NestedTools:
    """See the module. `asked`: what the parent was asked over /mcp; None where it is a call of another kind."""

    def __init__(
        self, parent: Call, rooms: Rooms, asked: Asked | None = None, *, deadline_s: float = DEADLINE_S
    ) -> None:
        self._parent = parent
        self.rooms = rooms
        self._asked = asked or _NO_ADDRESS._replace(narrowed=parent.watched.get(NARROWED), streams=False)
        self._deadline_s = deadline_s
        self._under_way: set[NestedCall] = set()

    async def call(self, server: str, tool: str, arguments: bytes, *, approved: bool) -> bytes:
        """The tool's result: the JSON of a `CallToolResult`. `arguments`: a JSON object; `server`: "" for the tools
        that stand for those of code mode. Raises `NeedsApproval` where a person has to approve the call and it is not
        `approved`, and `AsbruError` for what is refused or fails. Awaits nothing but Futures."""
        nested = self.begin(server, tool, arguments, approved=approved)
        try:
            return await nested.result
        finally:
            nested.close()

    def begin(self, server: str, tool: str, arguments: bytes, *, approved: bool) -> NestedCall:
        """The same without waiting for it, so that several can be under way."""
        if not approved and self.needs_approval(server, tool):
            raise NeedsApproval(f"{server}/{tool} needs approval")
        parent, rooms = self._parent, self.rooms
        written = tool if self._asked.address.server or not server else join_name(server, tool)
        body = b'{"name":%b,"arguments":%b}' % (msgspec.json.encode(written), arguments)
        taken = _Taken(parent, rooms)
        call = Call(f"{SURFACE}.{TOOL.surface}", TOOL, MCP, body, cast("ResponsePort", taken))
        call.started_ms = now_ms = int(rooms.unix_time() * 1000)
        call.started_s = rooms.clock()
        call.id, call.parent_id = rooms.ids.next(now_ms), parent.id.decode()
        call.run, call.forwarded, call.credentials = parent.run, parent.forwarded, parent.credentials
        call.every_header, call.watched = parent.every_header, parent.watched
        if parent.trace is not None and rooms.tracer is not None:
            call.trace = rooms.tracer.below(parent.trace)
        call.unsampled = parent.unsampled
        params = {"name": Raw(msgspec.json.encode(written)), "arguments": Raw(arguments)}
        message = Message(jsonrpc="2.0", id=Raw(b"1"), method=TOOLS_CALL)
        asked = self._asked._replace(message=message, params=params, session="", bare=True, resumed=False)
        nested = NestedCall(call, taken, self._under_way)
        nested.begin(self._perform(call, asked, server, taken), rooms, self._deadline(server))
        return nested

    def _deadline(self, server: str) -> float:
        tools = self.rooms.tools
        return self._deadline_s if server or tools is None else tools.settings.code.total_s

    def needs_approval(self, server: str, tool: str) -> bool:
        """Whether a call would need approval: the tool may be used, and is not among those that are approved."""
        tools = self.rooms.tools
        assert tools is not None, "who has none makes no calls"
        if not server:
            return False  # the calls of a script are asked about one by one
        try:
            caller = self.rooms.keys.identify(self._parent.credentials)
        except AsbruError:
            return False  # the call says so
        return tools.access(caller, self._asked).allows(server, tool) and not tools.approves(caller, server, tool)

    def close(self) -> None:
        """The parent is over: so is what is still under way."""
        for one in tuple(self._under_way):
            one.close()

    async def _perform(self, call: Call, asked: Asked, server: str, taken: _Taken) -> None:
        rooms = self.rooms
        try:
            call.caller = rooms.keys.identify(call.credentials)
            if rooms.leases is not None:
                call.lease = await rooms.leases.admit(call)
            if call.body_bytes > rooms.body_bytes_max:
                raise TooLarge(f"the arguments are larger than {rooms.body_bytes_max} bytes")
            if read_object(asked.params["arguments"]) is None:  # or it could go on where the arguments end
                raise BadRequest("expected the arguments to be a JSON object", param="arguments")
            if server and asked.address.server not in ("", server):
                raise RpcError(Code.INVALID_PARAMS, f"Unknown server at this address: {server[:100]}", status=404)
            await tool_call(call, rooms, asked)
            _check_complete(taken.body)
        except AsbruError as error:
            call.error, call.status = error, error.status
            call.outcome = "error" if error.blame != "caller" else "refused"
            raise
        except Exception:
            call.fail()
            raise
        finally:
            account(call, rooms)


class NestedCall:
    """One that is under way. `result`: what it comes to."""

    def __init__(self, call: Call, taken: _Taken, among: set[NestedCall]) -> None:
        self.result: Future[bytes] = Future()
        self._call = call
        self._taken = taken
        self._among = among
        self._stepper = Stepper()
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, path: Path, rooms: Rooms, deadline_s: float) -> None:
        """Go on until it waits."""
        self._among.add(self)
        self._timer = rooms.loop.call_later(deadline_s, self._expire, deadline_s)
        self._stepper.run(path, self._ended, None)

    def close(self) -> None:
        """Nobody waits for it any more: it is taken back. Harmless when it is over."""
        self._stepper.close()

    def _expire(self, deadline_s: float) -> None:
        call = self._call
        call.error = GatewayError(
            f"the tool did not answer within {deadline_s:g} s", status=504, code="mcp_tool_timeout"
        )
        call.status, call.outcome = 504, "error"
        self._stepper.close()

    def _ended(self, subject: None, error: BaseException | None) -> None:
        del subject
        self._among.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if error is not None:
            self.result.fail(error)
        elif self._taken.finished:
            self.result.resolve(self._taken.body)
        else:
            self.result.fail(self._call.error or Cancelled())


class _Taken:
    """The response of a nested call: the result stays here, and what comes before it, events, goes to the caller of the
    parent."""

    started = closing = False
    peer = ""
    remembered = None
    flow: Flow | None = None

    def __init__(self, parent: Call, rooms: Rooms) -> None:
        self._parent = parent
        self.rooms = rooms
        self.body = b""
        self.finished = False

    @property
    def bytes_written(self) -> int:
        return len(self.body)

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        del status, lines
        self.body, self.finished = body, True

    def begin(self, status: int, lines: bytes) -> None:
        """See `ResponsePort`. The head is the parent's."""
        del status, lines
        begin_events(self._parent, self.rooms)

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        self._parent.response.write(data)


def _check_complete(result: bytes) -> None:
    """Raise `RpcError` for a result that asks for input: whoever could give it was asked already."""
    if result.find(INPUT_REQUIRED) < 0:
        return
    members = read_object(Raw(result)) or {}
    if read_text(members.get("resultType")) == INPUT_REQUIRED.decode():
        raise RpcError(Code.MISSING_CAPABILITY, "the server wants input, which the caller cannot be asked for here")
