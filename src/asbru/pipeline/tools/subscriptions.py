"""Subscriptions of callers to resources, in a worker: requests for them, and the streams on which updates are told.

Both come to any worker, so the tools process keeps who is subscribed to what (`app.tools.subscribers`). A worker knows
what its own streams are subscribed to, and tells that again where the tools process has started anew. Not here: which
server has a resource, and who may read it (`tool_call`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from asbru.core.errors import GatewayError
from asbru.mcp.protocol import Code, RpcError, write_result
from asbru.mcp.protocol.dialect import UNSUBSCRIBE
from asbru.mcp.protocol.messages import read_object
from asbru.mcp.servers.subscriptions import (
    LISTENING_SUBJECT,
    SUBSCRIBE_SUBJECT,
    ListeningAsked,
    SubscribeAsked,
    Subscribed,
    SubscribeGiven,
    Subscription,
    Updated,
)
from asbru.pipeline.call import Attempt
from asbru.pipeline.deliver import with_identity
from asbru.pipeline.endpoint import NO_KEY
from asbru.wire.http_heads import JSON_LINE

if TYPE_CHECKING:
    from asbru.core.future import Future
    from asbru.mcp.catalogue import ServerEntry
    from asbru.mcp.servers.subscriptions import Life
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.pipeline.tools.asked import Asked, Chosen
    from asbru.pipeline.tools.toolbox import Ready

Ask = Callable[[str, bytes], "Future[bytes | None]"]
OnUpdated = Callable[[Updated], None]


class _Stream:
    __slots__ = ("listener", "number", "on_updated", "subscriptions")

    def __init__(
        self, number: int, listener: str, on_updated: OnUpdated, subscriptions: tuple[Subscription, ...]
    ) -> None:
        self.number = number
        self.listener = listener
        self.on_updated = on_updated
        self.subscriptions = subscriptions


class Subscriptions:
    """See the module. `worker`: by which the tools process knows this worker; `ask(subject, payload)` reaches that
    process, or comes to None."""

    def __init__(self, worker: str, ask: Ask) -> None:
        self._worker = worker
        self._ask = ask
        self._number = 0
        self._streams: dict[str, _Stream] = {}
        """The newest of each listener: it is told on one stream, not on all."""

    async def change(self, listener: str, subscription: Subscription, *, ends: bool) -> None:
        """Subscribe, or unsubscribe. Raises `GatewayError` where the tools process is away, and `RpcError`."""
        asked = SubscribeAsked(listener, subscription, ends)
        payload = await self._ask(SUBSCRIBE_SUBJECT, msgspec.msgpack.encode(asked))
        if payload is None:
            raise GatewayError(
                "subscriptions are not available now", status=503, code="mcp_server_unavailable", retry_after_s=5
            )
        given = msgspec.msgpack.decode(payload, type=SubscribeGiven)
        if given.error:
            raise RpcError(Code.INTERNAL_ERROR, given.error, status=given.status)

    def listen(
        self,
        listener: str,
        on_updated: OnUpdated,
        subscriptions: tuple[Subscription, ...] = (),
        *,
        returns: bool,
    ) -> Callable[[], None]:
        """Tell a listener of updates on a stream; returns what ends that. `returns`: it may open another one later."""
        self._number += 1
        stream = _Stream(self._number, listener, on_updated, subscriptions)
        self._streams[listener] = stream
        self._tell(stream, "open")
        return partial(self._end, stream, "closed" if returns else "over")

    def tell_again(self, _: bytes = b"") -> None:
        """The tools process has started anew."""
        for stream in tuple(self._streams.values()):
            self._tell(stream, "open")

    def on_subscribed(self, payload: bytes) -> None:
        """What a listener is subscribed to, wherever it listens."""
        told = msgspec.msgpack.decode(payload, type=Subscribed)
        stream = self._streams.get(told.listener)
        if stream is not None:
            stream.subscriptions = told.subscriptions

    def on_updated(self, payload: bytes) -> None:
        """A resource has changed."""
        told = msgspec.msgpack.decode(payload, type=Updated)
        for stream in tuple(self._streams.values()):
            if any(one.concerns(told.server, told.user, told.uri) for one in stream.subscriptions):
                stream.on_updated(told)

    def _tell(self, stream: _Stream, life: Life) -> None:
        asked = ListeningAsked(stream.listener, self._worker, stream.number, life, stream.subscriptions)
        answer = self._ask(LISTENING_SUBJECT, msgspec.msgpack.encode(asked))
        if life == "open":
            answer.waiter = partial(self._take, answer)

    def _take(self, answer: Future[bytes | None]) -> None:
        payload = answer.value
        if payload is not None:
            self.on_subscribed(payload)

    def _end(self, stream: _Stream, life: Life) -> None:
        if self._streams.get(stream.listener) is stream:
            del self._streams[stream.listener]
        self._tell(stream, life)


async def subscribe_call(call: Call, rooms: Rooms, asked: Asked, chosen: Chosen, *, ready: Ready) -> None:
    """The middle of a call by which a caller with a session subscribes, or unsubscribes. Raises `AsbruError`."""
    tools, caller = rooms.tools, call.caller
    assert tools is not None and caller is not None, "the middle has looked"
    if not asked.session:
        raise RpcError(Code.INVALID_REQUEST, "subscribing needs a session; begin one by initialize")
    if tools.subscriptions is None or not tells_updates(ready.known.entry):
        raise RpcError(Code.METHOD_NOT_FOUND, f"the MCP server '{chosen.server}' does not tell of updates")
    user = caller.identity if ready.server.per_user else ""
    ends = asked.message.method == UNSUBSCRIBE
    assert call.target is not None, "the middle has chosen"
    made = Attempt(call.target, NO_KEY, ready.endpoint, rooms.clock())
    call.attempts += (made,)
    await tools.subscriptions.change(asked.session, Subscription(chosen.server, user, chosen.name), ends=ends)
    made.outcome, made.took_s = "ok", rooms.clock() - made.started_s
    call.outcome, call.status = "ok", 200
    call.response.whole(200, with_identity(call, JSON_LINE), write_result(asked.message.request_id, b"{}"))


def tells_updates(entry: ServerEntry) -> bool:
    """Whether a server says that its resources can be subscribed to."""
    if not entry.capabilities:
        return False
    told = read_object(msgspec.Raw(entry.capabilities)) or {}
    return bytes((read_object(told.get("resources")) or {}).get("subscribe", b"")) == b"true"
