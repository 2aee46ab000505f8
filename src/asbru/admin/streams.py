"""Responses that are sent piece by piece, exports and live tails: how many there may be, and how long one may stall.

A client that stops reading holds its place for STALLED_S at most; then its response breaks off. Each user has a few of
all places, so nobody can keep the others out.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, Final, cast

from fastapi.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from asbru.core.errors import Overloaded
from asbru.telemetry import log

STALLED_S: Final = 60.0
"""How long a client may read nothing of what it is sent."""


class Places:
    """Who is sent such a response now. `what` is for people: "exports"."""

    def __init__(self, what: str, *, places_max: int, each_max: int) -> None:
        self._what = what
        self._places_max = places_max
        self._each_max = each_max
        self._taken: Counter[str] = Counter()

    def check(self, who: str) -> None:
        """Raise `Overloaded` if there is no place for one more, or none for this user."""
        if self._taken[who] >= self._each_max:
            raise Overloaded(
                f"you have {self._each_max} {self._what} open already; close one", code="too_many_clients"
            )
        if self._taken.total() >= self._places_max:
            raise Overloaded(f"{self._places_max} {self._what} are open already; try again later")

    async def hold(self, who: str, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The pieces; takes a place from the first on until they end or nobody wants them any more."""
        self._taken[who] += 1
        try:
            async with contextlib.aclosing(cast("AsyncGenerator[bytes]", pieces)):
                async for piece in pieces:
                    yield piece
        finally:
            self._taken[who] -= 1
            if not self._taken[who]:
                del self._taken[who]


class StreamedResponse(StreamingResponse):
    """Pieces as they come; see the module."""

    def __init__(self, pieces: AsyncIterator[bytes], kind: str, headers: dict[str, str] | None = None) -> None:
        usual = {"cache-control": "no-store", "x-content-type-options": "nosniff"}
        super().__init__(pieces, 200, {**usual, **(headers or {})}, media_type=kind)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, unless the client stalls."""

        async def send_in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(STALLED_S):
                    await send(message)
            except TimeoutError:
                raise BrokenOff("a client stopped reading; its response was cut off") from None

        try:
            # Closed here, for a response that is kept would keep them open, and their place taken.
            async with contextlib.aclosing(cast("AsyncGenerator[bytes]", self.body_iterator)):
                await super().__call__(scope, receive, send_in_time)
        except* BrokenOff as broken:
            for one in broken.exceptions:
                log("warning", str(one), path=cast("Any", scope)["path"])


class BrokenOff(Exception):
    """The response ends before its end, which its client sees: no more of it can, or may, be sent. Says why."""
