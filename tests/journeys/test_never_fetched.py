"""Addresses that Asbru knows of and never connects to: in a message, and of a proxy in the environment."""

from __future__ import annotations

import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_REPLY, chat


@pytest.mark.parametrize("model", ["openai/m", "anthropic/m"])
async def test_an_image_s_url_goes_to_the_provider_as_it_is(model: str) -> None:
    """Passed on or translated, nobody asks for the image."""
    async with FakeUpstream() as upstream, FakeUpstream() as pictures:
        asked = {"type": "image_url", "image_url": {"url": f"{pictures.url}/a.png"}}
        async with Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
            upstream.queue(Reply.json(CHAT_REPLY if model == "openai/m" else MESSAGES_REPLY))
            call = {**chat(model), "messages": [{"role": "user", "content": [asked]}]}
            assert (await gateway.call(CHAT_PATH, call)).status == 200
        assert f"{pictures.url}/a.png".encode() in upstream.requests[0].body
        assert pictures.requests == []


async def test_the_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the provider's own setting names a proxy."""
    async with FakeUpstream() as upstream, FakeUpstream() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv(name.upper(), proxy.url)
        async with Gateway(openai(upstream.url)) as gateway:
            upstream.queue(Reply.json(CHAT_REPLY))
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert len(upstream.requests) == 1 and proxy.requests == []
