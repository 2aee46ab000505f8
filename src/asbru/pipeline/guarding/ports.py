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
from asbru.pipeline.guarding.asking import ask_model
from asbru.pipeline.stepper import within
from asbru.upstream import Origin
from asbru.upstream.credentials import TokenRequest, TokenSender

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from asbru.dialects import Dialect
    from asbru.pipeline.rooms import Rooms
    from asbru.upstream import Pool

T = TypeVar("T")


class GuardPorts:
    """See the module, and `guardrails.Ports`. `rooms`: those in force; `dialect`: in which models are asked."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        pool: Callable[[Origin, int], Pool],
        rooms: Callable[[], Rooms | None],
        dialect: Dialect,
    ) -> None:
        self._loop = loop
        self._rooms = rooms
        self._dialect = dialect
        self._senders = {
            private: TokenSender(Origin(host="", port=0, allow_loopback=private, allow_private=private), pool)
            for private in (False, True)
        }

    async def fetch(self, url: str, headers: Mapping[str, str], body: bytes, *, private: bool) -> Answer:
        """See `Ports`."""
        lines = (("content-type", "application/json"), *headers.items())
        exchange = self._senders[private].send(TokenRequest("POST", url, lines, body))
        try:
            response = await exchange
        finally:
            exchange.abort()
        return Answer(response.status, response.body)

    async def ask(self, model: str, system: str, text: str) -> str:
        """See `Ports`."""
        rooms = self._rooms()
        if rooms is None:
            raise GatewayError("the gateway does not serve yet")
        return await ask_model(model, system, text, dialect=self._dialect, rooms=rooms)

    def within(self, work: Coroutine[Any, None, T], seconds: float) -> Awaitable[T]:
        """See `Ports`."""
        return within(self._loop, work, seconds)
