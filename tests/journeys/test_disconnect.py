"""A caller that goes away: seen at the upstream within 250 ms, recorded once as 499, and nothing goes on for it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.fakes.upstream import FakeUpstream, Gate, Reply
from tests.fakes.waiting import until
from tests.journeys.caller import Caller, request
from tests.journeys.gateway import Gateway, anthropic, fallback, openai, retries
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, CHAT_START, CHAT_WORDS, MESSAGES_PATH, chat, messages

SEEN_S = 0.25
CALLS = {"passed through": (CHAT_PATH, chat), "translated": (MESSAGES_PATH, messages)}


def hang_up(caller: Caller, how: str) -> float:
    """Leave, in one of the ways that callers do; returns when that was."""
    if how == "half":
        caller.writer.write_eof()
    elif how == "reset":
        caller.writer.transport.abort()
    else:
        caller.leave()
    return time.monotonic()


@pytest.mark.parametrize("how", ["close", "half", "reset"])
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("when", ["whole", "before the head", "before the first word", "mid-stream"])
async def test_the_upstream_sees_a_caller_leave(when: str, name: str, how: str) -> None:
    """Whatever the call waits for, its upstream connection ends within 250 ms of the caller's leaving."""
    path, body = CALLS[name]
    gate = Gate()
    replies: dict[str, Reply] = {
        "whole": Reply.json(CHAT_REPLY).but(before=(gate,)),
        "before the head": Reply.events(CHAT_START).but(before=(gate,)),
        "before the first word": Reply.events(CHAT_START, gate),
        "mid-stream": Reply.events(CHAT_START, *CHAT_WORDS, gate),
    }
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, retries=retries(2))) as gateway:
        upstream.queue(replies[when])
        async with gateway.caller() as caller:
            caller.send(request(path, body("openai/gpt-x", stream=when != "whole")))
            await gate.reached.arrive()
            if when == "mid-stream":
                await caller.head()
                await caller.until(b"you")
            left_s = hang_up(caller, how)
            assert await upstream.requests[0].gone.arrive() - left_s < SEEN_S
        await gateway.recorded()
        row = gateway.row
        assert (row["status"], row["outcome"], row["provider"]) == (499, "cancelled", "openai")
        assert row["attempts"] == 1
        assert len(upstream.requests) == 1


async def test_a_caller_that_leaves_while_the_gateway_dials() -> None:
    """A caller that goes before a connection is there leaves no connection with its request behind."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat()))
            await until(lambda: gateway.lasting.load.in_flight or gateway.rows, "the call has begun")
            caller.writer.transport.abort()
        await gateway.recorded()
        await gateway.settle()
        assert len(gateway.rows) == 1


async def test_a_caller_that_leaves_between_attempts() -> None:
    """A caller that goes during the pause before a retry is not retried for."""
    from asbru.routing import RetryPolicy

    slow = RetryPolicy(max=2, pause_initial_s=30.0, pause_max_s=30.0)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, retries=slow)) as gateway:
        assert gateway.door.rooms is not None
        gateway.door.rooms.chance = lambda: 0.9
        upstream.queue(Reply.json({"error": {}}, 500))
        arrived = upstream.expect(1)
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat()))
            await arrived.arrive()
            pool = next(iter(gateway.lasting.pools.values()))
            await until(lambda: pool.idle_connections == 1, "the first attempt has failed")
            caller.leave()
            await gateway.recorded()
        assert (gateway.row["status"], gateway.row["outcome"], gateway.row["attempts"]) == (499, "cancelled", 1)
        assert len(upstream.requests) == 1


async def test_a_caller_that_leaves_does_not_start_a_fallback() -> None:
    """Leaving ends the call: no other target is asked."""
    gate = Gate()
    async with FakeUpstream() as upstream:
        chain = fallback("openai/gpt-x", "anthropic/claude-x")
        async with Gateway(openai(upstream.url), anthropic(upstream.url), fallbacks=chain) as gateway:
            upstream.queue(Reply.json(CHAT_REPLY).but(before=(gate,)))
            async with gateway.caller() as caller:
                caller.send(request(CHAT_PATH, chat()))
                await gate.reached.arrive()
            await gateway.recorded()
            assert len(upstream.requests) == 1


async def test_half_told_usage_is_none() -> None:
    """When the caller left before the stream told its output, the placeholder of its start is not recorded."""
    from tests.journeys.talk import MESSAGES_START, MESSAGES_WORDS

    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.events(MESSAGES_START, MESSAGES_WORDS[0], gate))
        async with gateway.caller() as caller:
            caller.send(request(MESSAGES_PATH, messages(stream=True)))
            await gate.reached.arrive()
            await caller.head()
            await caller.until(b"Hi")
        await gateway.recorded()
        row: dict[str, Any] = gateway.row
        assert (row["outcome"], row["input_tokens"], row["usage_source"]) == ("cancelled", None, "none")


async def test_pipelined_calls_of_a_caller_that_leaves() -> None:
    """Calls that a caller had pipelined behind the one it left are never begun."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY).but(before=(gate,)))
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat()) * 3)
            await gate.reached.arrive()
        await gateway.recorded()
        await gateway.settle()
        assert len(upstream.requests) == 1
        assert len(gateway.rows) == 1
