"""Code mode on the path: the tools that stand for those of servers in code mode, and the scripts that call these.

    executeToolCode -> script -> a call of a tool: a nested call, for which access is asked again
                              -> approval is needed:
                                     the client can be asked     it is, and the script goes on with what it says
                                     it cannot                   the result names the call and the list

A script runs in a process of the sandbox, and its steps in a task; both end with the call. While it waits for a person
it holds no process: its state is kept, by this call where the client has a session, and sealed by the client itself in
the stateless era, so that any worker can go on. Not here: what scripts may do (`mcp.code`).
"""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Raw

from asbru.core.future import Future
from asbru.mcp.catalogue.merged import visible
from asbru.mcp.code import META_TOOLS, Answer, Library, Sandbox, Script, ScriptLimits, answer, ran
from asbru.mcp.protocol import Code, RpcError, write_result
from asbru.mcp.protocol.dialect import head_of
from asbru.mcp.protocol.messages import read_text, with_members
from asbru.pipeline.deliver import with_identity
from asbru.pipeline.tools.approvals import ask_live, can_ask, read_approval, refusal_of, write_question
from asbru.pipeline.tools.awaited import Cancelled, cancel_token
from asbru.pipeline.tools.nested import NestedTools
from asbru.pipeline.tools.relay import COMPLETE, write_as_event
from asbru.pipeline.tools.seen import begin_stages, seen_params, seen_result
from asbru.pipeline.tools.tool_call import TOOLS_CALL, unknown
from asbru.wire.http_heads import JSON_LINE

if TYPE_CHECKING:
    import asyncio

    from asbru.mcp.access import Access
    from asbru.mcp.catalogue.merged import Address
    from asbru.mcp.servers.code_settings import CodeModeSettings
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.asked import Asked
    from asbru.pipeline.tools.toolbox import Toolbox

T = TypeVar("T")

LIBRARIES_MAX: Final = 256
_LATER_S: Final = 1.0
"""A script's own clock for a call runs out so much after the call's, which says more."""
_NAMES: Final = frozenset(tool.name for tool in META_TOOLS)


class CodeMode:
    """The servers in code mode of a worker, as scripts see them. `before`: what a former snapshot had."""

    stand_ins = tuple((tool.name, tool.definition) for tool in META_TOOLS)

    def __init__(
        self, tools: Toolbox, servers: frozenset[str], settings: CodeModeSettings, before: CodeMode | None
    ) -> None:
        self.settings = settings
        self.sandbox = Sandbox(processes_max=settings.processes) if before is None else before.sandbox
        self._tools = tools
        self._servers = servers
        self._version = -1
        self._libraries: dict[tuple[Access, Address], Library] = {}
        limits = msgspec.convert(settings, ScriptLimits, from_attributes=True)
        self.limits = msgspec.structs.replace(limits, call_s=settings.call_s + _LATER_S)

    def takes(self, asked: Asked) -> bool:
        """Whether what is called is one of the tools that stand for others, where they do."""
        if asked.message.method != TOOLS_CALL:
            return False
        here = not asked.address.server or asked.address.server in self._servers
        return here and read_text(asked.params.get("name")) in _NAMES

    def library(self, access: Access, address: Address) -> Library:
        """What a caller may use, as files."""
        if self._version != self._tools.catalogue.version or len(self._libraries) >= LIBRARIES_MAX:
            self._libraries.clear()
            self._version = self._tools.catalogue.version
        found = self._libraries.get((access, address))
        if found is None:
            granted = {
                known.entry.name: listed
                for known in self._tools.merged.seen(access, address)
                if known.entry.name in self._servers and (listed := tuple(visible(known, "tools", access)))
            }
            found = self._libraries[access, address] = Library(granted, self.settings.files)
        return found


