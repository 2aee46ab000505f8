"""What calls wait for that may come to any worker: responses of callers to what they were asked, and cancellations.

A caller's message comes on a connection of its own, and so perhaps to another worker than the one that has the call. It
is given to the call if that is here, else told to all workers; each knows by the token whether it is meant. A message
that nobody waits for is dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from asbru.core.errors import Overloaded
from asbru.core.future import Future
from asbru.mcp.protocol import Code, RpcError

AWAITED_MAX: Final = 100_000


class Awaited:
    """See the module. `tell`: sends to all workers; by default there are no others."""

    def __init__(self, tell: Callable[[bytes], object] | None = None) -> None:
        self._tell = tell
        self._waiting: dict[str, Future[bytes]] = {}

    def expect(self, token: str) -> Future[bytes]:
        """What will be given for a token; `forget` it in a `finally`."""
        if len(self._waiting) >= AWAITED_MAX:
            raise Overloaded("too many calls wait for their callers", retry_after_s=1)
        future: Future[bytes] = Future()
        self._waiting[token] = future
        return future

    def forget(self, token: str) -> None:
        """It is not waited for any more."""
        self._waiting.pop(token, None)

    def give(self, token: str, data: bytes) -> bool:
        """Something came for a token. False: it is not waited for here, and the other workers cannot be told."""
        if self._take(token, data):
            return True
        return self._tell is not None and bool(self._tell(msgspec.msgpack.encode((token, data))))

    def on_told(self, payload: bytes) -> None:
        """Something that came to another worker."""
        token, data = msgspec.msgpack.decode(payload, type=tuple[str, bytes])
        self._take(token, data)

    def _take(self, token: str, data: bytes) -> bool:
        future = self._waiting.get(token)
        if future is not None:
            future.resolve(data)
        return future is not None


class Cancelled(RpcError):
    """The caller has taken its request back."""

    def __init__(self) -> None:
        super().__init__(Code.REFUSED, "the caller has cancelled the request", status=499)


def cancel_token(caller: str, session: str, request_id: bytes) -> str:
    """The token of the cancellation of a request, as its caller names it."""
    return f"cancel\0{caller}\0{session}\0{request_id.decode('utf-8', 'replace')}"
