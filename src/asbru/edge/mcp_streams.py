"""Streams that stay open for as long as a caller likes, to tell it that lists have changed.

    sessions     GET: notifications as they come
    stateless    subscriptions/listen: first an acknowledgement, then the notifications that were asked for, each with
                 the id of the request

They are no calls: nothing is held for them, they are closed first when the worker drains, and a comment now and then
keeps proxies from closing them. What changed is told only to who may see it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Raw

from asbru.core.errors import Overloaded
from asbru.mcp.protocol.messages import write_notification
from asbru.pipeline.tools import CHANGES, listening
from asbru.wire.sse import write_event

if TYPE_CHECKING:
    from asbru.edge.server import ServerConnection
    from asbru.mcp.access import Access
    from asbru.mcp.catalogue import ListKind
    from asbru.pipeline import Rooms
    from asbru.pipeline.tools import Asked

STREAMS_MAX: Final = 10_000
KEEP_ALIVE_S: Final = 20.0
_LINES: Final = (
    b"content-type: text/event-stream\r\ncache-control: no-cache, no-transform\r\nx-accel-buffering: no\r\n"
)
_COMMENT: Final = b": keep-alive\n\n"
_SUBSCRIPTION: Final = "io.modelcontextprotocol/subscriptionId"


class Streams:
    """The streams of one worker."""

    def __init__(self) -> None:
        self.count = 0

    def open(self, connection: ServerConnection, rooms: Rooms, asked: Asked, access: Access) -> None:
        """A stream for a caller with a session."""
        words = dict(CHANGES)
        self._begin(connection, rooms, asked, access, words=words, first=_COMMENT, meta=None)

    def listen(self, connection: ServerConnection, rooms: Rooms, asked: Asked, access: Access) -> None:
        """The stream that a request of the stateless era asks for."""
        words = listening(asked)
        request_id = asked.message.request_id or b"null"
        meta = Raw(msgspec.json.encode({_SUBSCRIPTION: Raw(request_id)}))
        honoured = Raw(msgspec.json.encode({f"{word}ListChanged": True for word in words.values()}))
        told = write_notification(
            "notifications/subscriptions/acknowledged", {"notifications": honoured, "_meta": meta}
        )
        self._begin(connection, rooms, asked, access, words=words, first=write_event(told, "message"), meta=meta)

    def _begin(
        self,
        connection: ServerConnection,
        rooms: Rooms,
        asked: Asked,
        access: Access,
        *,
        words: dict[ListKind, str],
        first: bytes,
        meta: Raw | None,
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
                word = words.get(kind)  # pyright: ignore[reportArgumentType] -- a ListKind, though sorted as text
                if word is not None:
                    params = None if meta is None else {"_meta": meta}
                    response.write(
                        write_event(write_notification(f"notifications/{word}/list_changed", params), "message")
                    )

        end_listening = rooms.tools.catalogue.listen(changed)
        keep_alive = _Repeated(rooms, lambda: response.write(_COMMENT))

        def gone() -> None:
            self.count -= 1
            end_listening()
            keep_alive.end()
            connection.mark_endless(endless=False)

        connection.on_gone = gone


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
