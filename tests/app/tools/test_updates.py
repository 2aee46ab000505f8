"""Updates of resources, asked of servers of both eras for as long as callers are subscribed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.fakes.mcp_http import session_server
from tests.fakes.tool_servers import Running, running, stdio
from tests.fakes.waiting import until

from asbru.mcp.servers import SESSION_SUBJECT, ServerSettings, SessionAsked
from asbru.mcp.servers.subscriptions import (
    SUBSCRIBE_SUBJECT,
    UPDATED_SUBJECT,
    SubscribeAsked,
    SubscribeGiven,
    Subscription,
    Updated,
)

UPDATE = b'data: {"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"note:one","x":1}}\n\n'


async def subscribe(those: Running, uri: str, *, user: str = "", ends: bool = False) -> str:
    asked = SubscribeAsked("caller", Subscription("files", user, uri), ends)
    answer = await those.answers.answer(SUBSCRIBE_SUBJECT, msgspec.msgpack.encode(asked))
    assert answer is not None
    return msgspec.msgpack.decode(answer, type=SubscribeGiven).error


def updates(those: Running) -> list[Updated]:
    told = (payload for subject, payload in those.told if subject == UPDATED_SUBJECT)
    return [msgspec.msgpack.decode(payload, type=Updated) for payload in told]


@pytest.mark.parametrize("era", ["sessions", "stateless"])
async def test_a_server_on_a_pipe_tells_of_updates_while_somebody_is_subscribed(tmp_path: Path, era: str) -> None:
    """Before and after nothing is told. A call that is under way, which an update does not belong to, does not hear of
    it; and a server that was started anew is asked again, with word that something may have changed meanwhile."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio("--era", era, "--resources"))
        await those.ready("files")
        assert await subscribe(those, "note:one") == ""
        await _touched(those, "note:one")
        (told,) = updates(those)
        assert (told.server, told.user, told.uri) == ("files", "", "note:one")
        assert msgspec.json.decode(told.params) == {"uri": "note:one"}
        those.told.clear()
        await those.call("files", "die")
        await until(lambda: updates(those), "callers look again")
        await those.ready("files")
        those.told.clear()
        await _touched(those, "note:one")
        assert await subscribe(those, "note:one", ends=True) == ""
        those.told.clear()

        async def left() -> Any:
            return (await those.call("files", "touch", {"uri": "note:one"}))["content"][0]["text"]

        if era == "sessions":
            for _ in range(100):
                if await left() == "[]":
                    break
            assert await left() == "[]"
        assert updates(those) == []


async def _touched(those: Running, uri: str) -> None:
    """Have the server say that a resource has changed, until it was heard: it may have yet to be subscribed."""
    for _ in range(100):
        result = await those.call("files", "touch", {"uri": uri})
        if uri in result.get("content", [{"text": ""}])[0]["text"]:
            break
    await until(lambda: updates(those), "the update is told")


async def test_a_server_that_refuses_a_subscription_is_quoted(tmp_path: Path) -> None:
    """The caller is told why, and nothing of it is kept; others are not refused for it."""
    async with running(tmp_path) as those:
        await those.apply(files=stdio("--resources"))
        await those.ready("files")
        assert "no such resource" in await subscribe(those, "secret:one")
        assert await subscribe(those, "note:one") == ""


async def test_subscriptions_follow_the_session_that_callers_share(tmp_path: Path) -> None:
    """A streamable HTTP server is asked in the shared session, its updates come on the GET stream of that, and another
    session is subscribed anew."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        server.capabilities = {"tools": {}, "resources": {"subscribe": True}}
        server.updated = UPDATE
        await those.apply(files=ServerSettings(url=f"{upstream.url}/mcp", allow_loopback=True))
        await those.ready("files")
        assert await subscribe(those, "note:one") == ""
        assert server.subscribed == [("session-1", "resources/subscribe", "note:one")]
        server.changed.open()
        await until(lambda: updates(those), "the update is told")
        assert updates(those)[0] == Updated("files", "", "note:one", b'{"uri":"note:one","x":1}')
        server.known.clear()
        gone = msgspec.msgpack.encode(SessionAsked("files", "", "session-1"))
        await those.answers.answer(SESSION_SUBJECT, gone)
        await until(lambda: len(server.subscribed) > 1, "the new session is subscribed")
        assert server.subscribed[1] == ("session-2", "resources/subscribe", "note:one")


async def test_a_server_per_user_is_asked_in_the_session_of_the_user(tmp_path: Path) -> None:
    """And its updates are told as those of that user."""
    async with session_server() as (server, upstream), running(tmp_path) as those:
        server.capabilities = {"tools": {}, "resources": {"subscribe": True}}
        server.updated = UPDATE
        server.changed.open()
        settings = ServerSettings(url=f"{upstream.url}/mcp", allow_loopback=True, per_user=True)
        await those.apply(files=settings)
        await those.ready("files")
        assert await subscribe(those, "note:one", user="ada") == ""
        assert server.greeted[-1]["x-user"] == "ada"
        await until(lambda: updates(those), "the update is told")
        assert {one.user for one in updates(those)} == {"ada"}
        assert await subscribe(those, "note:one", user="ada", ends=True) == ""
        await until(lambda: server.subscribed[-1][1] == "resources/unsubscribe", "the server is told of the end")
