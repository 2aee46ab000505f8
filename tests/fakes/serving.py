"""A caller's connection to a server without a network: bytes in, what the handler saw and the responses out."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any, cast

from tests.fakes.loops import FakeLoop, FakeTransport

from asbru.core.errors import AsbruError
from asbru.edge.server import Request, Server, ServerConnection, ServerLimits

LIMITS = ServerLimits(head_bytes_max=600, header_count_max=8, body_bytes_max=300, connections_max=5)


class Caller:
    """One connection. Requests are answered at once with what they are, unless `held`."""

    def __init__(self, limits: ServerLimits = LIMITS, server: Server | None = None, *, held: bool = False) -> None:
        self.loop = FakeLoop()
        if server is None:
            server = Server(cast("asyncio.AbstractEventLoop", self.loop), limits, self.handle)
        self.server = server
        self.held = held
        self.waiting: list[tuple[Request, ServerConnection]] = []
        self.seen: list[tuple[Any, ...]] = []
        self.gone = 0
        self.connection = ServerConnection(server)
        self.transport = FakeTransport(self.connection)

    def handle(self, request: Request, connection: ServerConnection) -> None:
        connection.response.prepare(request.head, b"")
        self.seen.append(summary(request))
        connection.on_gone = self.count_gone
        if self.held:
            self.waiting.append((request, connection))
        else:
            self.response(request, connection)

    def response(self, request: Request, connection: ServerConnection) -> None:
        error = request.error
        connection.response.whole(error.status if isinstance(error, AsbruError) else 200, b"", b"ok")

    def count_gone(self) -> None:
        self.gone += 1

    def feed(self, data: bytes, cuts: tuple[int, ...] = ()) -> Caller:
        for start, end in pairwise((0, *cuts, len(data))):
            if start < end:
                self.transport.receive(data[start:end])
                self.loop.run_soon()
        return self

    @property
    def statuses(self) -> list[int]:
        return [int(part[:3]) for part in self.transport.written.split(b"HTTP/1.1 ")[1:]]


def summary(request: Request) -> tuple[Any, ...]:
    """What a handler can see of a request."""
    error = request.error
    if error is not None:
        return ("refused", error.status if isinstance(error, AsbruError) else error)
    head = request.head
    return (
        *(head.method, head.path, head.query, request.body, tuple(head.forwarded.headers), head.credentials),
        *(head.content_coding, head.keep_alive, head.http_1_0),
        *(head.upgrade, head.origin, head.accept_coding),
    )
