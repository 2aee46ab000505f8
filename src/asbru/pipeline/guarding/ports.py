"""What checks of guardrails ask with: services over pools like those of providers, and models of this gateway.

Services are reached as providers are by default: certificates of the system, no proxy, no addresses of private networks
but those that the outbound policy permits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from asbru.core.errors import GatewayError
from asbru.guardrails import Answer
from asbru.pipeline.internal import InternalCalls
from asbru.pipeline.stepper import within
from asbru.upstream import Origin
from asbru.upstream.credentials import TokenRequest, TokenSender

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from asbru.dialects import Dialect
    from asbru.pipeline.call import Call
    from asbru.pipeline.rooms import Rooms
    from asbru.upstream import Pool

T = TypeVar("T")


class GuardPorts:
    """See the module. `rooms`: those in force; `dialect`: that of the gateway's own calls."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pool: Callable[[Origin, int], Pool],
        rooms: Callable[[], Rooms | None],
        dialect: Dialect,
    ) -> None:
        self.loop = loop
        self.rooms = rooms
        self.calls = InternalCalls(dialect)
        self.senders = {
            private: TokenSender(Origin(host="", port=0, allow_loopback=private, allow_private=private), pool)
            for private in (False, True)
        }

    def of(self, call: Call) -> CallPorts:
        """Those of one call."""
        return CallPorts(self, call)


class CallPorts:
    """What the checks of one call ask with: see `guardrails.Ports`."""

    def __init__(self, shared: GuardPorts, call: Call) -> None:
        self._shared = shared
        self._call = call

    async def fetch(self, url: str, headers: Mapping[str, str], body: bytes, *, private: bool) -> Answer:
        """See `Ports`."""
        lines = (("content-type", "application/json"), *headers.items())
        exchange = self._shared.senders[private].send(TokenRequest("POST", url, lines, body))
        try:
            response = await exchange
        finally:
            exchange.abort()
        return Answer(response.status, response.body)

    async def ask(self, model: str, system: str, text: str) -> str:
        """See `Ports`."""
        rooms = self._shared.rooms()
        if rooms is None:
            raise GatewayError("the gateway does not serve yet")
        messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
        return await self._shared.calls.ask(self._call, rooms, model, messages)

    def within(self, work: Coroutine[Any, None, T], seconds: float) -> Awaitable[T]:
        """See `Ports`."""
        return within(self._shared.loop, work, seconds)
