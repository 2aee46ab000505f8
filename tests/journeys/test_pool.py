"""The pool of connections to a provider, seen from outside: bounded, shared in order, never stuck."""

from __future__ import annotations

import asyncio

import msgspec
from tests.fakes.upstream import FakeUpstream, Gate, Reply
from tests.fakes.waiting import until
from tests.journeys.caller import request
from tests.journeys.gateway import Gateway, fallback, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, CHAT_START, CHAT_STREAM, CHAT_WORDS, chat

from asbru.app.snapshot import Overload

GOOD = Reply.json(CHAT_REPLY)


async def test_calls_above_the_bound_wait_their_turn() -> None:
    """With two connections allowed, six calls use two, and all are answered."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, connections_max=2)) as gateway:
        upstream.queue(GOOD.but(before=(gate,)), GOOD.but(before=(gate,)))
        upstream.otherwise = GOOD
        calls = [asyncio.create_task(gateway.call(CHAT_PATH, chat())) for _ in range(6)]
        await until(lambda: gateway.lasting.load.in_flight == 6, "six calls in flight")
        await gate.reached.arrive()
        gate.open()
        assert [answer.status for answer in await asyncio.gather(*calls)] == [200] * 6
        assert upstream.connections == 2


async def test_a_wait_for_a_connection_ends() -> None:
    """A call that gets no connection in time is refused with 503, Retry-After and the name of the setting."""
    gate = Gate()
    overload = Overload(wait_s=0.5)
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url, connections_max=1), overload=overload) as gateway,
    ):
        upstream.queue(GOOD.but(before=(gate,)))
        first = asyncio.create_task(gateway.call(CHAT_PATH, chat()))
        await gate.reached.arrive()
        answer = await gateway.call(CHAT_PATH, chat())
        assert (answer.status, answer.error["code"], answer.headers["retry-after"]) == (503, "overloaded", "1")
        assert "overload.wait_s" in answer.error["message"]
        gate.open()
        assert (await first).status == 200


async def test_a_provider_without_capacity_leads_to_the_fallback() -> None:
    """Where nobody may wait for a connection, the next target is tried; without one the call is refused with 503."""
    gate = Gate()
    async with FakeUpstream() as upstream:
        providers = (openai(upstream.url, connections_max=1), openai(upstream.url, name="b", connections_max=2))
        bounds = {"overload": Overload(mode="drop"), "fallbacks": fallback("openai/gpt-x", "b/gpt-x")}
        async with Gateway(*providers, **bounds) as gateway:
            upstream.queue(GOOD.but(before=(gate,)), GOOD)
            first = asyncio.create_task(gateway.call(CHAT_PATH, chat()))
            await gate.reached.arrive()
            assert (await gateway.call(CHAT_PATH, chat())).headers["x-asbru-provider"] == "b"
            answer = await gateway.call(CHAT_PATH, chat("openai/other"))
            assert (answer.status, answer.headers["retry-after"]) == (503, "1")
            assert "connections_max" in answer.error["message"]
            gate.open()
            assert (await first).status == 200


async def test_a_failed_dial_lets_the_next_one_try() -> None:
    """When a dial fails, who waits behind it dials in turn, and hears the reason rather than a timeout."""
    async with Gateway(openai("http://127.0.0.1:9", connections_max=1)) as gateway:
        answers = await asyncio.gather(*[gateway.call(CHAT_PATH, chat()) for _ in range(4)])
        assert {answer.error["code"] for answer in answers} == {"upstream_unreachable"}
        assert len(gateway.rows) == 4


async def test_a_caller_that_leaves_the_queue() -> None:
    """A call whose caller left while it waited is not sent, and blocks nobody behind it."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, connections_max=1)) as gateway:
        upstream.queue(GOOD.but(before=(gate,)))
        upstream.otherwise = GOOD
        first = asyncio.create_task(gateway.call(CHAT_PATH, chat()))
        await gate.reached.arrive()
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat()))
            await until(lambda: gateway.lasting.load.in_flight == 2, "it waits")
            third = asyncio.create_task(gateway.call(CHAT_PATH, chat()))
            await until(lambda: gateway.lasting.load.in_flight == 3, "another waits behind it")
        await gateway.recorded(1)
        gate.open()
        assert ((await first).status, (await third).status) == (200, 200)
        assert len(upstream.requests) == 2
        assert sorted(row["outcome"] for row in gateway.rows) == ["cancelled", "ok", "ok"]


async def test_an_abandoned_connection_makes_room() -> None:
    """A connection that is closed because its caller left makes room for who waits."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, connections_max=1)) as gateway:
        upstream.queue(Reply.events(CHAT_START, CHAT_WORDS[0], gate))
        upstream.otherwise = GOOD
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat(stream=True)))
            await gate.reached.arrive()
            second = asyncio.create_task(gateway.call(CHAT_PATH, chat()))
            await until(lambda: gateway.lasting.load.in_flight == 2, "it waits")
        assert (await second).status == 200
        assert upstream.connections == 2


async def test_a_provider_that_a_reload_removes() -> None:
    """A call on a provider that a reload removed goes on to its end; its connections are closed afterwards."""
    gate = Gate()
    async with FakeUpstream() as upstream, FakeUpstream() as other, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(CHAT_START, CHAT_WORDS[0], gate, *CHAT_STREAM[2:]))
        other.otherwise = GOOD
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat(stream=True)))
            await caller.head()
            await caller.until(b"Hi")
            gateway.swap(msgspec.structs.replace(gateway.snapshot, providers=(openai(other.url),)))
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
            gate.open()
            assert b"[DONE]" in (await caller.rest()).body
        await until(lambda: not upstream.open_connections, "the old connections are closed")
        assert (len(upstream.requests), len(other.requests)) == (1, 1)
