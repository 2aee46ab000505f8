"""Runs a script: steps it from call to call, and asks for each whether it may be made.

    source ok -> session -> step -> a call of a tool -> granted? -> approved? -> made -> step ...
                              |                            |           '-> Suspended: state, and the call that waits
                              |                            '-> AttributeError in the script: it has no such name
                              '-> end: what was printed, and the value of `result`

A server is an object of the host, known by an id; what is called on it comes to the host by name, however the script
came by it: another name, `getattr`, a list. So authority is asked at the call, and nothing is read from the source.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast
from uuid import NAMESPACE_URL, UUID, uuid5

import msgspec

from asbru.core.errors import AsbruError
from asbru.mcp.access import NeedsApproval
from asbru.mcp.code.library import Library
from asbru.mcp.code.limits import Kind, ScriptError, ScriptLimits
from asbru.mcp.code.sandbox import Sandbox
from asbru.mcp.code.source import Source
from asbru.mcp.code.stubs import ToolStub
from asbru.mcp.code.values import ToolFailed, arguments_of, result_of

if TYPE_CHECKING:
    from pydantic_monty import AsyncMontySession

RESULT: Final = "result"


class ToolCaller(Protocol):
    """Who makes the calls: the path of a tool call, for the caller of the script."""

    async def call(self, server: str, tool: str, arguments: bytes, *, approved: bool) -> bytes:
        """The result (JSON, a CallToolResult). Asks whether the caller may, each time. Raises NeedsApproval unless it
        is `approved`, and AsbruError for what is refused or fails."""
        ...


class PendingCall(msgspec.Struct, frozen=True):
    """A call that waits for approval; `arguments`: JSON."""

    server: str
    tool: str
    arguments: bytes


class Done(msgspec.Struct, frozen=True):
    """A script that ended by itself. `result`: JSON, None where the script set none; `calls`: of tools."""

    printed: str
    result: bytes | None
    calls: int


class Suspended(msgspec.Struct, frozen=True):
    """A script that waits. `state` is to be kept sealed: whoever can change it can make the interpreter do anything."""

    pending: PendingCall
    state: bytes
    printed: str
    calls: int


class _State(msgspec.Struct, frozen=True, array_like=True):
    snapshot: bytes
    code: str
    printed: str
    calls: int
    settled: dict[int, bytes]


class _Object:
    """What stands for a server in scripts. It has nothing."""


class Script:
    """One run of a script. `library`: what the caller may use, now."""

    def __init__(
        self, sandbox: Sandbox, library: Library, tools: ToolCaller, limits: ScriptLimits | None = None
    ) -> None:
        self._sandbox = sandbox
        self._library = library
        self._tools = tools
        self._limits = limits or ScriptLimits()
        self._servers = {_id_of(name): name for name in library.servers}
        self._printed: list[str] = []
        self._printed_bytes = 0
        self._calls = 0
        self._source = Source("")
        self._running: dict[int, asyncio.Task[dict[str, Any]]] = {}
        self._settled: dict[int, dict[str, Any]] = {}

    async def run(self, code: str) -> Done | Suspended:
        """Run from the start. Raises ScriptError."""
        if len(code) > self._limits.code_bytes_max:
            raise ScriptError("size", f"the script is longer than {self._limits.code_bytes_max} characters")
        self._source = Source(code)
        return await self._within(partial(self._start, code=code))

    async def resume(self, state: bytes, *, approved: bool) -> Done | Suspended:
        """Go on where it was suspended: make the call that waited, or refuse it in the script. Raises ScriptError."""
        known = msgspec.msgpack.decode(state, type=_State)
        self._source = Source(known.code)
        self._printed, self._printed_bytes = [known.printed], len(known.printed)
        self._calls = known.calls
        self._settled = {call: msgspec.msgpack.decode(result) for call, result in known.settled.items()}
        return await self._within(partial(self._restore, snapshot=known.snapshot, approved=approved))

    async def _within(self, begin: Any) -> Done | Suspended:
        from pydantic_monty import MontyCrashedError, MontyError

        deadline = asyncio.timeout(self._limits.total_s)
        try:
            async with deadline, await self._sandbox.session(self._limits) as session:
                return await self._steps(session, await begin(session))
        except TimeoutError:
            if not deadline.expired():
                raise ScriptError("busy", "as many scripts as may run at a time are running; try again") from None
            raise ScriptError(
                "time", f"the script and its calls took longer than {self._limits.total_s:g} s"
            ) from None
        except MontyCrashedError as error:
            raise ScriptError("crash", f"the interpreter ended: {error}") from None
        except MontyError as error:
            raise _error_of(error, self._limits) from None
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            self._running.clear()

    def _start(self, session: AsyncMontySession, code: str) -> Any:
        from pydantic_monty import ClassInstance

        inputs = {name: ClassInstance(_Object(), id=one) for one, name in self._servers.items()}
        return session.feed_start(code, inputs=inputs, print_callback=self._print)

    async def _restore(self, session: AsyncMontySession, snapshot: bytes, *, approved: bool) -> Any:
        from pydantic_monty import AsyncFunctionSnapshot

        step = await session.load_snapshot(snapshot, print_callback=self._print)
        if not isinstance(step, AsyncFunctionSnapshot):
            raise ScriptError("crash", "the state of the script cannot be read")
        if not approved:
            return await step.resume({"exception": PermissionError("the call was not approved")})
        return await self._answer(step, approved=True)

    async def _steps(self, session: AsyncMontySession, step: Any) -> Done | Suspended:
        from pydantic_monty import AsyncFunctionSnapshot, AsyncFutureSnapshot, AsyncNameLookupSnapshot

        while True:
            if isinstance(step, AsyncFunctionSnapshot):
                answered = await self._answer(step)
                if isinstance(answered, Suspended):
                    return answered
                step = answered
            elif isinstance(step, AsyncNameLookupSnapshot):
                step = await self._look_up(step)
            elif isinstance(step, AsyncFutureSnapshot):
                step = await step.resume(cast("Any", await self._settle(step.pending_call_ids)))
            else:
                return await self._end(session)

    async def _end(self, session: AsyncMontySession) -> Done:
        """Ask for the value of `result`; where there is none, its name comes to us."""
        from pydantic_monty import AsyncNameLookupSnapshot

        step: Any = await session.feed_start(RESULT)
        result: bytes | None = None
        if not isinstance(step, AsyncNameLookupSnapshot):
            try:
                result = msgspec.json.encode(step.output, enc_hook=str)
            except (TypeError, ValueError, RecursionError) as error:
                raise ScriptError("runtime", f"`result` cannot be written as JSON: {error}") from None
            if len(result) > self._limits.result_bytes_max:
                raise ScriptError(
                    "output",
                    f"`result` has {len(result)} bytes, more than {self._limits.result_bytes_max}; return a part",
                )
        return Done("".join(self._printed), result, self._calls)

    async def _answer(self, step: Any, *, approved: bool = False) -> Any:
        """Make the call that a step waits for; the next step, or Suspended."""
        if step.is_os_function:
            return await step.resume_not_handled()
        stub = self._stub_of(step)
        if isinstance(stub, str):
            return await step.resume({"exception": NameError(stub)})
        try:
            arguments = arguments_of(stub, step.args, step.kwargs)
        except TypeError as error:
            return await step.resume({"exception": error})
        if self._calls >= self._limits.calls_max and not approved:
            raise ScriptError(
                "calls", f"the script makes more than {self._limits.calls_max} calls", _line(step, self._source)
            )
        self._calls += not approved
        call = self._call(stub, arguments, approved=approved)
        try:
            if step.position.start in self._source.awaited and not approved:
                return await self._in_future(step, call)
            answer = await call
        except NeedsApproval:
            return await self._suspend(step, PendingCall(stub.server, stub.tool, arguments))
        if step.position.start in self._source.awaited:
            self._settled[step.call_id] = answer
            return await step.resume({"future": ...})
        return await step.resume(answer)

    async def _in_future(self, step: Any, call: Any) -> Any:
        """Let the script go on while the call is made. It is suspended here already if it needs approval."""
        task: asyncio.Task[dict[str, Any]] = asyncio.ensure_future(call)
        await asyncio.sleep(0)  # so that what is refused at once is known
        if task.done():
            self._settled[step.call_id] = task.result()
            return await step.resume({"future": ...})
        self._running[step.call_id] = task
        if len(self._running) >= self._limits.parallel_max:
            await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
        return await step.resume({"future": ...})

    async def _settle(self, pending: list[int]) -> dict[int, dict[str, Any]]:
        """The results of calls that the script waits for, as soon as there is one."""
        waiting = [self._running[call] for call in pending if call in self._running]
        if waiting and not any(call in self._settled for call in pending):
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for call in [call for call, task in self._running.items() if task.done()]:
            self._settled[call] = self._running.pop(call).result()
        return {call: self._settled.pop(call) for call in pending if call in self._settled}

    async def _call(self, stub: ToolStub, arguments: bytes, *, approved: bool) -> dict[str, Any]:
        try:
            async with asyncio.timeout(self._limits.call_s):
                result = await self._tools.call(stub.server, stub.tool, arguments, approved=approved)
            return {"return_value": result_of(result)}
        except TimeoutError:
            return {
                "exception": TimeoutError(f"{stub.server}/{stub.tool} took longer than {self._limits.call_s:g} s")
            }
        except AsbruError as error:
            return {"exception": RuntimeError(str(error))}
        except (ToolFailed, ValueError) as error:
            return {"exception": RuntimeError(f"{stub.server}/{stub.tool}: {error}")}

    async def _suspend(self, step: Any, pending: PendingCall) -> Suspended:
        """Wait for the calls that run, then write all down."""
        for call, task in list(self._running.items()):
            self._settled[call] = await task
            del self._running[call]
        settled = {call: msgspec.msgpack.encode(_kept(answer)) for call, answer in self._settled.items()}
        printed = "".join(self._printed)
        state = _State(step.dump(), self._source.code, printed, self._calls, settled)
        return Suspended(pending, msgspec.msgpack.encode(state), printed, self._calls)

    def _stub_of(self, step: Any) -> ToolStub | str:
        """The tool that a call means; a text that says why there is none."""
        if step.object_id is None:
            server, _, tool = str(step.function_name).rpartition(".")
        else:
            server, tool = self._servers.get(step.object_id, ""), str(step.function_name)
        if server not in self._library.servers:
            return f"name {step.function_name!r} is not defined{self._hint()}"
        return self._library.find(server, tool) or f"{server} has no tool {tool!r}{self._hint(server)}"

    async def _look_up(self, step: Any) -> Any:
        """A name that the script reads: a tool of a server, as a function; everything else is not there."""
        if step.object_id is None:
            return await step.resume()
        server = self._servers.get(step.object_id, "")
        if self._library.find(server, step.variable_name) is None:
            return await step.resume()

        def tool() -> None: ...

        tool.__name__ = f"{server}.{step.variable_name}"
        return await step.resume(value=tool)

    def _hint(self, server: str = "") -> str:
        names = list(self._library.servers[server].tools if server else self._library.servers)
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        return f"; there are {shown}" if names else ""

    def _print(self, stream: str, text: str) -> None:
        del stream
        self._printed_bytes += len(text)
        if self._printed_bytes > self._limits.printed_bytes_max:
            raise OverflowError(_TOO_MUCH_PRINTED)
        self._printed.append(text)


_TOO_MUCH_PRINTED: Final = "the script prints too much"


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer as it can be written down."""
    error = answer.get("exception")
    return answer if error is None else {"exception": str(error)}


