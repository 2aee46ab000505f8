"""Tools in requests to models: what the caller may use is offered behind its own tools.

A stage like others, made for calls of keys that have tools. The request goes on in canonical form, so all dialects are
alike. What the model calls goes back to the caller as it came; `agent_loop` is where it does not.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

import msgspec

from asbru.core.notes import Note
from asbru.mcp.protocol import Message as RpcMessage
from asbru.mcp.protocol.dialect import SURFACE
from asbru.pipeline.stages import Stage
from asbru.pipeline.tools.asked import Asked
from asbru.pipeline.tools.client_names import known_again
from asbru.pipeline.tools.tool_call import NARROWED

if TYPE_CHECKING:
    from collections.abc import Callable

    from asbru.core.chat import ChatRequest
    from asbru.core.reply import ChatReply, StreamEvent
    from asbru.governance import Caller
    from asbru.mcp.access import Access
    from asbru.pipeline.call import Call
    from asbru.pipeline.tools.offers import OfferedTool
    from asbru.pipeline.tools.toolbox import Toolbox

OPERATIONS: Final = frozenset({"chat", "count_tokens"})
"""What tools are offered in: a count is one of what would be sent."""
APPROVE: Final = "x-asbru-mcp-approve"
"""The header by which a caller approves of calls that a model has made: their ids."""
_NO_ADDRESS: Final = Asked(RpcMessage(), {})


class Offering:
    """The maker. `clock` counts seconds. `watched`: headers that it reads."""

    watched = frozenset({APPROVE.encode()})

    def __init__(self, tools: Toolbox, clock: Callable[[], float]) -> None:
        self._tools = tools
        self._clock = clock

    def __call__(self, call: Call) -> OfferStage | None:
        """See `StageMaker`."""
        operation, caller = call.operation, call.caller
        if caller is None or operation.name not in OPERATIONS or not may_be_offered(caller):
            return None
        if operation.codec is None and operation.read_request is None:
            return None
        access = self._tools.access(caller, _NO_ADDRESS._replace(narrowed=call.watched.get(NARROWED)))
        if access.empty or not self._tools.offers.of(access).tools:
            return None
        return OfferStage(call, self._tools, access, self._clock())


class OfferStage(Stage):
    """The stage of a call. `offered`: what was offered in it, by the names that the model knows."""

    def __init__(self, call: Call, tools: Toolbox, access: Access, now_s: float) -> None:
        self.offered: dict[str, OfferedTool] = {}
        self._call = call
        self._tools = tools
        self._access = access
        self._now_s = now_s

    async def request(self, request: ChatRequest) -> ChatRequest:
        """See `Stage`. A later turn of the agent loop has its tools already."""
        if self._call.agent is not None:
            return request
        begun = any(message.role == "assistant" for message in request.messages)
        offer = self._tools.offers.keep(self._access, self._conversation(request), begun=begun, now_s=self._now_s)
        own = request.tools or ()
        had = known_again(own, offer.folded) if own else ()
        found = [one for one in offer.tools.values() if one.folded not in had]
        room = max(0, self._tools.settings.offer_tools_max - len(own))
        if len(found) > room:
            note = Note("dropped", "mcp.tools", f"{len(found) - room} of {len(found)} tools: too many in one request")
            self._call.notes += (note,)
            del found[room:]
        self.offered = {one.tool.name: one for one in found}
        self._call.offered = frozenset(self.offered)
        self._call.added_bytes = sum(one.size for one in found)
        if not found:
            return request
        request = msgspec.structs.replace(request, tools=(*own, *(one.tool for one in found)))
        self._begin_loop(request)
        return request

    async def reply(self, reply: ChatReply) -> ChatReply:
        """See `Stage`."""
        return reply if self._call.agent is None else self._call.agent.take(reply)

    def events(self, events: list[StreamEvent]) -> list[StreamEvent]:
        """See `Stage`."""
        return events if self._call.agent is None else self._call.agent.pass_events(events)

    def _begin_loop(self, request: ChatRequest) -> None:
        """Where Asbru may call some of the tools, it does."""
        call, tools = self._call, self._tools
        caller = call.caller
        assert caller is not None, "the maker has looked"
        ids = frozenset(one.strip() for one in call.watched.get(APPROVE, "").split(",")) - {""}
        if not (caller.auto_approve or ids) or call.operation.name != "chat" or (request.choices or 1) > 1:
            return
        approved = {name: one for name, one in self.offered.items() if tools.approves(caller, one.server, one.name)}
        if approved or ids:
            from asbru.pipeline.tools.agent_loop import AgentLoop

            call.agent = AgentLoop(
                call,
                request,
                approved,
                offered=self.offered,
                approved=ids,
                turns_max=tools.settings.agent_turns_max,
            )
            self.replies = "changed"

    def _conversation(self, request: ChatRequest) -> bytes:
        """What the requests of a conversation have in common: who asks, what for, and the first words of its user."""
        caller = self._call.caller
        assert caller is not None, "the maker has looked"
        first = next((message.parts for message in request.messages if message.role == "user"), ())
        beside = (caller.identity, self._call.watched.get(NARROWED), request.dialect)
        return sha256(msgspec.msgpack.encode((beside, first))).digest()


def may_be_offered(caller: Caller) -> bool:
    """Whether any tool is offered to a caller."""
    entry = caller.entry
    return bool(caller.mcp) and entry.offer_tools and ("*" in entry.surfaces or SURFACE in entry.surfaces)
