"""The Responses API over a WebSocket, door to door: each response is a call; conversations are remembered."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.fakes.upstream import STALL, FakeUpstream, Reply
from tests.fakes.waiting import until
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.socket import Refused, Socket
from tests.journeys.talk import CHAT_STREAM, MESSAGES_STREAM
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage

from asbru.app.snapshot import Limits

ASK: dict[str, Any] = {"model": "openai/gpt-x", "input": "hi", "store": False}


@pytest.mark.parametrize("deflate", [True, False])
async def test_a_response_is_a_call(deflate: bool) -> None:
    """Events come as messages, in order and whole, and the call has its record."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM))
        async with Socket(gateway.port, deflate=deflate) as socket:
            socket.create(**ASK)
            events = await socket.response()
        kinds = [event["type"] for event in events]
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        [row] = await gateway.recorded()
        assert (row["surface"], row["status"], row["outcome"], row["stream"]) == ("openai.responses", 200, "ok", True)
        assert 0 < row["first_token_us"] < row["latency_us"] < 60_000_000


async def test_only_what_is_new_is_sent() -> None:
    """A conversation goes on from what the connection remembers, also after a prewarm, and after a change of model."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM), Reply.events(*MESSAGES_STREAM))
        async with Socket(gateway.port) as socket:
            socket.create(**ASK, instructions="Be brief", generate=False)
            *_, warm = await socket.response()
            assert (warm["type"], warm["response"]["output"]) == ("response.completed", [])
            assert upstream.requests == []
            socket.create(**{**ASK, "input": "two"}, previous_response_id=warm["response"]["id"])
            *_, first = await socket.response()
            again = {**ASK, "model": "anthropic/claude-x", "input": "three"}
            socket.create(**again, previous_response_id=first["response"]["id"])
            *_, second = await socket.response()
            assert second["response"]["previous_response_id"] == first["response"]["id"]
        asked, asked_next = (one.json()["messages"] for one in upstream.requests)
        assert [one["content"] for one in asked] == ["hi", "two"]
        assert [one["role"] for one in asked_next] == ["user", "assistant", "user"]
        rows = await gateway.recorded(3)
        assert [(row["attempts"], row["status"]) for row in rows] == [(0, 200), (1, 200), (1, 200)]


async def test_an_empty_conversation_is_gone_on_from() -> None:
    """Codex prepares with an empty input where its instructions are all that there is."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM))
        async with Socket(gateway.port) as socket:
            socket.create(**{**ASK, "input": []}, generate=False)
            *_, warm = await socket.response()
            socket.create(**ASK, previous_response_id=warm["response"]["id"])
            *_, told = await socket.response()
        assert told["type"] == "response.completed"


async def test_lanes_go_side_by_side() -> None:
    """Each lane answers in its own order and marks its events; lanes do not wait for each other."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(*(Reply.events(*CHAT_STREAM) for _ in range(3)))
        async with Socket(gateway.port) as socket:
            for lane in ("a", "b", "a"):
                socket.create(**ASK, stream_id=lane)
            events = [event for _ in range(3) for event in await socket.response()]
        ends = [event["stream_id"] for event in events if event["type"] == "response.completed"]
        assert sorted(ends) == ["a", "a", "b"]
        of_a = [event["type"] for event in events if event["stream_id"] == "a"]
        assert of_a[: len(of_a) // 2] == of_a[len(of_a) // 2 :]
        await gateway.recorded(3)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("not JSON", None),
        ("[]", None),
        ("{}", "type"),
        ('{"type":"session.update"}', "type"),
        ('{"type":"response.create","stream_id":""}', "stream_id"),
        ('{"type":"response.create","model":"openai/m","input":"x","background":true}', "background"),
        ('{"type":"response.create"}', "model"),
        ('{"type":"response.create","model":"openai/m","input":"x","previous_response_id":"resp_other"}',
         "previous_response_id"),
    ],
)  # fmt: skip
async def test_a_wrong_message_is_told_and_the_socket_stays(message: str, param: str | None) -> None:
    """An event `error` says what is wrong; the next message is served."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM))
        async with Socket(gateway.port) as socket:
            socket.say(message)
            [error] = await socket.response()
            assert (error["type"], error["error"]["param"]) == ("error", param)
            socket.create(**ASK)
            assert (await socket.response())[-1]["type"] == "response.completed"


