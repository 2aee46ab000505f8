"""Every limit of the server, made small: what is over it is refused with an error that names it."""

from __future__ import annotations

import asyncio
import json

from tests.fakes.upstream import FakeUpstream, Gate, Reply
from tests.fakes.waiting import until
from tests.journeys.caller import KEY, chunked, request
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

from asbru.app.snapshot import Limits, Overload

NOWHERE = "http://127.0.0.1:9"
HEAD = f"POST {CHAT_PATH} HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {KEY}\r\n".encode()


async def test_head_bytes() -> None:
    """A head over its limit is 431, whether it comes whole, never ends, or is one endless target."""
    async with Gateway(openai(NOWHERE), limits=Limits(head_bytes_max=1024)) as gateway:
        whole = request("/livez", method="GET", headers=[f"X-A: {'a' * 1024}"])
        endless = HEAD + b"X-A: " + b"a" * 4096
        target = b"GET /" + b"a" * 4096
        for data in (whole, endless, target):
            answer = await gateway.refused(data)
            assert (answer.status, answer.error["code"]) == (431, "head_too_large")
            assert "limits.head_bytes_max" in answer.error["message"]
            assert "1024" in answer.error["message"]


async def test_a_head_within_its_limit_with_a_large_body() -> None:
    """The head's limit does not count body bytes that came in the same segment."""
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url), limits=Limits(head_bytes_max=1024)) as gateway,
    ):
        upstream.otherwise = Reply.json(CHAT_REPLY)
        assert (await gateway.call(CHAT_PATH, chat(user="a" * 8192))).status == 200


async def test_header_count() -> None:
    """Too many headers are 431, and the limit is named; just as many as allowed are served."""
    async with Gateway(openai(NOWHERE), limits=Limits(header_count_max=10)) as gateway:
        fits = [f"X-{n}: 1" for n in range(8)]
        assert (await gateway.call("/livez", method="GET", headers=fits)).status == 200
        answer = await gateway.refused(request("/livez", method="GET", headers=[*fits, "X-8: 1"]))
        assert (answer.status, answer.error["code"]) == (431, "head_too_large")
        assert "limits.header_count_max" in answer.error["message"]


async def test_a_wrong_key_is_refused_before_the_body() -> None:
    """401 at the head of a call whose body has yet to come, recorded as any other refusal; pages need no key."""
    async with Gateway(openai(NOWHERE)) as gateway:
        head = HEAD.replace(KEY.encode(), b"sk-asb-wrong")
        for framing in (b"Content-Length: 1000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n"):
            answer = await gateway.refused(head + framing)
            assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
        assert [row["status"] for row in await gateway.recorded(2)] == [401, 401]
        async with gateway.caller() as caller:
            caller.send(b"GET /livez HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\n")
            await gateway.turn()
            caller.send(b"abc")
            assert (await caller.answer()).status == 200


async def test_bodies_together() -> None:
    """Bodies that are received together are bounded: 503 with Retry-After, and the setting is named."""
    async with Gateway(openai(NOWHERE), limits=Limits(bodies_bytes_max=4096)) as gateway:
        answer = await gateway.refused(HEAD + b"Content-Length: 8192\r\n\r\n" + bytes(8000))
        assert (answer.status, answer.error["code"]) == (503, "overloaded")
        assert "limits.bodies_bytes_max" in answer.error["message"] and answer.headers["retry-after"] == "1"


async def test_body_bytes() -> None:
    """A body over its limit is 413: at its head when the length says so, in time when chunks do; never upstream."""
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url), limits=Limits(body_bytes_max=1000)) as gateway,
    ):
        upstream.otherwise = Reply.json(CHAT_REPLY)
        by_length = HEAD + b"Content-Length: 1001\r\n\r\n"
        by_chunks = HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(b"a" * 1001, 100)
        for data in (by_length, by_length + b"a" * 1001, by_chunks):
            answer = await gateway.refused(data)
            assert (answer.status, answer.error["code"]) == (413, "body_too_large")
            assert "limits.body_bytes_max" in answer.error["message"]
        body = json.dumps(chat(user="")).encode()
        fits = json.dumps(chat(user="a" * (1000 - len(body)))).encode()
        assert len(fits) == 1000
        assert (await gateway.call(CHAT_PATH, fits)).status == 200
        assert len(upstream.requests) == 1


async def test_a_refused_sender_can_read_its_answer() -> None:
    """A caller that goes on sending a body that was refused can still read why, on a connection that is not reset."""
    async with Gateway(openai(NOWHERE), limits=Limits(body_bytes_max=1000)) as gateway, gateway.caller() as caller:
        caller.send(HEAD + b"Content-Length: 8000000\r\n\r\n" + b"a" * 4_000_000)
        assert (await caller.answer()).status == 413
        caller.send(b"a" * 4_000_000)
        await caller.writer.drain()
        assert await caller.hung_up() == b""


