"""Bodies of very many elements, and large ones: refused or served, while the worker answers others."""

from __future__ import annotations

import asyncio
import gzip
import json

import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import request
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_PATH, chat, messages

from asbru.wire.json_elements import ELEMENTS_MAX

MANY = {
    "members": '{"model":"openai/m",' + ",".join(f'"m{n}":1' for n in range(ELEMENTS_MAX + 10)) + "}",
    "messages": '{"model":"openai/m","messages":[' + '{"a":1},' * (ELEMENTS_MAX // 2 + 10) + "{}]}",
    "numbers": '{"model":"openai/m","messages":[' + "1," * (ELEMENTS_MAX + 10) + "1]}",
    "spaced": '{"model" : "openai/m" , "x" : [' + "1 ,\n" * (ELEMENTS_MAX + 10) + "1] }",
}


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH])
@pytest.mark.parametrize("what", MANY)
async def test_a_body_of_too_many_elements_is_refused(what: str, path: str, coded: bool) -> None:
    """In words, with 400, before anything is decoded; the call is recorded."""
    body = MANY[what].encode()
    lines = ["Content-Encoding: gzip"] if coded else []
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        answer = await gateway.call(path, gzip.compress(body) if coded else body, headers=lines)
        if coded and what == "spaced":  # it shrank so much that it may not grow again
            assert answer.status == 413 and "100 times" in answer.error["message"]
        else:
            assert answer.status == 400 and str(ELEMENTS_MAX) in answer.error["message"]
        assert not upstream.requests and gateway.row["status"] == answer.status


@pytest.mark.parametrize("model", ["openai/m", "anthropic/m"])
async def test_a_large_body_of_few_elements_is_served(model: str) -> None:
    """Prose with many commas, passed on and translated; other connections are answered meanwhile."""
    words = 'one, two, [three], "four"\\ ' * 200_000
    body = {**chat(model, max_tokens=5), "messages": [{"role": "user", "content": words}]}
    reply = {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
    }
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY if model == "openai/m" else reply)
        async with gateway.caller() as other:
            call = asyncio.ensure_future(gateway.call(CHAT_PATH, body))
            while not call.done():
                other.send(request("/livez", method="GET"))
                assert (await other.answer()).status == 200
            assert (await call).status == 200
        assert words in json.dumps(upstream.requests[0].json(), ensure_ascii=False).replace("\\\\", "\\").replace(
            '\\"', '"'
        )


async def test_a_reply_of_too_many_elements_is_the_providers_mistake() -> None:
    """Where it must be read, to be translated."""
    reply = json.dumps(CHAT_REPLY).encode()[:-1] + b',"x":[' + b"1," * (ELEMENTS_MAX + 10) + b"1]}"
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.body(reply))
        answer = await gateway.call(MESSAGES_PATH, messages("openai/m"))
        assert answer.status == 502 and str(ELEMENTS_MAX) in answer.error["message"]