def _id_of(server: str) -> UUID:
    """The id of a server's object: the same in each process, so that a script can go on in another."""
    return uuid5(NAMESPACE_URL, f"asbru:mcp:{server}")


def _line(step: Any, source: Source) -> int:
    return source.code.encode()[: step.position.start].count(b"\n") + 1


def _error_of(error: Any, limits: ScriptLimits) -> ScriptError:
    """The error that ended a script, in our words where it is a limit."""
    from pydantic_monty import MontyRuntimeError

    if not isinstance(error, MontyRuntimeError):
        return ScriptError("syntax", str(error))
    frames = error.traceback()
    line = frames[-1].line if frames else 0
    text = error.display("type-msg")
    kind: Kind = "runtime"
    cause = error.exception()
    if isinstance(cause, TimeoutError) and "time limit exceeded" in text:
        kind, text = "time", f"it ran longer than {limits.time_s:g} s"
    elif isinstance(cause, MemoryError):
        kind, text = "memory", f"it needs more than {limits.memory_bytes >> 20} MiB"
    elif isinstance(cause, RecursionError):
        kind, text = "recursion", f"its functions call each other more than {limits.depth_max} deep"
    elif "suspension limit" in text:
        kind, text = "calls", "it makes too many calls"
    elif _TOO_MUCH_PRINTED in text:
        kind, text = (
            "output",
            f"it prints more than {limits.printed_bytes_max} characters; print less, or set `result`",
        )
    return ScriptError(kind, text, line)
