"""Subscriptions of callers to resources, as workers and the tools process tell each other of them (MessagePack).

    subject "mcp.subscribe"    SubscribeAsked -> SubscribeGiven   a caller subscribes, or unsubscribes
    subject "mcp.listening"    ListeningAsked -> Subscribed       a stream on which a listener hears of updates
    subject "mcp.subscribed"   Subscribed, to all workers         what a listener is subscribed to has changed
    subject "mcp.updated"      Updated, to all workers            a resource has changed
    subject "mcp.over"         a session, to all workers          its caller has ended it

A listener is a caller with a session, by that session, or one stream of the stateless era. The tools process knows what
each is subscribed to, since the requests and the streams of one listener come to any worker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

SUBSCRIBE_SUBJECT: Final = "mcp.subscribe"
LISTENING_SUBJECT: Final = "mcp.listening"
SUBSCRIBED_SUBJECT: Final = "mcp.subscribed"
UPDATED_SUBJECT: Final = "mcp.updated"
OVER_SUBJECT: Final = "mcp.over"
SUBSCRIPTIONS_MAX: Final = 1000
"""Of one listener."""

Life: TypeAlias = Literal["open", "closed", "over"]
"""Of a stream. `closed`: its listener may come back; `over`: it does not."""


class Subscription(msgspec.Struct, frozen=True, array_like=True):
    """A resource of a server. `user`: see `ports`."""

    server: str
    user: str
    uri: str

    def concerns(self, server: str, user: str, uri: str) -> bool:
        """Whether an update is about it, or about a part of it: servers may tell of parts."""
        if (self.server, self.user) != (server, user):
            return False
        return uri == self.uri or uri.startswith(self.uri if self.uri.endswith("/") else f"{self.uri}/")


class Listening(NamedTuple):
    """What a listener wants to hear of. `words`: the kinds of lists, and the words for them."""

    words: Mapping[str, str]
    subscriptions: tuple[Subscription, ...] = ()


class SubscribeAsked(msgspec.Struct, frozen=True, array_like=True):
    """`ends`: the listener wants no more of it."""

    listener: str
    subscription: Subscription
    ends: bool = False


class SubscribeGiven(msgspec.Struct, frozen=True, array_like=True):
    """`error`: why it is not subscribed, in words; `status`: which kind of error that is; "" and 0: it is done."""

    error: str = ""
    status: int = 0


class ListeningAsked(msgspec.Struct, frozen=True, array_like=True):
    """`worker`: which has the stream, by its incarnation; `stream`: its number there. `subscriptions`: what the worker
    knows that the listener is subscribed to."""

    listener: str
    worker: str
    stream: int
    life: Life
    subscriptions: tuple[Subscription, ...] = ()


class Subscribed(msgspec.Struct, frozen=True, array_like=True):
    """What a listener is subscribed to, all of it."""

    listener: str
    subscriptions: tuple[Subscription, ...] = ()


class Updated(msgspec.Struct, frozen=True, array_like=True):
    """`params`: of the server's notification, without what is about its own stream."""

    server: str
    user: str
    uri: str
    params: bytes
