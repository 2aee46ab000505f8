"""Callers of a worker that listen on a stream of their session, as servers that are `per_user` may reach them outside
of calls: what comes in the session of a user is for that user, and for nobody else.

    a request        goes to one stream, the newest whose client can be asked, under an id that says who asked
    a log message    goes to all streams of the user that see the server

Where guardrail rules hold, nobody is asked in this way: they look at what is said within calls. Not here: which of the
workers is meant (`app.tools.outside`), and the streams themselves (`edge`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec
from msgspec import UNSET

from asbru.mcp.protocol import Message
from asbru.pipeline.tools.asked import Client


class Listener(NamedTuple):
    """One stream. `user`: whose; `sees(server)`; `write` puts a message on it; `seal(server, id)` is the id under which
    the caller receives the request of a server."""

    user: str
    client: Client
    sees: Callable[[str], bool]
    write: Callable[[bytes], None]
    seal: Callable[[str, bytes], str]


class Listeners:
    """See the module. `guarded`: rules hold."""

    def __init__(self) -> None:
        self.guarded = False
        self._number = 0
        self._known: dict[bytes, Listener] = {}

    def listen(self, listener: Listener) -> Callable[[], None]:
        """A stream has opened; returns what ends that."""
        self._number += 1
        name = b"stream-%d" % self._number
        self._known[name] = listener
        return partial(self._end, name)

    def find(self, server: str, user: str, asks: str) -> tuple[bytes, ...]:
        """The stream to ask on, if there is one. `asks`: what its client has to be capable of."""
        if self.guarded:
            return ()
        fit = [
            name
            for name, one in self._known.items()
            if one.user == user and asks in one.client.capabilities and one.sees(server)
        ]
        return tuple(fit[-1:])

    def ask(self, name: bytes, server: str, message: Message) -> None:
        """Put a request of a server on a stream; one that has ended meanwhile is asked nothing."""
        one, request_id = self._known.get(name), message.request_id
        if one is not None and request_id is not None and not self.guarded:
            one.write(write_asked(one.seal(server, request_id), message))

    def log(self, server: str, user: str, message: bytes) -> None:
        """A log message of a server."""
        if self.guarded:
            return
        for one in tuple(self._known.values()):
            if one.user == user and one.sees(server):
                one.write(message)

    def _end(self, name: bytes) -> None:
        self._known.pop(name, None)


def write_asked(sealed: str, message: Message) -> bytes:
    """A request of a server as its caller receives it, under an id of ours."""
    params = b"" if message.params is UNSET else b',"params":%b' % bytes(message.params)
    told = (msgspec.json.encode(sealed), msgspec.json.encode(message.method), params)
    return b'{"jsonrpc":"2.0","id":%b,"method":%b%b}' % told