async def code_call(call: Call, rooms: Rooms, asked: Asked, access: Access, *, code: CodeMode) -> None:
    """The middle of a call to one of the tools that stand for others. Raises `RpcError` where they stand for none."""
    name = read_text(asked.params.get("name")) or ""
    library = code.library(access, asked.address)
    if not library.servers:
        raise unknown(asked, name)
    call.head = head_of(name)
    if rooms.stages:
        await begin_stages(call, rooms)
        asked = asked._replace(params=await seen_params(call, rooms, asked.params))
    arguments = _arguments(asked)
    nested = NestedTools(call, rooms, asked, deadline_s=code.settings.call_s)

    def script() -> Script:
        return Script(code.sandbox, library, _FromTask(nested, rooms.loop), code.limits)

    try:
        resumed = read_approval(call, rooms, asked, code.settings.approval_s)
        if resumed is None:
            work = answer(name, arguments, library, script())
        else:
            work = ran(script().resume(resumed.state, approved=resumed.approved), library)
        turn = 0
        while True:
            found = await _in_task(work, call, rooms, asked)
            if found.suspended is None:
                break
            if not can_ask(asked):
                found = refusal_of(found)
                break
            if asked.stateless:
                _deliver(call, asked, write_question(found.suspended, call, rooms, asked))
                return
            approved = await ask_live(found.suspended, call, rooms, asked, wait_s=code.settings.approval_s, turn=turn)
            work = ran(script().resume(found.suspended.state, approved=approved), library)
            turn += 1
    finally:
        nested.close()
    _deliver(call, asked, await seen_result(call, rooms, _write(found)))


def _arguments(asked: Asked) -> dict[str, Any]:
    raw = asked.params.get("arguments")
    if raw is None:
        return {}
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError):
        raise RpcError(Code.INVALID_PARAMS, "expected `params.arguments` to be an object") from None


def _write(found: Answer) -> bytes:
    told: dict[str, Any] = {"content": [{"type": "text", "text": found.text}], "isError": found.is_error}
    return msgspec.json.encode(told)


def _deliver(call: Call, asked: Asked, result: bytes) -> None:
    if not asked.bare:
        if asked.stateless:
            result = with_members(Raw(result), COMPLETE)
        result = write_result(asked.message.request_id, result)
    call.status, call.outcome = 200, "ok"
    if call.response.started:
        call.response.write(write_as_event(result))
        call.response.end()
    else:
        call.response.whole(200, with_identity(call, JSON_LINE), result)


async def _in_task(work: Coroutine[Any, Any, T], call: Call, rooms: Rooms, asked: Asked) -> T:
    """What `work` comes to, which needs a task, and ends with the call: also where the caller takes it back."""
    tools, caller = rooms.tools, call.caller
    assert tools is not None and caller is not None, "the middle has looked"
    wait: Future[T] = Future()
    token = ""
    if asked.session and asked.message.request_id is not None:
        token = cancel_token(caller.identity, asked.session, asked.message.request_id)
        tools.awaited.expect(token).waiter = partial(wait.fail, Cancelled())
    task = rooms.loop.create_task(work)
    task.add_done_callback(partial(_settle, wait))
    try:
        return await wait
    finally:
        task.cancel()
        tools.awaited.forget(token)


def _settle(wait: Future[Any], task: asyncio.Task[Any]) -> None:
    if task.cancelled():
        wait.fail(Cancelled())
        return
    error = task.exception()
    if error is None:
        wait.resolve(task.result())
    else:
        wait.fail(error)


class _FromTask:
    """Nested calls for a script, which runs in a task."""

    def __init__(self, nested: NestedTools, loop: asyncio.AbstractEventLoop) -> None:
        self._nested = nested
        self._loop = loop

    async def call(self, server: str, tool: str, arguments: bytes, *, approved: bool) -> bytes:
        """See `mcp.code.script.ToolCaller`."""
        under_way = self._nested.begin(server, tool, arguments, approved=approved)
        result = under_way.result
        try:
            if not result.done:
                came: asyncio.Future[None] = self._loop.create_future()
                result.waiter = partial(_wake, came)
                await came
            if result.failure is not None:
                raise result.failure
            return await result
        finally:
            result.waiter = None
            under_way.close()


def _wake(came: asyncio.Future[None]) -> None:
    if not came.done():
        came.set_result(None)
