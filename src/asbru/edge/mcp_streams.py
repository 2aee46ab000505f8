"""Streams that stay open for as long as a caller likes, to tell it that lists have changed, and resources that it is
subscribed to.

    sessions     GET: notifications as they come, and what servers that are `per_user` ask and log outside of calls
    stateless    subscriptions/listen: first an acknowledgement, then the notifications that were asked for, each with
                 the id of the request

They are no calls: nothing is held for them, they are closed first when the worker drains, and a comment now and then
keeps proxies from closing them. What changed is told only to who may see it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec
from msgspec import Raw

from asbru.core.errors import Overloaded
from asbru.mcp.protocol.messages import read_object, write_notification
from asbru.pipeline.tools import take_questions
from asbru.wire.sse import write_event

if TYPE_CHECKING:
    from asbru.edge.server import ServerConnection
    from asbru.governance import Caller
    from asbru.mcp.access import Access
    from asbru.mcp.catalogue import ListKind
    from asbru.mcp.servers.subscriptions import Listening, Subscription, Updated
    from asbru.pipeline import Rooms
    from asbru.pipeline.tools import Asked

STREAMS_MAX: Final = 10_000
KEEP_ALIVE_S: Final = 20.0
_LINES: Final = (
    b"content-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n"
)
UPDATED: Final = "notifications/resources/updated"
_COMMENT: Final = b": keep-alive\n\n"
_SUBSCRIPTION: Final = "io.modelcontextprotocol/subscriptionId"


class Streams:
    """The streams of one worker."""

    def __init__(self) -> None:
        self.count = 0

    def open(
        self,
        connection: ServerConnection,
        rooms: Rooms,
        asked: Asked,
        access: Access,
        *,
        wanted: Listening,
        caller: Caller,
    ) -> None:
        """A stream for a caller with a session, or the one that a request of the stateless era asks for."""
        if not asked.stateless:
            stream = _Told(wanted.words, None, asked.session)
            self._begin(connection, rooms, asked, access, stream=stream, first=_COMMENT, caller=caller)
            return
        meta = Raw(msgspec.json.encode({_SUBSCRIPTION: Raw(asked.message.request_id or b"null")}))
        honoured: dict[str, object] = {f"{word}ListChanged": True for word in wanted.words.values()}
        listener = ""
        if wanted.subscriptions and rooms.tools is not None and rooms.tools.subscriptions is not None:
            listener = os.urandom(16).hex()
            honoured["resourceSubscriptions"] = [one.uri for one in wanted.subscriptions]
        members = {"notifications": Raw(msgspec.json.encode(honoured)), "_meta": meta}
        told = write_notification("notifications/subscriptions/acknowledged", members)
        stream = _Told(wanted.words, meta, listener, wanted.subscriptions)
        first = write_event(told, "message")
        self._begin(connection, rooms, asked, access, stream=stream, first=first, caller=caller)

    def _begin(
        self,
        connection: ServerConnection,
        rooms: Rooms,
        asked: Asked,
        access: Access,
        *,
        stream: _Told,
        first: bytes,
        caller: Caller,
    ) -> None:
        assert rooms.tools is not None, "the door has looked"
        if self.count >= STREAMS_MAX:
            raise Overloaded(f"{STREAMS_MAX} callers are listening already; try again later", retry_after_s=60)
        self.count += 1
        response = connection.response
        response.begin(200, _LINES)
        connection.mark_endless(endless=True)
        response.write(first)
        address = asked.address

        def changed(server: str, kinds: frozenset[ListKind]) -> None:
            seen = access.allows_server(server) or "tools" in kinds
            if (address.server and address.server != server) or not seen:
                return
            for kind in sorted({"resources" if one == "resource_templates" else one for one in kinds}):
                word = stream.words.get(kind)
                if word is not None:
                    params = None if stream.meta is None else {"_meta": stream.meta}
                    response.write(
                        write_event(write_notification(f"notifications/{word}/list_changed", params), "message")
                    )

        end_listening = rooms.tools.catalogue.listen(changed)
        end_subscriptions = _tell_updates(connection, rooms, access, stream)
        reader = _Reader(connection)
        response.flow = reader
        end_asking = take_questions(asked, rooms.tools, caller, access, write=reader.write)
        keep_alive = _Repeated(rooms, lambda: response.write(_COMMENT))

        def over() -> None:
            connection.on_gone = None
            gone()
            response.end()

        end_watching = rooms.tools.ended.watch(stream.listener, over)

        def gone() -> None:
            self.count -= 1
            end_watching()
            end_listening()
            end_subscriptions()
            end_asking()
            keep_alive.end()
            connection.mark_endless(endless=False)

        connection.on_gone = gone


class _Told(NamedTuple):
    """What is told on a stream. `words`: of lists; `meta`: what marks each message; `listener`: by which it is known as
    a subscriber, "" for none."""

    words: Mapping[str, str]
    meta: Raw | None
    listener: str
    subscriptions: tuple[Subscription, ...] = ()


def _tell_updates(connection: ServerConnection, rooms: Rooms, access: Access, stream: _Told) -> Callable[[], None]:
    """Tell of updates of what the listener is subscribed to; returns what ends that."""
    if rooms.tools is None or rooms.tools.subscriptions is None or not stream.listener:
        return _nothing

    def updated(told: Updated) -> None:
        if access.allows_server(told.server):
            connection.response.write(write_event(_update(told, stream.meta), "message"))

    # A stream of the stateless era is a listener of its own.
    returns = stream.meta is None
    return rooms.tools.subscriptions.listen(stream.listener, updated, stream.subscriptions, returns=returns)


def _nothing() -> None:
    pass


def _update(told: Updated, meta: Raw | None) -> bytes:
    params = read_object(Raw(told.params)) or {}
    if meta is not None:
        marked = {**(read_object(params.get("_meta")) or {}), **(read_object(meta) or {})}
        params["_meta"] = Raw(msgspec.json.encode(marked))
    return write_notification(UPDATED, params)


class _Reader:
    """Who reads a stream, as its `Flow`: while it is slow, what servers say without end is dropped."""

    def __init__(self, connection: ServerConnection) -> None:
        self._response = connection.response
        self._is_slow = False

    def pause(self) -> None:
        """See `Flow`."""
        self._is_slow = True

    def resume(self) -> None:
        """See `Flow`."""
        self._is_slow = False

    def write(self, events: bytes) -> None:
        """Tell it, if it reads."""
        if not self._is_slow:
            self._response.write(events)


class _Repeated:
    def __init__(self, rooms: Rooms, act: Callable[[], None]) -> None:
        self._loop = rooms.loop
        self._act = act
        self._timer = self._loop.call_later(KEEP_ALIVE_S, self._again)

    def _again(self) -> None:
        self._act()
        self._timer = self._loop.call_later(KEEP_ALIVE_S, self._again)

    def end(self) -> None:
        """No more."""
        self._timer.cancel()
