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
from asbru.pipeline.stepper import within
from asbru.upstream import Origin
from asbru.upstream.credentials import TokenRequest, TokenSender

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from asbru.upstream import Pool

T = TypeVar("T")


class GuardPorts:
    """See the module, and `guardrails.Ports`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Callable[[Origin, int], Pool]) -> None:
        self._loop = loop
        self._sender = TokenSender(Origin(host="", port=0, tls=True), pool)

    async def fetch(self, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """See `Ports`."""
        lines = (("content-type", "application/json"), *headers.items())
        exchange = self._sender.send(TokenRequest("POST", url, lines, body))
        try:
            response = await exchange
        finally:
            exchange.abort()
        return Answer(response.status, response.body)

    async def ask(self, model: str, system: str, text: str) -> str:
        """See `Ports`."""
        del model, system, text
        raise GatewayError("checks cannot ask models yet")

    def within(self, work: Coroutine[Any, None, T], seconds: float) -> Awaitable[T]:
        """See `Ports`."""
        return within(self._loop, work, seconds)
