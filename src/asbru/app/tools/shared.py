"""One connection to a server, shared by many callers: whose message is whose.

    a caller's request    -> an id of our own, a progress token of our own; the response and its progress go back to it
                             with the id and token that it gave
    progress, events of a subscription                  -> by token or subscription id
    updates of resources  -> those that are subscribed (`on_notification`)
    other notifications   -> the caller, where exactly one call is under way; else everybody who listens
    a request of the server (elicitation, sampling)     -> the caller, where exactly one call is under way; else it is
                             refused: on one connection nothing says for which call it was sent

The framing of messages is not here, nor what results mean: they pass to the byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import msgspec
from msgspec import UNSET, Raw, UnsetType

from asbru.app.tools.envelope import (
    CANCELLED,
    INTERNAL_ERROR,
    LISTEN,
    PROGRESS,
    SERVER_GONE,
    SUBSCRIPTION_ID,
    UPDATED,
    Envelope,
    members,
    meta_of,
    read_envelope,
    with_meta,
    write_envelope,
    write_error,
    write_notification,
)
from asbru.telemetry import log

CALLS_MAX: Final = 1000
"""Calls of one server that are under way."""
ASKED_BACK_MAX: Final = 100
"""Requests of a server that wait for a caller's answer."""
GARBAGE_TOLD_MAX: Final = 10


class Busy(Exception):
    """Too many calls of this server are under way."""


class Listener(Protocol):
    """Who is told of one call; neither raises."""

    def related(self, message: bytes) -> None:
        """A notification or request that belongs to the call."""
        ...

    def ended(self, message: bytes) -> None:
        """The response, with the id that the caller gave."""
        ...


class Call:
    """One request under way. `takes_requests`: whether the caller can answer what the server asks back."""

    __slots__ = ("caller_id", "is_subscription", "listener", "number", "takes_requests", "token")

    def __init__(self, number: int, caller_id: Raw, listener: Listener) -> None:
        self.number = number
        self.caller_id = caller_id
        self.listener = listener
        self.token: Raw | UnsetType = UNSET
        self.is_subscription = False
        self.takes_requests = False


