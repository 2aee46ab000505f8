"""A server as it is asked by us: what it offers, who it is. One shape for all transports, and the ways it may fail.

Not here: calls of callers, which take other ways.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeAlias

from msgspec import UNSET, Raw

from asbru.app.tools.envelope import Envelope, RpcError, read_envelope, read_error, write_notification
from asbru.app.tools.shared import Busy, Call, Shared

OnNotification: TypeAlias = Callable[[Envelope], None]


class Unreachable(Exception):
    """It cannot be connected to, or does not answer in time. It may pass."""


class Unauthorized(Exception):
    """It wants another credential. `challenge`: its WWW-Authenticate, "" where it sent none."""

    def __init__(self, message: str, challenge: str = "") -> None:
        super().__init__(message)
        self.challenge = challenge


class Broken(Exception):
    """What it says makes no sense."""


class Refused(Exception):
    """It answered with an error of JSON-RPC."""

    def __init__(self, error: RpcError) -> None:
        super().__init__(error.message or f"error {error.code}")
        self.code = error.code
        self.data = error.data


class SessionEnded(Exception):
    """It no longer knows the session."""


class Peer(Protocol):
    """A connection to a server. `version`: of the protocol, as negotiated; set by `negotiate`. `is_of_user`: it is of
    one user alone."""

    version: str
    is_stateless: bool
    is_of_user: bool

    async def ask(self, method: str, params: bytes | None, timeout_s: float) -> bytes:
        """The result, as it came. Raises any of the above."""
        ...

    async def tell(self, method: str) -> None:
        """A notification. Raises `Unreachable`."""
        ...

    async def watch(self, params: bytes | None, on_notification: OnNotification) -> None:
        """Be told its notifications until they end. Raises any of the above."""
        ...


def result_of(message: bytes | Envelope) -> bytes:
    """The result of a response; raises `Refused`, and `Broken` for what is none."""
    try:
        envelope = read_envelope(message) if isinstance(message, bytes) else message
    except ValueError as error:
        raise Broken(f"it sent something that is not a JSON-RPC response: {error}") from error
    if envelope.error is not UNSET:
        raise Refused(read_error(envelope.error))
    if envelope.result is UNSET:
        raise Broken("it sent a JSON-RPC response without a result")
    return bytes(envelope.result)


class _Waiting:
    """One question of ours over a shared connection."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def related(self, message: bytes) -> None:
        """Nothing of it concerns us: notifications are told to whoever watches the connection."""

    def ended(self, message: bytes) -> None:
        """The response."""
        if not self.answer.done():
            self.answer.set_result(message)


class SharedPeer:
    """A `Peer` over a connection that callers share. Its notifications come whether anybody watches or not."""

    def __init__(self, shared: Shared) -> None:
        self.version = ""
        self.is_stateless = False
        self.is_of_user = False
        self._shared = shared

    async def ask(self, method: str, params: bytes | None, timeout_s: float) -> bytes:
        """See `Peer`."""
        waiting = _Waiting()
        request = Envelope(id=Raw(b"0"), method=method, params=UNSET if params is None else Raw(params))
        try:
            call: Call = self._shared.begin(request, waiting)
        except Busy as busy:
            raise Unreachable(str(busy)) from busy
        try:
            async with asyncio.timeout(timeout_s):
                message = await waiting.answer
        except TimeoutError as error:
            raise Unreachable(f"it did not respond to {method} within {timeout_s:g} s") from error
        finally:
            self._shared.cancel(call)
        if self._shared.over is not None:
            raise Unreachable(self._shared.over)
        return result_of(message)

    async def tell(self, method: str) -> None:
        """See `Peer`."""
        self._shared.tell(read_envelope(write_notification(method)))

    async def watch(self, params: bytes | None, on_notification: OnNotification) -> None:
        """See `Peer`: of servers with sessions they come by themselves, so there is nothing to ask for."""
        del on_notification
        if params is None:
            return
        waiting = _Waiting()
        call = self._shared.begin(Envelope(id=Raw(b"0"), method="subscriptions/listen", params=Raw(params)), waiting)
        try:
            result_of(await waiting.answer)
        finally:
            self._shared.cancel(call)
