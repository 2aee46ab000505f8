"""Agents of both eras that subscribe to resources, and hear of updates wherever they listen."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import msgspec
import pytest
from mcp.client.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError
from tests.fakes.tool_server import STATELESS, ToolServer
from tests.fakes.waiting import until
from tests.journeys.mcp_gateway import client_of, serving

from asbru.app.tools.subscribers import Subscribers
from asbru.core.future import Future
from asbru.mcp.servers.subscriptions import (
    SUBSCRIBE_SUBJECT,
    SUBSCRIBED_SUBJECT,
    ListeningAsked,
    SubscribeAsked,
    SubscribeGiven,
)
from asbru.pipeline.tools import Subscriptions

pytestmark = pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")

NOTE = "note://one"


class ToolsProcess:
    """What the tools process keeps of subscriptions, in this one. `away`: it does not answer; `opened`: streams."""

    def __init__(self) -> None:
        self.away = False
        self.opened = 0
        self.kept = Subscribers(self.tell)
        self.worker = Subscriptions("w1", self._ask)

    def _ask(self, subject: str, payload: bytes) -> Future[bytes | None]:
        answer: Future[bytes | None] = Future()
        asyncio.get_running_loop().call_soon(self._answer, subject, payload, answer)
        return answer

    def _answer(self, subject: str, payload: bytes, answer: Future[bytes | None]) -> None:
        if self.away:
            answer.resolve(None)
        elif subject == SUBSCRIBE_SUBJECT:
            asked = msgspec.msgpack.decode(payload, type=SubscribeAsked)
            (self.kept.unsubscribe if asked.ends else self.kept.subscribe)(asked.listener, asked.subscription)
            answer.resolve(msgspec.msgpack.encode(SubscribeGiven()))
        else:
            listening = msgspec.msgpack.decode(payload, type=ListeningAsked)
            self.opened += listening.life == "open"
            told = self.kept.listen(listening)
            answer.resolve(msgspec.msgpack.encode(told))

    def tell(self, subject: str, payload: bytes) -> None:
        """To all workers, of which there is one."""
        take = self.worker.on_subscribed if subject == SUBSCRIBED_SUBJECT else self.worker.on_updated
        take(payload)

    def updated(self) -> None:
        """The note has changed."""
        self.kept.updated("one", "", NOTE, b'{"uri":"note://one","x-new":1}')


def test_a_caller_with_a_session_hears_of_what_it_subscribed_to() -> None:
    """On its GET stream, and no other caller does, though it has the same key and introduced itself alike; no more once
    it has unsubscribed. The capability is told, and each request is a record."""

    async def body() -> None:
        tools = ToolsProcess()
        heard: dict[str, list[Any]] = {"a": [], "b": []}

        def hear(name: str) -> Any:
            async def take(message: Any) -> None:
                heard[name].append(message)

            return take

        async with (
            ToolServer() as server,
            serving(server, stateless=False, subscriptions=tools.worker) as gateway,
            client_of(gateway, "legacy", message_handler=hear("a")) as first,
            client_of(gateway, "legacy", message_handler=hear("b")) as second,
        ):
            introduced = first.session.initialize_result
            assert introduced is not None and introduced.capabilities.resources is not None
            assert introduced.capabilities.resources.subscribe
            await first.subscribe_resource(NOTE)
            await second.subscribe_resource(NOTE)
            await second.unsubscribe_resource(NOTE)
            await until(lambda: tools.opened == 2, "both listen")
            tools.updated()
            await until(lambda: heard["a"], "the subscriber hears of it")
            (told,) = heard["a"]
            assert (told.method, str(told.params.uri)) == ("notifications/resources/updated", NOTE)
            await first.unsubscribe_resource(NOTE)
            tools.updated()
            await first.send_ping()
            assert (len(heard["a"]), heard["b"]) == (1, [])
            served = {(row["surface"], row["model_served"], row["status"]) for row in gateway.rows}
            assert served == {
                ("mcp.resource", "resources/subscribe", 200),
                ("mcp.resource", "resources/unsubscribe", 200),
            }

    asyncio.run(body())


def test_a_stream_of_the_stateless_era_is_its_subscription() -> None:
    """It acknowledges the resources that there are, tells of their updates, and ends with itself."""

    async def body() -> None:
        tools = ToolsProcess()
        async with (
            ToolServer() as server,
            serving(server, stateless=True, subscriptions=tools.worker) as gateway,
            client_of(gateway, STATELESS) as client,
        ):
            async with client.listen(resource_subscriptions=[NOTE, "note://none"]) as stream:
                assert stream.honored.resource_subscriptions == [NOTE]
                await until(lambda: tools.kept.wanted("one"), "it is subscribed")
                tools.updated()
                event = await anext(aiter(stream))
                assert isinstance(event, ResourceUpdated) and event.uri == NOTE
            await until(lambda: not tools.kept.wanted("one"), "it is subscribed no more")

    asyncio.run(body())


def test_a_subscription_is_refused_where_it_cannot_be_had() -> None:
    """A resource that the caller may not read does not exist for it; without a session, or while the tools process is
    away, it is told so."""

    async def body() -> None:
        tools = ToolsProcess()
        keys = {"some": ("one/add",), "all": ("*",)}
        async with (
            ToolServer() as server,
            serving(server, stateless=False, subscriptions=tools.worker, **keys) as gateway,
        ):
            async with client_of(gateway, "legacy", "sk-asb-some") as client:
                with pytest.raises(MCPError, match="Unknown resource"):
                    await client.subscribe_resource(NOTE)
            async with client_of(gateway, "legacy") as client:
                tools.away = True
                with pytest.raises(MCPError, match="not available now"):
                    await client.subscribe_resource(NOTE)
                tools.away = False
            asked = {"jsonrpc": "2.0", "id": 1, "method": "resources/subscribe", "params": {"uri": NOTE}}
            headers = {"authorization": "Bearer sk-asb-all", "accept": "application/json, text/event-stream"}
            async with httpx2.AsyncClient(headers=headers) as http:
                told = (await http.post(f"http://127.0.0.1:{gateway.port}/mcp", json=asked)).json()
            assert "session" in told["error"]["message"]
            assert tools.kept.wanted("one") == {}

    asyncio.run(body())


def test_what_a_worker_listens_to_outlives_the_tools_process() -> None:
    """When that has started anew, workers tell it again; nobody has to subscribe once more."""

    async def body() -> None:
        tools = ToolsProcess()
        async with (
            ToolServer() as server,
            serving(server, stateless=False, subscriptions=tools.worker) as gateway,
            client_of(gateway, "legacy") as client,
        ):
            await until(lambda: tools.opened, "it listens")
            await client.subscribe_resource(NOTE)
            tools.kept = Subscribers(tools.tell)
            tools.worker.tell_again()
            await until(lambda: tools.kept.wanted("one"), "the new life knows")

    asyncio.run(body())