async def test_connections() -> None:
    """A call on one connection too many is refused with 503 and Retry-After, and the connection closed; when one leaves
    there is room again."""
    async with Gateway(openai(NOWHERE), limits=Limits(connections_max=2)) as gateway:
        async with gateway.caller() as first, gateway.caller() as second:
            for caller in (first, second):
                caller.send(request("/livez", method="GET"))
                assert (await caller.answer()).status == 200
            async with gateway.caller() as third:
                third.send(request(CHAT_PATH, chat()))
                answer = await third.answer()
                assert (answer.status, answer.error["code"]) == (503, "overloaded")
                assert "limits.connections_max" in answer.error["message"]
                assert int(answer.headers["retry-after"]) >= 1
                third.writer.write_eof()
                assert await third.hung_up() == b""
        await until(lambda: not gateway.server.connections, "the callers are gone")
        assert (await gateway.call("/livez", method="GET")).status == 200


async def test_requests_in_flight() -> None:
    """One call too many is told 503 with Retry-After, is recorded, and the caller's connection stays open."""
    gate = Gate()
    bounds = {"limits": Limits(requests_in_flight_max=1), "overload": Overload(mode="drop")}
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), **bounds) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY).but(before=(gate,)), Reply.json(CHAT_REPLY))
        async with gateway.caller() as first, gateway.caller() as second:
            first.send(request(CHAT_PATH, chat()))
            await gate.reached.arrive()
            second.send(request(CHAT_PATH, chat()))
            answer = await second.answer()
            assert (answer.status, answer.error["code"]) == (503, "overloaded")
            assert "limits.requests_in_flight_max" in answer.error["message"]
            assert int(answer.headers["retry-after"]) >= 1
            assert gateway.row["error_code"] == "overloaded"
            gate.open()
            assert (await first.answer()).status == 200
            second.send(request(CHAT_PATH, chat()))
            assert (await second.answer()).status == 200


async def test_head_timeout() -> None:
    """A head that does not end in time (slowloris) is 408, and drips do not move the deadline."""
    limits = Limits(head_timeout_s=0.1, head_bytes_max=1 << 24)
    async with Gateway(openai(NOWHERE), limits=limits) as gateway, gateway.caller() as caller:
        caller.send(HEAD + b"X-A: ")
        answering = asyncio.create_task(caller.answer())
        while not answering.done():
            caller.send(b"a")
            await gateway.turn()
        answer = await answering
        assert (answer.status, answer.error["code"]) == (408, "request_timeout")
        assert "limits.head_timeout_s" in answer.error["message"]
        caller.writer.write_eof()
        assert await caller.hung_up() == b""


async def test_body_timeout() -> None:
    """A body that does not come in time is 408, and the limit is named."""
    async with Gateway(openai(NOWHERE), limits=Limits(body_timeout_s=0.1)) as gateway, gateway.caller() as caller:
        caller.send(HEAD + b"Content-Length: 10\r\n\r\nabc")
        answer = await caller.answer()
        assert (answer.status, answer.error["code"]) == (408, "request_timeout")
        assert "limits.body_timeout_s" in answer.error["message"]


async def test_idle_timeout() -> None:
    """A connection that asks for nothing is closed without a word, before its first request and after one."""
    async with Gateway(openai(NOWHERE), limits=Limits(idle_timeout_s=0.1)) as gateway:
        async with gateway.caller() as caller:
            assert await caller.hung_up() == b""
        async with gateway.caller() as caller:
            caller.send(request("/livez", method="GET"))
            assert (await caller.answer()).status == 200
            assert await caller.hung_up() == b""


async def test_a_call_outlives_the_idle_timeout() -> None:
    """A connection whose call is being served is not idle, however long that takes."""
    gate = Gate()
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url), limits=Limits(idle_timeout_s=0.1)) as gateway,
    ):
        upstream.queue(Reply.json(CHAT_REPLY).but(before=(gate,)))
        async with gateway.caller() as caller, gateway.caller() as idle:
            caller.send(request(CHAT_PATH, chat()))
            await gate.reached.arrive()
            assert await idle.hung_up() == b""
            gate.open()
            assert (await caller.answer()).status == 200


async def test_answer_bytes() -> None:
    """An answer over its limit is not held: the caller is told 502 with the limit's size."""
    async with (
        FakeUpstream() as upstream,
        Gateway(openai(upstream.url), limits=Limits(response_bytes_max=1000)) as gateway,
    ):
        for reply in (Reply.json({"a": "a" * 5000}), Reply.json({"a": "a" * 5000}).coded("gzip")):
            upstream.queue(reply)
            answer = await gateway.call(CHAT_PATH, chat())
            assert (answer.status, answer.error["code"]) == (502, "upstream_protocol")
            assert "1000 bytes" in answer.error["message"]
        assert [row["outcome"] for row in gateway.rows] == ["error", "error"]
