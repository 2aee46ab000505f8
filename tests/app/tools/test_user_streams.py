"""What servers that are per user say outside of calls, in the session of each user."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.mcp_http import session_server
from tests.fakes.tool_servers import Running, running
from tests.fakes.waiting import until

from asbru.app.tools.http_peer import HttpPeer
from asbru.app.tools.user_streams import LOG_BYTES_MAX, LOGS_MAX, LogGate, UserStreams
from asbru.mcp.servers import SESSION_SUBJECT, ServerSettings, SessionAsked, SessionGiven
from asbru.mcp.servers.outside import (
    ASKED_SUBJECT,
    GIVEN_SUBJECT,
    LOGGED_SUBJECT,
    OutsideAsked,
    OutsideGiven,
    OutsideLogged,
    OutsideTold,
)

ASKS = {"jsonrpc": "2.0", "id": "q", "method": "roots/list"}
LOGS = {"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "hi"}}


async def per_user(those: Running, url: str, **settings: Any) -> None:
    """A server that is per user, ready."""
    await those.apply(files=ServerSettings(url=f"{url}/mcp", allow_loopback=True, per_user=True, **settings))
    await those.ready("files")


async def session_of(those: Running, user: str, gone: str = "") -> str:
    """What a worker asks for before a call of a user."""
    asked = msgspec.msgpack.encode(SessionAsked("files", user, gone))
    answer = await those.answers.answer(SESSION_SUBJECT, asked)
    assert answer is not None
    return msgspec.msgpack.decode(answer, type=SessionGiven).id


def told(those: Running, subject: str, shape: Any) -> list[Any]:
    """What workers were told on a subject."""
    return [msgspec.msgpack.decode(payload, type=shape) for name, payload in those.told if name == subject]


async def test_what_is_said_in_the_session_of_a_user_is_for_that_user(tmp_path: Path) -> None:
    """Before anybody subscribes to anything: workers are asked for that user, who alone is told to have roots; what
    is logged is told as that user's. The session of the lists has neither."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        server.stray = [ASKS, LOGS]
        await per_user(those, upstream.url)
        those.outside.meet(b"w")
        session = await session_of(those, "ada")

        def asked_of_users() -> list[OutsideAsked]:
            return [one for one in told(those, ASKED_SUBJECT, OutsideAsked) if one.user]

        await until(asked_of_users, "workers are asked")
        (asked,) = asked_of_users()
        assert (asked.server, asked.user, asked.session, asked.asks) == ("files", "ada", session, "roots")
        those.outside.take_told(msgspec.msgpack.encode(OutsideTold(asked.number, "w", streams=(b"s1",))))
        await until(lambda: told(those, LOGGED_SUBJECT, OutsideLogged), "the log is told")
        (given,) = told(those, GIVEN_SUBJECT, OutsideGiven)
        assert (given.worker, given.call, given.server) == ("w", b"s1", "files")
        assert msgspec.json.decode(given.message) == ASKS
        (logged,) = told(those, LOGGED_SUBJECT, OutsideLogged)
        assert (logged.server, logged.user, msgspec.json.decode(logged.message)) == ("files", "ada", LOGS)
        assert [("roots" in one) for one in server.introduced] == [False, True]
        server.changed.open()


async def test_a_session_that_has_ended_is_heard_no_more(tmp_path: Path) -> None:
    """And the one that takes its place is."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        await per_user(those, upstream.url)
        first = await session_of(those, "ada")
        await until(lambda: first in server.listening, "its stream is open")
        server.known.discard(first)
        second = await session_of(those, "ada", gone=first)
        await until(lambda: second in server.listening, "the stream of the next is open")
        assert second != first
        server.changed.open()


class Silent(HttpPeer):
    """Stands for a server whose streams say nothing, and counts them."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.heard = 0

    async def watch(self, params: bytes | None, on_notification: Any) -> None:
        assert params is None
        self.heard += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.heard -= 1


async def test_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more closes the oldest. One that is open is not opened twice, and a server without sessions has none."""
    monkeypatch.setattr("asbru.app.tools.user_streams.STREAMS_MAX", 2)
    streams = UserStreams(lambda *_: None, lambda *_: None)
    peers = [Silent(f"s{number}") for number in range(3)]
    for number, peer in enumerate(peers):
        for _ in range(2):
            streams.open(f"u{number}", peer)
    streams.open("none", Silent(""))
    await until(lambda: [peer.heard for peer in peers] == [0, 1, 1], "the oldest is closed")
    streams.end()
    await until(lambda: [peer.heard for peer in peers] == [0, 0, 0], "all are closed")


def test_a_server_that_logs_too_much_is_cut() -> None:
    """So many messages in a second, and none that is too large."""
    now_s = 100.0
    gate = LogGate("files", lambda: now_s)
    assert not gate.passes(b"x" * (LOG_BYTES_MAX + 1))
    assert sum(gate.passes(b"x") for _ in range(2 * LOGS_MAX)) == LOGS_MAX - 1
    now_s = 101.0
    assert gate.passes(b"x")
