"""Fuzzing at the two parser boundaries, with seeds: whatever bytes come, everybody gets a proper end.

Mutated requests are answered properly or hung up on; mutated answers of providers reach the caller as an answer or as
an error of its dialect. Nothing prints a traceback, nothing is left over, and the next good call is served.
"""

from __future__ import annotations

import itertools
import json
import os
import random

import pytest
from tests.fakes.upstream import FIN, FakeUpstream, Reply, Seen
from tests.journeys.caller import HungUp, UpstreamResponse, chunked, request
from tests.journeys.gateway import Gateway, anthropic, deadlines, openai
from tests.journeys.talk import (
    CHAT_PATH,
    CHAT_REPLY,
    CHAT_STREAM,
    MESSAGES_PATH,
    MESSAGES_STREAM,
    chat,
    messages,
)

from asbru.app.snapshot import Limits

ROUNDS = 200
SEEDS = range(int(os.environ.get("FUZZ_SEEDS", "4")))
PIECES = (
    b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b" ", b"\t", b":", b",", b"0", b"-1", b"fffffffff", b"chunked", b"\xff",
    b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"HTTP/1.1", b"GET / HTTP/1.1\r\n\r\n", b"data: ",
    b"\n\n", b'"', b"{", b"}", b"[", b"]", b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"Upgrade: h2c\r\n",
    b"Connection: Upgrade\r\n", b"null", b'{"error":{"message":"x"}}', b"[DONE]",
)  # fmt: skip
REQUESTS = (
    request(CHAT_PATH, chat()),
    request(CHAT_PATH, chat(stream=True)),
    request(MESSAGES_PATH, messages("openai/gpt-x", stream=True)),
    request(CHAT_PATH, length=False, headers=["Transfer-Encoding: chunked"]) + chunked(json.dumps(chat()).encode()),
    request("/livez", method="GET") * 3,
)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\n%b\r\n"
CHUNKED = HEAD % (b"text/event-stream", b"transfer-encoding: chunked\r\n")
WHOLE = json.dumps(CHAT_REPLY).encode()
ANSWERS = (
    HEAD % (b"application/json", b"content-length: %d\r\n" % len(WHOLE)) + WHOLE,
    HEAD % (b"application/json", b"transfer-encoding: chunked\r\n") + chunked(WHOLE, 60),
    CHUNKED + chunked(b"".join(CHAT_STREAM), 90),
    CHUNKED + chunked(b"".join(MESSAGES_STREAM), 90),
)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """`data` with one to three small wounds."""
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            data = data[:at] + chance.choice(PIECES) + data[at:]
        elif kind == 1:
            data = data[:at] + data[at + chance.randint(1, 12) :]
        elif kind == 2:
            data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
        else:
            data = data[:at]
    return data


@pytest.mark.parametrize("seed", SEEDS)
async def test_mutated_requests(seed: int) -> None:
    """A request with random wounds is answered, or the caller is hung up on; never a 500, and the next is served."""
    chance = random.Random(seed)
    limits = Limits(head_bytes_max=4096, body_bytes_max=65536)

    def answer(seen: Seen) -> Reply:
        streamed = b'"stream": true' in seen.body or b'"stream":true' in seen.body
        return Reply.events(*CHAT_STREAM) if streamed else Reply.json(CHAT_REPLY)

    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), limits=limits) as gateway:
        upstream.otherwise = answer
        for number in range(ROUNDS):
            data = mutated(chance.choice(REQUESTS), chance)
            async with gateway.caller() as caller:
                for at in range(0, len(data), 400):
                    caller.send(data[at : at + 400])
                    await gateway.turn()
                await gateway.settle()
                caller.writer.write_eof()
                said = await caller.hung_up()
                assert not said or said.startswith(b"HTTP/1.1 "), (number, data, said)
                assert b"HTTP/1.1 500" not in said, (number, data, said)
            assert len(upstream.requests) <= len(gateway.rows) + 1
        assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY
        assert not upstream.faults


@pytest.mark.parametrize("seed", SEEDS)
async def test_mutated_answers(seed: int) -> None:
    """A provider's answer with random wounds ends as an answer or an error for the caller, with one record."""
    chance = random.Random(seed)
    short = deadlines(first_token_s=0.2, idle_s=0.2, total_s=1.0)
    calls = (
        (CHAT_PATH, chat()),
        (CHAT_PATH, chat(stream=True)),
        (MESSAGES_PATH, messages("openai/gpt-x", stream=True)),
        (MESSAGES_PATH, messages("openai/gpt-x")),
        (MESSAGES_PATH, messages(stream=True)),
        (CHAT_PATH, chat("anthropic/claude-x", stream=True)),
    )
    async with FakeUpstream() as upstream:
        providers = openai(upstream.url, deadlines=short), anthropic(upstream.url, deadlines=short)
        async with Gateway(*providers) as gateway:
            for number in range(ROUNDS):
                path, body = chance.choice(calls)
                data = mutated(chance.choice(ANSWERS), chance)
                upstream.queue(Reply.raw(data, FIN))
                answer = await gateway.call(path, body)
                assert len(gateway.rows) == number + 1
                _check(answer, (number, path, data))
                gateway.lasting.keys.clear()
                gateway.swap(gateway.snapshot)
            upstream.queue(Reply.json(CHAT_REPLY))
            assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY


def _check(answer: UpstreamResponse, what: object) -> None:
    """The answer is whole, and an error has words."""
    assert answer.whole, what
    assert answer.status != 500, what
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        assert answer.status == 200, what
        return
    if answer.status != 200:
        assert answer.error["message"], what


async def test_cuts_change_nothing() -> None:
    """However a pipelined stream of requests is cut into segments, the answers are the same."""
    chance = random.Random(5)
    data = b"".join(
        [
            request(CHAT_PATH, chat()),
            request("/livez", method="GET"),
            request(CHAT_PATH, length=False, headers=["Transfer-Encoding: chunked"])
            + chunked(json.dumps(chat()).encode()),
            request("/v1/models", method="GET", headers=["Connection: Upgrade", "Upgrade: h2c"]),
            request(CHAT_PATH, chat("nobody/x"), headers=["Connection: Upgrade", "Upgrade: h2c"]),
            request("/livez", method="GET"),
        ]
    )
    expected = [200, 200, 200, 200, 404, 200]
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json(CHAT_REPLY)
        for _ in range(60):
            places = sorted({0, len(data), *(chance.randrange(len(data)) for _ in range(chance.randint(1, 8)))})
            async with gateway.caller() as caller:
                for start, end in itertools.pairwise(places):
                    caller.send(data[start:end])
                    await gateway.turn()
                try:
                    statuses = [(await caller.answer()).status for _ in expected]
                except HungUp as gone:
                    raise AssertionError(places) from gone
                assert statuses == expected, places
