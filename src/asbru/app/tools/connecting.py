"""How a server is connected to, by transport; what comes of it is one shape.

    command            a child process (`stdio`), presented on a socket
    transport `http`   streamable HTTP
    transport `sse`    HTTP+SSE (`sse_wire`), presented on a socket
    transport `auto`   the first; where the server knows nothing of it (a status of 4xx), the second

Not here: when to connect again, and what is asked once connected.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from asbru.app.tools.http import Http, reach_of
from asbru.app.tools.http_peer import Credentials, HttpPeer, HttpRefused
from asbru.app.tools.negotiate import Greeting, negotiate
from asbru.app.tools.peers import Broken, OnNotification, Peer, SharedPeer
from asbru.app.tools.presented import Running
from asbru.app.tools.shared import Shared
from asbru.app.tools.sse_wire import SseWire
from asbru.app.tools.stdio import CannotStart, StdioServer
from asbru.mcp.servers import Server

ONE_FOR_ALL: Final = "`per_user` needs streamable HTTP: other transports have one connection for all callers"


@dataclass
class Connection:
    """A server that has been greeted. `running`: what is presented, of transports that workers do not speak; `lost`:
    comes to the reason when the connection ends by itself; `stop` ends it; `older`: the session of a
    server of the stateless era that has sessions as well, once it was wanted."""

    peer: Peer
    greeting: Greeting
    lost: asyncio.Future[str]
    stop: Callable[[], Awaitable[None]]
    running: Running | None = None
    older: HttpPeer | None = None


async def connect(
    server: Server, http: Http, credentials: Credentials, *, run: str, on_notification: OnNotification
) -> Connection:
    """Connect to a server. `run` names this run of it. Raises `CannotStart`, and what `Peer.ask` does."""
    if server.per_user and (server.argv or server.transport == "sse"):
        raise CannotStart(ONE_FOR_ALL)
    if server.argv:
        return await _start(server, run, on_notification)
    if server.transport == "sse":
        return await _open_stream(server, http, credentials, run=run, on_notification=on_notification)
    try:
        return await _greet(server, http, credentials)
    except HttpRefused as refused:
        if server.transport == "http":
            raise
        if server.per_user:
            raise Broken(f"{refused}; {ONE_FOR_ALL}") from refused
        try:
            return await _open_stream(server, http, credentials, run=run, on_notification=on_notification)
        except Broken as neither:
            raise refused from neither


async def _start(server: Server, run: str, on_notification: OnNotification) -> Connection:
    def send(message: bytes) -> None:
        child.send(message)

    shared = Shared(server.name, send, on_notification)
    child = await StdioServer.start(
        server.name,
        server.argv,
        env={name: value.reveal() for name, value in server.env.items()},
        cwd=server.cwd,
        on_message=shared.take,
    )
    lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    child.on_gone = partial(_lose, shared, lost)
    return await _greet_shared(shared, child.stop, lost, run)


async def _open_stream(
    server: Server, http: Http, credentials: Credentials, *, run: str, on_notification: OnNotification
) -> Connection:
    wire = SseWire(http, reach_of(server), server.url or "", credentials)
    shared = Shared(server.name, wire.send, on_notification)
    lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    wire.on_gone = partial(_lose, shared, lost)
    await wire.open(shared.take)
    return await _greet_shared(shared, wire.stop, lost, run)


async def _greet_shared(
    shared: Shared, stop_wire: Callable[[], Awaitable[None]], lost: asyncio.Future[str], run: str
) -> Connection:
    async def stop() -> None:
        shared.end("the server was stopped")
        await stop_wire()

    peer = SharedPeer(shared)
    try:
        greeting = await negotiate(peer, on_pipe=True)
    except BaseException:
        await stop()
        raise
    session = run if greeting.era == "sessions" else ""
    return Connection(peer, greeting, lost, stop, Running(shared, session, greeting.result))


async def _greet(server: Server, http: Http, credentials: Credentials) -> Connection:
    peer = HttpPeer(http, reach_of(server), server.url or "", credentials)
    greeting = await negotiate(peer)
    return Connection(peer, greeting, asyncio.get_running_loop().create_future(), peer.end_session)


def _lose(shared: Shared, lost: asyncio.Future[str], reason: str) -> None:
    shared.end(reason)
    if not lost.done():
        lost.set_result(reason)
