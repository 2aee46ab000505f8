"""What a provider may do to a worker by what it answers: bounded, and told in words."""

from __future__ import annotations

import time

import brotli
import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.talk import CHAT_PATH, CHAT_WORDS, MESSAGES_PATH, chat, messages

CPU_S_MAX = 2.0
"""Of quadratic work over these pages there would be tens of seconds."""


@pytest.mark.parametrize(
    "page", [b"<title", b"<title ", b"<title>", b"<script", b'{"error":', b"[", b"<!--", b"\\ud8"]
)
@pytest.mark.parametrize("own", [True, False])
async def test_an_error_page_costs_no_more_than_its_beginning(page: bytes, own: bool) -> None:
    """Of megabytes the first 64 KiB are read, in time that grows with them and not with their square."""
    async with FakeUpstream() as upstream:
        provider = openai(upstream.url) if own else anthropic(upstream.url)
        async with Gateway(provider) as gateway:
            upstream.otherwise = Reply.body(page * (8_000_000 // len(page)), "text/html", 500)
            began_s = time.process_time()
            answer = await gateway.call(CHAT_PATH, chat("openai/m" if own else "anthropic/m"))
            assert answer.status == 500 and len(answer.body) < 70_000
            assert time.process_time() - began_s < CPU_S_MAX


@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH])
async def test_a_stream_that_decodes_to_far_more_is_cut(path: str) -> None:
    """A few kilobytes that would be gigabytes end with an error in words, passed on or translated."""
    bomb = brotli.compress(CHAT_WORDS[0] + b": " + bytes(300_000_000), quality=5)
    assert len(bomb) < 4_000
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.events(bomb, **{"content-encoding": "br"}))
        body = chat("openai/m", stream=True) if path == CHAT_PATH else messages("openai/m", stream=True)
        answer = await gateway.call(path, body)
        assert b"100 times" in answer.body


@pytest.mark.parametrize("wait", ["1e308", "9" * 300, "Mon, 01 Jan 9999 00:00:00 GMT", "inf", "nan", "-1"])
@pytest.mark.parametrize("status", [429, 503])
async def test_a_wait_without_end_is_bounded(wait: str, status: int) -> None:
    """What a caller is told to wait is a number of seconds within a month, or nothing."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.otherwise = Reply.json({"error": {"message": "no"}}, status, **{"retry-after": wait})
        answer = await gateway.call(CHAT_PATH, chat())
        assert int(answer.headers.get("retry-after", "1")) <= 31 * 86_400


async def test_a_status_that_does_not_exist() -> None:
    """It is the provider's mistake, and not passed on."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.json({"error": {"message": "no"}}, 999))
        answer = await gateway.call(CHAT_PATH, chat())
        assert answer.status == 502 and "status 999" in answer.error["message"]


async def test_more_headers_than_are_read() -> None:
    """The caller is told what is wrong with the provider's response."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        upstream.queue(Reply.json({}, **{f"x-{number}": "1" for number in range(300)}))
        answer = await gateway.call(CHAT_PATH, chat())
        assert answer.status == 502 and "over 256 headers" in answer.error["message"]


async def test_more_choices_than_a_reply_has() -> None:
    """A translated stream with thousands of choices ends with an error; a request for as many is refused."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url)) as gateway:
        choice = b'data: {"id":"c","choices":[{"index":%d,"delta":{"content":"x"}}]}\n\n'
        upstream.queue(Reply.events(b"".join(choice % number for number in range(1000))))
        answer = await gateway.call(MESSAGES_PATH, messages("openai/m", stream=True))
        assert b"more than 128 choices" in answer.body
        assert (await gateway.call(CHAT_PATH, chat(n=129))).error["param"] == "n"
