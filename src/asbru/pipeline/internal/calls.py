"""Calls of the gateway itself: vectors of texts, a word of a model. Made during another call, and for its caller.

They count against the limits of that caller, and have a record of their own with the surface `internal`. They are
neither guarded nor served from the cache, so they lead to no others. The operator chose the model: what the caller's
key may use does not matter. A place in the load is not asked for, since the call that waits for them has one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from asbru.core.errors import AsbruError, UpstreamError
from asbru.pipeline.account import account
from asbru.pipeline.attempts import attempt
from asbru.pipeline.call import Call

if TYPE_CHECKING:
    from asbru.core.ports import ResponsePort
    from asbru.dialects import Dialect
    from asbru.pipeline.rooms import Rooms

SURFACE: Final = "internal"
"""In records and metrics."""


class _Vector(msgspec.Struct, frozen=True):
    embedding: list[float]
    index: int = 0


class _Vectors(msgspec.Struct, frozen=True):
    data: list[_Vector]


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message


class _Reply(msgspec.Struct, frozen=True):
    choices: list[_Choice]


_read_vectors: Final = msgspec.json.Decoder(_Vectors).decode
_read_reply: Final = msgspec.json.Decoder(_Reply).decode


class _Nobody:
    """The response of a call whose result is taken where it is made."""

    started = finished = closing = False
    bytes_written = 0
    flow = None
    peer = ""
    remembered = None


class InternalCalls:
    """See the module. `dialect`: the one that these calls are written in, OpenAI's."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    async def embed(self, outer: Call, rooms: Rooms, model: str, texts: Sequence[str]) -> list[list[float]]:
        """A vector for each text. Raises `AsbruError`; awaits nothing but Futures."""
        body = await self._ask(outer, rooms, "embeddings", {"model": model, "input": list(texts)})
        try:
            vectors = sorted(_read_vectors(body).data, key=lambda one: one.index)
        except msgspec.MsgspecError as error:
            raise _unreadable("vectors") from error
        if len(vectors) != len(texts):
            raise _unreadable("vectors")
        return [one.embedding for one in vectors]

    async def ask(self, outer: Call, rooms: Rooms, model: str, messages: Sequence[dict[str, str]]) -> str:
        """What a model replies to messages of roles and contents. Raises `AsbruError`; awaits nothing but Futures."""
        body = await self._ask(outer, rooms, "chat", {"model": model, "messages": list(messages)})
        try:
            return _read_reply(body).choices[0].message.content or ""
        except (msgspec.MsgspecError, IndexError) as error:
            raise _unreadable("a reply") from error

    async def _ask(self, outer: Call, rooms: Rooms, name: str, members: dict[str, Any]) -> bytes:
        operation = self._dialect.operation(name)
        assert operation is not None, f"{self._dialect.name} has {name}"
        call = Call(SURFACE, operation, self._dialect, msgspec.json.encode(members), cast("ResponsePort", _Nobody()))
        call.started_ms = now_ms = int(rooms.unix_time() * 1000)
        call.started_s = rooms.clock()
        call.id = rooms.ids.next(now_ms)
        call.caller, call.run = outer.caller, outer.run
        try:
            return await self._perform(call, rooms)
        except AsbruError as error:
            call.error = error
            call.status, call.outcome = error.status, "error"
            raise
        except Exception:
            call.fail()
            raise
        finally:
            account(call, rooms)

    async def _perform(self, call: Call, rooms: Rooms) -> bytes:
        if rooms.leases is not None:
            call.lease = await rooms.leases.admit(call)
        head = call.head = call.operation.read_head(call.body, {}, b"")
        assert call.caller is not None
        targets = rooms.plan.targets(head.model, self._dialect.surface.home, call.caller)
        if call.lease is not None:
            await call.lease.hold(call, targets)
        response = await attempt(call, targets, rooms)
        call.status, call.outcome = response.status, "ok"
        return response.body


def _unreadable(what: str) -> UpstreamError:
    return UpstreamError(
        f"the provider returned no {what} that Asbru can read", kind="protocol", code="upstream_protocol"
    )
