"""The gateway inside an application: the served path without HTTP, against fake providers and the mock."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.upstream import FIN, STALL, FakeUpstream, Gate, Reply
from tests.journeys.talk import CHAT_REPLY, CHAT_START, CHAT_STREAM, CHAT_WORDS, MESSAGES_REPLY

import asbru
from asbru.pipeline import Load
from asbru.storage import DATABASE_NAME

ASK: list[dict[str, Any]] = [{"role": "user", "content": "hello"}]
KEY = "sk-asb-0123456789abcdef"


def config(upstream: FakeUpstream, **more: Any) -> dict[str, Any]:
    """A provider of the OpenAI dialect, named `fake`."""
    fake = {
        "type": "custom",
        "dialect": "openai",
        "base_url": f"{upstream.url}/v1",
        "allow_loopback": True,
        "keys": [{"name": "k", "value": "secret"}],
        "retries": {"max": 0},
        "prices": {"*": {"input": 1, "output": 2}},
        **more.pop("fake", {}),
    }
    return {"providers": {"fake": fake, **more.pop("providers", {})}, **more}


async def test_a_whole_chat() -> None:
    """The request is the provider's, the reply has its bytes, who served it, and what it cost."""
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY))
        reply = await gateway.chat(model="fake/m", messages=ASK, temperature=0.5, headers={"user-agent": "mine/1"})
        assert reply.data == CHAT_REPLY and reply.text == CHAT_REPLY["choices"][0]["message"]["content"]
        assert (reply.status, reply.provider) == (200, "fake") and reply.id.startswith("req_")
        usage = CHAT_REPLY["usage"]
        assert reply.cost_nanousd == usage["prompt_tokens"] * 1000 + usage["completion_tokens"] * 2000
        [seen] = upstream.requests
        assert seen.json() == {"model": "m", "messages": ASK, "temperature": 0.5}
        assert seen.headers["authorization"] == "Bearer secret" and seen.headers["user-agent"] == "mine/1"


async def test_a_stream() -> None:
    """Its events as objects, without the terminator; the cost once it has ended."""
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        upstream.queue(Reply.events(*CHAT_STREAM))
        stream = await gateway.chat(model="fake/m", messages=ASK, stream=True)
        assert stream.provider == "fake" and stream.cost_nanousd is None
        words = [choice["delta"].get("content") or "" async for event in stream for choice in event["choices"]]
        assert "".join(words) and stream.cost_nanousd is not None


