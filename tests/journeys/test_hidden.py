"""A provider that quotes the credential it was shown: no caller, log or record hears of it."""

from __future__ import annotations

import json

import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.talk import (
    CHAT_DONE,
    CHAT_PATH,
    CHAT_STOP,
    CHAT_WORDS,
    MESSAGES_PATH,
    MESSAGES_START,
    MESSAGES_WORDS,
    chat,
    event,
    messages,
)

from asbru.app.snapshot import KeyFacts
from asbru.core.secret_text import SecretText

SECRET = "sk-up-7f3a/91b2c4d5e6f70819"
KEYS = (KeyFacts(name="main", value=SecretText(SECRET)),)
PARTS = (SECRET, SECRET.replace("/", "\\/"), SECRET[:16])


def said(quoted: str) -> bytes:
    """An error that quotes."""
    return b'{"type":"error","error":{"type":"x","message":"the key %b has no credit","code":"%b"}}' % (
        quoted.encode(), quoted.encode(),
    )  # fmt: skip


def check(gateway: Gateway, body: bytes, logged: str) -> None:
    """Nothing holds the key, not even its beginning."""
    told = body.decode() + json.dumps(gateway.rows, default=str) + logged
    assert "[hidden]" in body.decode()
    assert "sk-up-7f3a" not in told


@pytest.mark.parametrize("quoted", PARTS)
@pytest.mark.parametrize("status", [200, 400, 402, 403, 404, 422, 429, 500, 503])
@pytest.mark.parametrize("own", [True, False])
async def test_an_error_that_quotes_the_key(
    status: int, quoted: str, own: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever its status, in the dialect of the caller or in another, cut or escaped."""
    async with FakeUpstream() as upstream:
        provider = openai(upstream.url, keys=KEYS) if own else anthropic(upstream.url, keys=KEYS)
        async with Gateway(provider) as gateway:
            upstream.otherwise = Reply.body(said(quoted), status=status, **{"x-ratelimit-note": quoted})
            answer = await gateway.call(CHAT_PATH, chat("openai/m" if own else "anthropic/m"))
            assert answer.status >= 400 and "sk-up" not in str(answer.header_list)
            check(gateway, answer.body, capsys.readouterr().err)


@pytest.mark.parametrize("begun", [True, False])
async def test_an_error_in_a_stream_that_quotes_the_key(begun: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """Also in a stream that is translated, before its first content and after."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=KEYS)) as gateway:
        fault = b"data: " + said(SECRET) + b"\n\n"
        upstream.queue(Reply.events(*((CHAT_WORDS[0], fault) if begun else (fault,))))
        answer = await gateway.call(MESSAGES_PATH, messages("openai/m", stream=True))
        check(gateway, answer.body, capsys.readouterr().err)


PASSED = {
    CHAT_PATH: (CHAT_WORDS, b"data: %b"),
    MESSAGES_PATH: ((MESSAGES_START, *MESSAGES_WORDS), b"event: error\ndata: %b"),
}


@pytest.mark.parametrize("quoted", PARTS)
@pytest.mark.parametrize("way", ["an event", "with others", "in two pieces", "not ended"])
@pytest.mark.parametrize("path", PASSED)
async def test_an_error_in_a_stream_that_is_passed_on(
    path: str, way: str, quoted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """However it arrives: what came before it reaches the caller as it is, and the error without the key."""
    begun, form = PASSED[path]
    before, fault = b"".join(begun), form % said(quoted)
    pieces = {
        "an event": (before, fault + b"\n\n"),
        "with others": (before + fault + b"\n\n",),
        "in two pieces": (before, fault[:60], fault[60:] + b"\n\n"),
        "not ended": (before, fault),
    }[way]
    async with FakeUpstream() as upstream:
        provider = (openai if path == CHAT_PATH else anthropic)(upstream.url, keys=KEYS)
        asked = chat(stream=True) if path == CHAT_PATH else messages(stream=True)
        async with Gateway(provider) as gateway:
            upstream.queue(Reply.events(*pieces))
            answer = await gateway.call(path, asked)
            assert answer.body.startswith(before)
            check(gateway, answer.body, capsys.readouterr().err)


async def test_an_error_that_quotes_another_key_of_the_provider(capsys: pytest.CaptureFixture[str]) -> None:
    """The one that was not sent with this request is hidden too."""
    other = KeyFacts(name="other", value=SecretText("sk-other-0123456789abcdef"))
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=(*KEYS, other))) as gateway:
        upstream.otherwise = Reply.body(said("sk-other-0123456789abcdef"), status=400)
        answer = await gateway.call(CHAT_PATH, chat())
        assert b"sk-other" not in answer.body and "sk-other" not in capsys.readouterr().err
        assert b"[hidden]" in answer.body


async def test_what_is_no_error_is_passed_on_as_it_is() -> None:
    """A model that writes what a key begins with, or of an error, is not mended."""
    choice = {"index": 0, "delta": {"content": f'"error": {SECRET} error'}, "finish_reason": None}
    words = (CHAT_WORDS[0], event({"id": "c1", "choices": [choice]}), CHAT_STOP, CHAT_DONE)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, keys=KEYS)) as gateway:
        upstream.queue(Reply.events(*words))
        answer = await gateway.call(CHAT_PATH, chat(stream=True))
        assert answer.body == b"".join(words)