class Shared:
    """See the module. `send` puts one message on the wire; `on_notification` is told each notification that concerns
    the whole server."""

    def __init__(self, name: str, send: Callable[[bytes], None], on_notification: Callable[[Envelope], None]) -> None:
        self.over: str | None = None
        """Why the connection has ended; None while it has not."""
        self.listeners: set[Callable[[bytes], None]] = set()
        """Who takes what belongs to no call."""
        self._name = name
        self._send = send
        self._on_notification = on_notification
        self._number = 0
        self._calls: dict[int, Call] = {}
        self._asked_back: dict[str, tuple[Raw, Call]] = {}
        """What the server asks back: by the id that callers see, its own id and the call."""
        self._garbage = 0
        self._idle: asyncio.Future[None] | None = None

    @property
    def calls(self) -> int:
        """How many are under way, without subscriptions, which end only with their caller."""
        return sum(not call.is_subscription for call in self._calls.values())

    async def idle(self) -> None:
        """Wait until no call is under way."""
        while self.calls:
            self._idle = asyncio.get_running_loop().create_future()
            await self._idle

    # ---- callers

    def begin(self, request: Envelope, listener: Listener, *, takes_requests: bool = False) -> Call:
        """Send a request. Raises `Busy`; a connection that is over answers at once."""
        assert request.id is not UNSET
        assert request.method is not UNSET
        if len(self._calls) >= CALLS_MAX:
            raise Busy(f"{CALLS_MAX} calls of this server are under way")
        self._number += 1
        call = Call(self._number, request.id, listener)
        if self.over is not None:
            listener.ended(write_error(request.id, SERVER_GONE, self.over))
            return call
        call.is_subscription = request.method == LISTEN
        call.takes_requests = takes_requests
        call.token = meta_of(request.params, "progressToken")
        params = request.params
        if call.token is not UNSET:
            params = with_meta(params, "progressToken", call.number)
        self._calls[call.number] = call
        self._send(write_envelope(Envelope(id=_raw(call.number), method=request.method, params=params)))
        return call

    def cancel(self, call: Call) -> None:
        """The caller waits no longer; harmless for a call that has ended."""
        if self._forget(call.number) is None:
            return
        self._drop_asked(call)
        self._send(write_notification(CANCELLED, {"requestId": call.number, "reason": "the caller is gone"}))

    def cancel_by_id(self, caller_id: Raw) -> bool:
        """Cancel the call to which its caller gave this id, where no other caller gave the same."""
        known = [call for call in self._calls.values() if bytes(call.caller_id) == bytes(caller_id)]
        if len(known) != 1:
            return False
        self.cancel(known[0])
        return True

    def tell(self, notification: Envelope) -> None:
        """Pass a caller's notification on."""
        if self.over is None:
            self._send(write_envelope(Envelope(method=notification.method, params=notification.params)))

    def answer(self, response: Envelope) -> bool:
        """Pass on a caller's answer to what the server asked back; whether that was waited for."""
        assert response.id is not UNSET
        asked = self._asked_back.pop(_text(response.id), None)
        if asked is None or self.over is not None:
            return False
        self._send(write_envelope(Envelope(id=asked[0], result=response.result, error=response.error)))
        return True

    # ---- the server

    def take(self, message: bytes) -> None:
        """One message of the server; what is none is counted and passed over."""
        try:
            envelope = read_envelope(message)
        except ValueError as error:
            self._pass_over(message, error)
            return
        if envelope.is_response:
            self._respond(envelope)
        elif envelope.is_request:
            self._ask_back(envelope)
        else:
            self._notify(envelope, message)

    def end(self, reason: str) -> None:
        """The connection is gone: every call is told."""
        if self.over is not None:
            return
        self.over = reason
        calls, self._calls = self._calls, {}
        self._asked_back.clear()
        self._wake_idle()
        for call in calls.values():
            call.listener.ended(write_error(call.caller_id, SERVER_GONE, reason))

    def _respond(self, envelope: Envelope) -> None:
        call = self._forget(_number(envelope.id))
        if call is None:
            return  # cancelled before, or never asked
        self._drop_asked(call)
        result = envelope.result
        if call.is_subscription and meta_of(result, SUBSCRIPTION_ID) is not UNSET:
            result = with_meta(result, SUBSCRIPTION_ID, call.caller_id)
        call.listener.ended(write_envelope(Envelope(id=call.caller_id, result=result, error=envelope.error)))

    def _ask_back(self, envelope: Envelope) -> None:
        assert envelope.id is not UNSET
        if envelope.method == "ping":
            self._send(write_envelope(Envelope(id=envelope.id, result=Raw(b"{}"))))
            return
        waiting = [call for call in self._calls.values() if call.takes_requests and not call.is_subscription]
        if len(waiting) != 1 or self.calls != 1 or len(self._asked_back) >= ASKED_BACK_MAX:
            why = "no caller can answer this: either none is calling, or several are"
            self._send(write_error(envelope.id, INTERNAL_ERROR, why))
            return
        call = waiting[0]
        self._number += 1
        shown = f"asbru-{self._number}"
        self._asked_back[shown] = (envelope.id, call)
        call.listener.related(
            write_envelope(Envelope(id=_raw(shown), method=envelope.method, params=envelope.params))
        )

    def _notify(self, envelope: Envelope, message: bytes) -> None:
        assert envelope.method is not UNSET
        method = envelope.method
        if method == PROGRESS:
            self._progress(envelope)
            return
        subscription = meta_of(envelope.params, SUBSCRIPTION_ID)
        if subscription is not UNSET:
            call = self._calls.get(_number(subscription))
            if call is not None:
                params = with_meta(envelope.params, SUBSCRIPTION_ID, call.caller_id)
                call.listener.related(write_envelope(Envelope(method=method, params=params)))
        elif method == CANCELLED:
            self._cancel_asked(envelope)
            return
        elif method != UPDATED:  # which goes to those that are subscribed, whoever calls
            self._tell_whom_it_concerns(message)
        self._on_notification(envelope)

    def _progress(self, envelope: Envelope) -> None:
        params = members(envelope.params)
        call = self._calls.get(_number(params.get("progressToken", UNSET)))
        if call is None or call.token is UNSET:
            return
        params["progressToken"] = call.token
        told = Envelope(method=PROGRESS, params=Raw(msgspec.json.encode(params)))
        call.listener.related(write_envelope(told))

    def _tell_whom_it_concerns(self, message: bytes) -> None:
        calls = [call for call in self._calls.values() if not call.is_subscription]
        if len(calls) == 1:
            calls[0].listener.related(message)
            return
        for listener in tuple(self.listeners):
            listener(message)

    def _cancel_asked(self, envelope: Envelope) -> None:
        """The server takes back what it asked."""
        params = members(envelope.params)
        given = params.get("requestId", UNSET)
        for shown, (own_id, call) in tuple(self._asked_back.items()):
            if given is not UNSET and bytes(own_id) == bytes(given):
                del self._asked_back[shown]
                params["requestId"] = _raw(shown)
                told = Envelope(method=CANCELLED, params=Raw(msgspec.json.encode(params)))
                call.listener.related(write_envelope(told))

    def _forget(self, number: int) -> Call | None:
        call = self._calls.pop(number, None)
        self._wake_idle()
        return call

    def _wake_idle(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)  # whoever waits looks again

    def _drop_asked(self, call: Call) -> None:
        for shown in [shown for shown, (_, whose) in self._asked_back.items() if whose is call]:
            del self._asked_back[shown]

    def _pass_over(self, message: bytes, error: ValueError) -> None:
        self._garbage += 1
        if self._garbage <= GARBAGE_TOLD_MAX:
            shown = message[:80].decode(errors="replace")
            log(
                "warning",
                "an MCP server sent a line that is not a JSON-RPC message",
                server=self._name,
                line=shown,
                why=error,
            )


def _raw(value: int | str) -> Raw:
    return Raw(msgspec.json.encode(value))


def _number(value: Raw | UnsetType) -> int:
    """An id that we gave; 0, which we never give, for anything else."""
    if value is UNSET:
        return 0
    try:
        return msgspec.json.decode(value, type=int)
    except ValueError:
        return 0


def _text(value: Raw) -> str:
    try:
        return msgspec.json.decode(value, type=str)
    except ValueError:
        return ""