async def test_other_operations() -> None:
    """Embeddings, another dialect (translated), and the list of models."""
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        vectors: dict[str, Any] = {"object": "list", "data": [], "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        upstream.queue(Reply.json(vectors))
        assert (await gateway.embeddings(model="fake/m", input="a")).data == vectors
        with pytest.raises(asbru.CallError) as refused:
            await gateway.call("anthropic.messages", {"model": "none", "max_tokens": 1, "messages": ASK})
        assert refused.value.data["type"] == "error" and refused.value.status == 404
        upstream.on("/v1/chat/completions", Reply.json(CHAT_REPLY))
        reply = await gateway.call("anthropic.messages", {"model": "fake/m", "max_tokens": 9, "messages": ASK})
        assert reply.data["type"] == MESSAGES_REPLY["type"]
        upstream.on("/v1/models", Reply.json({"object": "list", "data": [{"id": "m"}]}))
        assert await gateway.models() == ["fake/m"]
        with pytest.raises(ValueError, match=r"expected one of .*openai\.chat"):
            await gateway.call("openai.none", {})


async def test_the_mock_runs_in_the_application(tmp_path: Path) -> None:
    """A file is read like a mapping; the mock is there without a process."""
    file = tmp_path / "asbru.yaml"
    file.write_text("providers: {mock: {}}\n")
    async with asbru.Gateway(file) as gateway:
        assert (await gateway.chat(model="mock/echo", messages=ASK)).text == "hello"
        assert (await gateway.embeddings(model="mock/embed", input="a")).data["data"]


async def test_two_gateways_in_one_application() -> None:
    """Each has its own models and keys, also at the same time; one that is closed leaves the other open. Speech is
    bytes."""
    governed = {"virtual_keys": [{"name": "k", "value": KEY}]}
    own = asbru.Gateway({"providers": {"mock": {}}, "models": {"own": "mock/echo"}})
    async with own, asbru.Gateway({"providers": {"mock": {}}, **governed}, key=KEY) as other:
        calls = [gateway.chat(model="mock/echo", messages=ASK) for gateway in (own, other) * 5]
        assert {reply.text for reply in await asyncio.gather(*calls)} == {"hello"}
        assert (await own.chat(model="own", messages=ASK)).text == "hello"
        with pytest.raises(asbru.CallError, match="'own' is unknown"):
            await other.chat(model="own", messages=ASK)
        await own.close()
        spoken = await other.call("openai.speech", {"model": "mock/speak", "input": "hi", "voice": "alloy"})
        assert spoken.body.startswith(b"RIFF")


async def test_a_configuration_that_is_wrong() -> None:
    """Everything that is wrong, before anything is served; a gateway that is not open takes no calls."""
    gateway = asbru.Gateway({"providers": {"groc": {}}, "limits": {"body_bytes_max": "x"}})
    with pytest.raises(asbru.ConfigRefusedError) as refused:
        await gateway.open()
    assert len(refused.value.problems) == 2
    with pytest.raises(RuntimeError, match="not open"):
        await gateway.chat(model="m", messages=[])
    await gateway.close()


async def test_a_fallback_serves() -> None:
    """What fails goes to the next target, as served."""
    async with FakeUpstream() as upstream:
        wanted = config(upstream, providers={"mock": {}}, fallbacks=[{"from": "fake/*", "to": ["mock/echo"]}])
        async with asbru.Gateway(wanted) as gateway:
            upstream.queue(Reply.json({"error": {"message": "down"}}, 500))
            reply = await gateway.chat(model="fake/m", messages=ASK)
            assert (reply.provider, reply.text) == ("mock", "hello")


async def test_a_providers_error_is_raised_as_it_came() -> None:
    """Status, words and body are the provider's; when to come back is known."""
    body = {
        "error": {"message": "slow down", "type": "rate_limit_error", "code": "rate_limit_exceeded", "param": None}
    }
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        upstream.queue(Reply.json(body, 429, retry_after="7"))
        with pytest.raises(asbru.CallError) as failed:
            await gateway.chat(model="fake/m", messages=ASK)
        error = failed.value
        assert (error.status, error.code, error.message) == (429, "rate_limit_exceeded", "slow down")
        assert error.data == body and error.retry_after_s == 7.0 and error.id


@pytest.mark.parametrize("stream", [False, True])
async def test_a_cancelled_call_ends_at_the_provider(stream: bool) -> None:
    """The application gives up; the provider sees its connection end."""
    gate = Gate()
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY).but(before=(gate,)))
        call = asyncio.ensure_future(
            gateway.call("openai.chat", {"model": "fake/m", "messages": ASK, "stream": stream})
        )
        await gate.reached.arrive()
        call.cancel()
        await upstream.requests[0].gone.arrive()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize("how", ["aclose", "async with", "let go", "close"])
async def test_a_stream_that_is_left_ends_at_the_provider(how: str) -> None:
    """Closed, left by its block, forgotten, or with the gateway."""
    gate = Gate()
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        upstream.queue(Reply.events(CHAT_START, *CHAT_WORDS, gate))
        stream = await gateway.chat(model="fake/m", messages=ASK, stream=True)
        assert await anext(stream)
        if how == "async with":
            async with stream:
                pass
        elif how == "aclose":
            await stream.aclose()
        elif how == "close":
            await gateway.close()
        else:
            del stream
            gc.collect()
        await upstream.requests[0].gone.arrive()


async def test_a_stream_that_is_cut_raises() -> None:
    """What came is given first; then the error that an HTTP caller would find in the stream."""
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        upstream.queue(Reply.events(CHAT_START, *CHAT_WORDS, FIN))
        stream = await gateway.chat(model="fake/m", messages=ASK, stream=True)
        seen: list[dict[str, Any]] = []
        with pytest.raises(asbru.CallError) as failed:
            async for event in stream:
                seen.append(event)
        assert len(seen) == 1 + len(CHAT_WORDS)
        assert failed.value.code == "upstream_cut" and failed.value.data["error"]["message"]


async def test_deadlines_hold() -> None:
    """A provider that says nothing is given up as when served."""
    impatient = {"deadlines": {"total_s": 0.3}}
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream, fake=impatient)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY).but(before=(STALL,)))
        with pytest.raises(asbru.CallError) as failed:
            await gateway.chat(model="fake/m", messages=ASK)
        assert (failed.value.status, failed.value.code) == (504, "upstream_timeout")


