"""What was judged is what is sent: a body says to the provider what it said to Asbru, and no credential goes along."""

from __future__ import annotations

import pytest
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.gateway import Gateway, anthropic, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, MESSAGES_PATH, MESSAGES_REPLY

_ASKED = '"messages":[{"role":"user","content":"Hi"}],"max_tokens":5'


@pytest.mark.parametrize("first", ['"model"', '"mod\\u0065l"'])
@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH])
async def test_a_member_that_comes_twice_is_sent_once(path: str, first: str) -> None:
    """Servers differ in which of two members they follow: the provider sees the one that was judged, however the other
    is spelled."""
    provider = openai if path == CHAT_PATH else anthropic
    async with FakeUpstream() as upstream, Gateway(provider(upstream.url, known_models=("small",))) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY if path == CHAT_PATH else MESSAGES_REPLY))
        body = f'{{{first}:"big",{_ASKED},"model":"small"}}'.encode()
        answer = await gateway.call(path, body)
        assert answer.status == 200 and gateway.row["model_asked"] == "small"
        seen = upstream.requests[0]
        assert seen.json()["model"] == "small" and b"big" not in seen.body


@pytest.mark.parametrize("name", ["MODEL", "Model", "\u017ftream", "max_to\u212aens"])
@pytest.mark.parametrize("path", [CHAT_PATH, MESSAGES_PATH])
async def test_a_judged_member_in_another_case_is_refused(path: str, name: str) -> None:
    """Some servers do not tell upper from lower case, in all of Unicode: such a body is not sent."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), anthropic(upstream.url)) as gateway:
        answer = await gateway.call(path, f'{{"model":"small",{_ASKED},"{name}":"big"}}'.encode())
        assert answer.status == 400 and "in lower case" in answer.error["message"]
        assert not upstream.requests


async def test_a_body_that_says_each_thing_once_goes_as_it_came() -> None:
    """The usual body arrives byte for byte, unknown members too."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, known_models=("small",))) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY))
        body = f'{{"model":"small",{_ASKED},"Models":"other","x":1.50}}'.encode()
        assert (await gateway.call(CHAT_PATH, body)).status == 200
        assert upstream.requests[0].body == body


@pytest.mark.parametrize(
    "query",
    [
        "apikey=sk-asb-secret", "api_key=sk-asb-secret", "API-KEY=sk-asb-secret", "k%65y=sk-asb-secret",
        "x-api-key=sk-asb-secret", "anthropic-api-key=sk-asb-secret", "access_token=sk-asb-secret",
        "auth=sk-asb-secret", "authorization=sk-asb-secret", "client_secret=sk-asb-secret", "sig=sk-asb-secret",
        "password=sk-asb-secret", "a=1;key=sk-asb-secret", "subscription-key=sk-asb-secret", "sk-asb-secret",
    ],
)  # fmt: skip
async def test_a_credential_in_the_query_stays(query: str) -> None:
    """Whatever the parameter is called and however it is spelled; what else stands in the query goes along."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, known_models=("small",))) as gateway:
        upstream.queue(Reply.json(CHAT_REPLY))
        target = f"{CHAT_PATH}?beta=true&{query}&page=2#sk-asb-secret"
        assert (await gateway.call(target, f'{{"model":"small",{_ASKED}}}'.encode())).status == 200
        assert upstream.requests[0].target.endswith("?beta=true&page=2")


@pytest.mark.parametrize("header", ["anthropic-api-key", "Anthropic-Auth-Token", "anthropic-secret", "X-Api-Key"])
async def test_a_credential_in_a_header_stays(header: str) -> None:
    """Headers of the provider's family go along, but for those that are called like a credential."""
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url, known_models=("small",))) as gateway:
        upstream.queue(Reply.json(MESSAGES_REPLY))
        lines = [f"{header}: sk-asb-secret", "anthropic-beta: b"]
        body = f'{{"model":"small",{_ASKED}}}'.encode()
        assert (await gateway.call(MESSAGES_PATH, body, headers=lines)).status == 200
        seen = upstream.requests[0].headers
        assert seen["anthropic-beta"] == "b" and "sk-asb-secret" not in "".join(seen.values())
