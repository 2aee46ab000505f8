"""Who is subscribed to which resources, of all callers of this gateway.

    subscribed, or a stream opened -> known -> no stream is open for FORGET_S, or its stream is over -> forgotten

A listener whose worker is gone has lost its streams, and comes back to another worker. This process may start anew:
workers then tell again what their streams are subscribed to. Not here: how servers are asked (`updates`).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgspec

from asbru.mcp.servers.subscriptions import (
    SUBSCRIBED_SUBJECT,
    SUBSCRIPTIONS_MAX,
    UPDATED_SUBJECT,
    ListeningAsked,
    Subscribed,
    Subscription,
    Updated,
)

FORGET_S: Final = 300.0
"""How long a caller with a session may be away."""
LISTENERS_MAX: Final = 10_000


class TooMany(Exception):
    """No more subscriptions are taken; the message says of what."""


class _Listener:
    def __init__(self, now_s: float) -> None:
        self.subscriptions: dict[Subscription, None] = {}
        self.streams: set[tuple[str, int]] = set()
        self.alone_since_s = now_s


class Subscribers:
    """See the module. `tell(subject, payload)` reaches all workers."""

    def __init__(self, tell: Callable[[str, bytes], object], *, clock: Callable[[], float] = time.monotonic) -> None:
        self.on_change: Callable[[str, str], None] = _nobody
        """Told of a server and user for which the resources that are wanted have changed."""
        self._tell = tell
        self._clock = clock
        self._listeners: dict[str, _Listener] = {}
        self._counts: Counter[Subscription] = Counter()

    def wanted(self, server: str) -> dict[str, set[str]]:
        """The resources of a server that somebody is subscribed to, by user."""
        found: dict[str, set[str]] = {}
        for one in self._counts:
            if one.server == server:
                found.setdefault(one.user, set()).add(one.uri)
        return found

    def subscribe(self, listener: str, subscription: Subscription) -> None:
        """A listener is subscribed from now on. Raises `TooMany`."""
        known = self._listener(listener)
        if subscription in known.subscriptions:
            return
        if len(known.subscriptions) >= SUBSCRIPTIONS_MAX:
            raise TooMany(f"this caller is subscribed to {SUBSCRIPTIONS_MAX} resources already")
        known.subscriptions[subscription] = None
        self._counts[subscription] += 1
        self._tell_workers(listener)
        if self._counts[subscription] == 1:
            self.on_change(subscription.server, subscription.user)

    def unsubscribe(self, listener: str, subscription: Subscription) -> None:
        """A listener is not subscribed any more."""
        known = self._listeners.get(listener)
        if known is None or subscription not in known.subscriptions:
            return
        del known.subscriptions[subscription]
        self._tell_workers(listener)
        self._count_down(subscription)

    def listen(self, asked: ListeningAsked) -> Subscribed:
        """A stream has opened or closed. What its listener is subscribed to."""
        stream = (asked.worker, asked.stream)
        if asked.life != "open":
            known = self._listeners.get(asked.listener)
            if known is not None:
                known.streams.discard(stream)
                known.alone_since_s = self._clock()
                if asked.life == "over" and not known.streams:
                    self._forget(asked.listener)
            return Subscribed(asked.listener)
        self._listener(asked.listener).streams.add(stream)
        for subscription in asked.subscriptions:
            try:
                self.subscribe(asked.listener, subscription)
            except TooMany:
                break
        return Subscribed(asked.listener, tuple(self._listeners[asked.listener].subscriptions))

    def end(self, listener: str) -> None:
        """A listener does not come back."""
        if listener in self._listeners:
            self._forget(listener)

    def part(self, worker: str) -> None:
        """A worker is gone, and its streams with it."""
        for known in self._listeners.values():
            gone = {stream for stream in known.streams if stream[0] == worker}
            if gone:
                known.streams -= gone
                known.alone_since_s = self._clock()

    def sweep(self) -> None:
        """Forget listeners that have not come back."""
        late_s = self._clock() - FORGET_S
        for name in [name for name, one in self._listeners.items() if not one.streams and one.alone_since_s < late_s]:
            self._forget(name)

    def updated(self, server: str, user: str, uri: str, params: bytes) -> None:
        """A resource has changed: whoever is subscribed hears of it."""
        if any(one.concerns(server, user, uri) for one in self._counts):
            self._tell(UPDATED_SUBJECT, msgspec.msgpack.encode(Updated(server, user, uri, params)))

    def _listener(self, name: str) -> _Listener:
        known = self._listeners.get(name)
        if known is None:
            if len(self._listeners) >= LISTENERS_MAX:
                self._forget(self._longest_alone())
            known = self._listeners[name] = _Listener(self._clock())
        return known

    def _longest_alone(self) -> str:
        alone = [(one.alone_since_s, name) for name, one in self._listeners.items() if not one.streams]
        if not alone:
            raise TooMany(f"{LISTENERS_MAX} callers are subscribed already")
        return min(alone)[1]

    def _forget(self, name: str) -> None:
        for subscription in self._listeners.pop(name).subscriptions:
            self._count_down(subscription)

    def _count_down(self, subscription: Subscription) -> None:
        self._counts[subscription] -= 1
        if not self._counts[subscription]:
            del self._counts[subscription]
            self.on_change(subscription.server, subscription.user)

    def _tell_workers(self, listener: str) -> None:
        told = Subscribed(listener, tuple(self._listeners[listener].subscriptions))
        self._tell(SUBSCRIBED_SUBJECT, msgspec.msgpack.encode(told))


def _nobody(server: str, user: str) -> None:
    del server, user