async def test_deadlines_hold_after_a_bug(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """An error in the look at deadlines is logged, and they are looked at again."""
    failed: list[float] = []
    sweep = Load.sweep

    def fail_once(load: Load, now_s: float) -> None:
        if not failed:
            failed.append(now_s)
            raise RuntimeError("a bug of the test")
        sweep(load, now_s)

    monkeypatch.setattr(Load, "sweep", fail_once)
    impatient = {"deadlines": {"total_s": 0.6}}
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream, fake=impatient)) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY).but(before=(STALL,)))
        with pytest.raises(asbru.CallError) as error:
            async with asyncio.timeout(10):
                await gateway.chat(model="fake/m", messages=ASK)
        assert error.value.code == "upstream_timeout" and failed
    assert "a bug of the test" in capfd.readouterr().err


async def test_keys_and_limits() -> None:
    """Virtual keys are asked for, and their limits hold without a database of one's own."""
    limited = {"name": "app", "value": KEY, "rate_limits": [{"metric": "requests", "window": "1h", "amount": 2}]}
    async with FakeUpstream() as upstream:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        async with asbru.Gateway(config(upstream, virtual_keys=[limited]), key=KEY) as gateway:
            with pytest.raises(asbru.CallError) as refused:
                await gateway.chat(model="fake/m", messages=ASK, key="sk-asb-wrong")
            assert refused.value.status == 401
            for _ in range(2):
                await gateway.chat(model="fake/m", messages=ASK)
            with pytest.raises(asbru.CallError) as refused:
                await gateway.chat(model="fake/m", messages=ASK)
            assert refused.value.status == 429
            assert len(upstream.requests) == 2


async def test_records_where_there_is_a_data_directory(tmp_path: Path) -> None:
    """Each call has its row once the gateway is closed."""
    async with FakeUpstream() as upstream:
        upstream.queue(Reply.json(CHAT_REPLY))
        async with asbru.Gateway(config(upstream), data_dir=tmp_path) as gateway:
            reply = await gateway.chat(model="fake/m", messages=ASK, headers={"x-asbru-tag-team": "blue"})
    with sqlite3.connect(tmp_path / DATABASE_NAME) as database:
        rows = database.execute("SELECT id, surface, provider, cost_nanousd, tags FROM requests").fetchall()
    database.close()
    assert [row[:4] for row in rows] == [(reply.id, "openai.chat", "fake", reply.cost_nanousd)]
    assert "blue" in rows[0][4]


async def test_a_data_directory_is_of_one_gateway(tmp_path: Path) -> None:
    """Another is refused as long as the first is open."""
    async with FakeUpstream() as upstream:
        async with asbru.Gateway(config(upstream), data_dir=tmp_path):
            with pytest.raises(OSError, match=f"is in use by another gateway .process {os.getpid()}"):
                await asbru.Gateway(config(upstream), data_dir=tmp_path).open()
        async with asbru.Gateway(config(upstream), data_dir=tmp_path) as after:
            assert after.warnings == ()


async def test_a_body_that_is_too_large() -> None:
    """Refused by the same bound as a served one."""
    bounded = {"body_bytes_max": 2000}
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream, limits=bounded)) as gateway:
        with pytest.raises(asbru.CallError) as refused:
            await gateway.chat(model="fake/m", messages=[{"role": "user", "content": "x" * 3000}])
        assert (refused.value.status, refused.value.code) == (413, "body_too_large")


@pytest.mark.parametrize(
    ("name", "value"), [("user-agent", "a\r\nx-evil: 1"), ("user-agent", "a\nb"), ("a: b\r\nc", "d")]
)
async def test_a_header_that_is_more_than_one_is_refused(name: str, value: str) -> None:
    """No line of an application's user becomes a header of the request to a provider."""
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        with pytest.raises(ValueError, match="expected the name of a header"):
            await gateway.chat(model="fake/m", messages=ASK, headers={name: value})
        assert not upstream.requests


async def test_files_and_batches_are_not_offered() -> None:
    """Who keeps no index of objects does not list what would need one."""
    async with FakeUpstream() as upstream, asbru.Gateway(config(upstream)) as gateway:
        for operation in ("openai.files", "openai.batches.read", "anthropic.messages.batches"):
            with pytest.raises(ValueError, match="there is no operation"):
                await gateway.call(operation, b"")
        assert not upstream.requests