async def test_steering_is_declined_as_documented() -> None:
    """Whoever steers gets its input back, with a code that its SDK knows."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, Socket(gateway.port) as socket:
        socket.say(json.dumps({"type": "response.steer", "previous_response_id": "resp_1", "input": "left"}))
        [told] = await socket.response()
        assert told["error"]["code"] == "steering_not_supported"
        assert told["steer"] == {"previous_response_id": "resp_1", "input": "left"}


async def test_a_refusal_is_told_on_the_socket() -> None:
    """A limit, or a model that does not exist, refuses a response and not the socket; Codex reads it in the stream."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        async with Socket(gateway.port) as socket:
            socket.create(**{**ASK, "model": "nobody/m"})
            [error] = await socket.response()
            assert (error["status"], error["error"]["code"]) == (404, "model_not_found")
        async with Socket(gateway.port, headers=("User-Agent: codex_exec/0.171.0",)) as socket:
            socket.create(**{**ASK, "model": "nobody/m"})
            [failed] = await socket.response()
            assert failed["response"]["error"]["code"] == "invalid_prompt"


async def test_who_has_no_key_gets_no_socket() -> None:
    """The handshake is refused before anything is upgraded; so is one to a path that has no sockets."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        sockets = {
            401: (Socket(gateway.port, key="sk-asb-unknown"), Socket(gateway.port, key=None)),
            426: (Socket(gateway.port, path="/v1/chat/completions"), Socket(gateway.port, version=12)),
        }
        for status, refusing in sockets.items():
            for socket in refusing:
                with pytest.raises(Refused) as refused:
                    await socket.__aenter__()
                assert refused.value.status == status


async def test_the_protocol_is_kept() -> None:
    """Pings are answered, a close is answered, a message in pieces is one message; a binary one closes."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM))
        async with Socket(gateway.port) as socket:
            socket.send(Ping(payload=b"x"))
            text = json.dumps({"type": "response.create", **ASK})
            socket.send(TextMessage(data=text[:20], message_finished=False), TextMessage(data=text[20:]))
            assert (await socket.response())[-1]["type"] == "response.completed"
            assert socket.pongs == 1
            socket.send(CloseConnection(code=1000))
            assert await socket.close_code() == 1000
        async with Socket(gateway.port) as socket:
            socket.send(BytesMessage(data=b"x"))
            assert await socket.close_code() == 1003
        async with Socket(gateway.port) as socket:
            socket.writer.write(b"\x81\x01x")  # not masked
            assert await socket.close_code() == 1002


@pytest.mark.parametrize("deflate", [True, False])
async def test_a_message_has_a_bound(deflate: bool) -> None:
    """One that is too large, as it comes or once it is decompressed, closes the socket, and takes no memory."""
    limits = Limits(body_bytes_max=4096)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), limits=limits) as gateway:
        async with Socket(gateway.port, deflate=deflate) as socket:
            socket.say(" " * 1_000_000)
            assert await socket.close_code() == 1009
        assert gateway.server.bodies.total == 0


async def test_a_caller_that_leaves_ends_its_calls() -> None:
    """The calls of a socket that is gone are cancelled, and recorded as such."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM[:2], STALL))
        async with Socket(gateway.port) as socket:
            socket.create(**ASK)
            await socket.event()
        [row] = await gateway.recorded()
        assert (row["outcome"], row["status"]) == ("cancelled", 499)


async def test_a_drain_waits_for_responses_and_closes() -> None:
    """A socket without a response under way is closed at once, with a code by which clients connect again."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway, Socket(gateway.port) as socket:
        assert await gateway.server.drain(5.0)
        assert await socket.close_code() == 1001


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
async def test_a_socket_that_ends_anywhere(reset: bool) -> None:
    """Within a message, which is then no call, or between two events of a response: nothing is left of it."""
    text = json.dumps({"type": "response.create", **ASK})
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:

        def end(socket: Socket) -> None:
            if reset:
                socket.writer.transport.abort()

        size = len(Socket(gateway.port, deflate=False).frames.send(TextMessage(data=text)))
        for at in range(0, size, 3):
            async with Socket(gateway.port, deflate=False) as socket:
                socket.writer.write(socket.frames.send(TextMessage(data=text))[:at])
                end(socket)
        assert gateway.rows == []
        upstream.otherwise = Reply.events(*CHAT_STREAM)
        async with Socket(gateway.port) as socket:
            socket.create(**ASK)
            count = len(await socket.response())
        for told in range(count):
            async with Socket(gateway.port) as socket:
                socket.create(**ASK)
                for _ in range(told):
                    await socket.event()
                end(socket)
        # whoever leaves before its message is read has not called
        await until(lambda: gateway.lasting.load.in_flight == 0 and not gateway.server.connections, "all are gone")
        assert count <= len(gateway.rows) <= count + 1
        assert {row["outcome"] for row in gateway.rows} <= {"ok", "cancelled"}
        assert gateway.server.bodies.total == 0
