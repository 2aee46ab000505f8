"""Asks each provider for its list of models: whether it answers at its `base_url`, and where it does if not there.

Each provider is reached as calls reach it: the outbound policy, the proxy, the certificates, the key. A few requests,
each with a deadline; nothing that costs money.
"""

from __future__ import annotations

import asyncio
import http
import json
from collections.abc import Iterable
from dataclasses import dataclass

from asbru.app.base_url import candidates
from asbru.app.build_provider import origin_of
from asbru.app.defaults import ProviderTypes
from asbru.app.snapshot import ProviderFacts
from asbru.core.errors import AsbruError
from asbru.core.secret_text import SecretText
from asbru.providers import credential_maker
from asbru.upstream import Origin, Pool, TlsContexts, UpstreamResponse
from asbru.upstream.credentials import KeyMaterial, TokenPorts, TokenRequest, TokenSender

ANSWER_TIMEOUT_S = 10.0
PROVIDERS_ASKED_AT_ONCE_MAX = 16

_LIST = "/models"
_REFUSES_KEY = (401, 403)
_AN_API = (200, *_REFUSES_KEY)


@dataclass(frozen=True)
class LiveFinding:
    """What a provider's answer means. `is_error`: calls to it will fail."""

    provider: str
    message: str
    is_error: bool


async def check_live(providers: Iterable[ProviderFacts], types: ProviderTypes) -> list[LiveFinding]:
    """What is wrong with the providers as they answer now, in the order of the configuration. Those that have no list
    are not asked."""
    turns = asyncio.Semaphore(PROVIDERS_ASKED_AT_ONCE_MAX)

    async def one(facts: ProviderFacts) -> LiveFinding | None:
        async with turns:
            return await _Asking(facts).finding(types)

    asked = (facts for facts in providers if facts.unix_socket is None and "models" in facts.operations)
    found = await asyncio.gather(*map(one, asked))
    return [finding for finding in found if finding is not None]


class _Asking:
    """One provider, asked at URLs that are close to its own."""

    def __init__(self, facts: ProviderFacts) -> None:
        self._facts = facts
        self._contexts = TlsContexts()
        self._pools: list[Pool] = []
        self._headers = {name: value.reveal() for name, value in facts.headers.items()}
        shown = _shown_key(facts)
        self._headers.update(shown)
        self._has_key = bool(shown)

    async def finding(self, types: ProviderTypes) -> LiveFinding | None:
        """What is wrong; None where the provider answers with a list."""
        url = self._facts.base_url
        try:
            status = await self._status(url)
            if status not in _AN_API:
                for other in candidates(url, types):
                    if await self._status(other) in _AN_API:
                        return self._found(
                            f"there is no API at {url}, but there is one at {other}: set `base_url: {other}`"
                        )
        except (TimeoutError, AsbruError) as error:
            return self._found(str(error) or f"no response within {ANSWER_TIMEOUT_S:g} s")
        finally:
            for pool in self._pools:
                pool.close()
        if status in _REFUSES_KEY:
            return self._found(f"refuses the key {self._facts.keys[0].name!r}") if self._has_key else None
        is_fine = status == http.HTTPStatus.OK
        return None if is_fine else self._found(f"responded with {status} at {url}{_LIST}", is_error=False)

    def _found(self, message: str, *, is_error: bool = True) -> LiveFinding:
        return LiveFinding(self._facts.name, message, is_error)

    async def _status(self, base_url: str) -> int:
        """The status of the list of models below `base_url`; 404 where a page comes in place of a list."""
        response = await self._ask(f"{base_url}{_LIST}")
        is_page = response.status in _AN_API and not _is_api_answer(response.body)
        return http.HTTPStatus.NOT_FOUND if is_page else response.status

    async def _ask(self, url: str) -> UpstreamResponse:
        """Raises `TimeoutError`, `UpstreamError`."""
        sender = TokenSender(origin_of(self._facts), self._pool)
        exchange = sender.send(TokenRequest("GET", url, tuple(self._headers.items())))
        answered = asyncio.Event()
        exchange.waiter = answered.set
        try:
            if not exchange.done:
                await asyncio.wait_for(answered.wait(), ANSWER_TIMEOUT_S)
            return await exchange
        finally:
            exchange.abort()

    def _pool(self, origin: Origin, response_bytes_max: int) -> Pool:
        loop = asyncio.get_running_loop()
        self._pools.append(Pool(origin, self._contexts, loop, response_bytes_max=response_bytes_max))
        return self._pools[-1]


def _shown_key(facts: ProviderFacts) -> dict[str, str]:
    """The header that shows the first key; none where there is no key, or it must be asked for a token first."""
    value = facts.keys[0].value if facts.keys else SecretText("")
    if not value.reveal():
        return {}
    maker = credential_maker(facts.auth)
    if maker is None:
        name, scheme = ("authorization", "Bearer ") if facts.auth == "bearer" else (facts.auth, "")
        return {name: f"{scheme}{value.reveal()}"}
    lines = maker(KeyMaterial(value, facts.base_url), TokenPorts.of_nobody()).fixed or b""
    name, _, shown = lines.decode("latin-1").strip().partition(": ")
    return {name: shown} if lines else {}


def _is_api_answer(body: bytes) -> bool:
    """Whether it is what an API answers: an object, or the bare array that some send as their list; not a page."""
    try:
        return isinstance(json.loads(body), dict | list)
    except ValueError:
        return False
