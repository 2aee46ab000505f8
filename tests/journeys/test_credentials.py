"""Keys that are no fixed header, over real sockets: a made-up signature, and made-up tokens from a real server."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from typing import Any

import msgspec
from tests.fakes.upstream import FIN, FakeUpstream, Gate, Reply, Seen
from tests.fakes.waiting import until
from tests.journeys.caller import request
from tests.journeys.gateway import Gateway, anthropic, fallback, keys, openai, retries
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, CHAT_STREAM, MESSAGES_REPLY, chat, chat_text

from asbru.upstream.credentials import (
    Credential,
    FixedCredential,
    KeyMaterial,
    OutgoingRequest,
    SignedCredential,
    Token,
    TokenCredential,
    TokenFlow,
    TokenPorts,
    TokenRequest,
)

HERE = "tests.journeys.test_credentials"
GOOD = Reply.json(CHAT_REPLY)


def make_signed(material: KeyMaterial, ports: TokenPorts) -> Credential:
    """A made-up signature: an HMAC of everything that a request consists of."""
    del ports
    secret = material.value.reveal().encode()

    def sign(request: OutgoingRequest) -> bytes:
        when = b"%d" % int(request.unix_s)
        mac = hmac.new(secret, b"\n".join((request.method, request.authority, request.target, when, b"")), "sha256")
        for piece in request.body_pieces():
            mac.update(piece)
        return b"x-date: %b\r\nauthorization: HMAC %b\r\n" % (when, mac.hexdigest().encode())

    return SignedCredential(sign)


def signature(seen: Seen, secret: bytes) -> str:
    """What the Authorization of a request as it arrived must say."""
    headers = seen.headers
    words = (seen.method, headers["host"], seen.target, headers["x-date"], "")
    return "HMAC " + hmac.new(secret, "\n".join(words).encode() + seen.body, hashlib.sha256).hexdigest()


def make_token(material: KeyMaterial, ports: TokenPorts) -> Credential:
    """A made-up source of tokens beside the provider, asked with the key."""
    root = material.base_url.removesuffix("/v1")

    def flow(unix_s: float) -> TokenFlow:
        body = json.dumps({"secret": material.value.reveal(), "at": int(unix_s)}).encode()
        answer = yield TokenRequest("POST", f"{root}/token", (("content-type", "application/json"),), body)
        told = json.loads(answer.body)
        return Token(FixedCredential.of_header("authorization", f"Bearer {told['token']}"), told["expires_in"])

    return TokenCredential(flow, ports)


def tokens(*said: Any) -> list[Reply]:
    """Answers of the source of tokens."""
    return [Reply.json({"token": one, "expires_in": 3600}) for one in said]


def shown(upstream: FakeUpstream) -> list[tuple[str, str]]:
    """Path and Authorization of every request."""
    return [(seen.path, seen.headers.get("authorization", "")) for seen in upstream.requests]


async def test_what_arrives_is_what_was_signed() -> None:
    """Method, host, path with query, time and body, whatever the gateway changed of what the caller sent."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, auth=f"{HERE}:make_signed")) as gateway:
        upstream.otherwise = GOOD
        for path, size in ((CHAT_PATH, 10), (f"{CHAT_PATH}?a=b&c=%20", 10), (CHAT_PATH, 700_000)):
            messages = [{"role": "user", "content": "x" * size}]
            assert (await gateway.call(path, {"model": "openai/gpt-x", "messages": messages})).status == 200
        upstream.otherwise = Reply.events(*CHAT_STREAM)
        told = await gateway.call(CHAT_PATH, chat(stream=True))
        assert chat_text(told.body)
        assert [seen.target for seen in upstream.requests[:2]] == [
            "/v1/chat/completions",
            "/v1/chat/completions?a=b&c=%20",
        ]
        for seen in upstream.requests:
            assert seen.headers["authorization"] == signature(seen, b"sk-o1")


async def test_a_retry_and_a_translation_are_signed_anew() -> None:
    """Every attempt is a request of its own, in the dialect that is sent."""
    facts = {"auth": f"{HERE}:make_signed", "retries": retries(1)}
    async with FakeUpstream() as upstream, Gateway(anthropic(upstream.url, **facts)) as gateway:
        upstream.queue(Reply.json({}, 500), Reply.json(MESSAGES_REPLY))
        assert (await gateway.call(f"{CHAT_PATH}?q=1", chat("anthropic/m"))).status == 200
        assert [seen.target for seen in upstream.requests] == ["/v1/messages"] * 2
        for seen in upstream.requests:
            assert seen.headers["authorization"] == signature(seen, b"sk-a1")


async def test_one_token_for_calls_that_come_together() -> None:
    """They wait for one refresh; later calls use the token as it is, also after a reload of the configuration."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, auth=f"{HERE}:make_token")) as gateway:
        upstream.otherwise = GOOD
        upstream.on("/token", tokens("t1")[0].but(before=(gate,)))
        calls = [asyncio.create_task(gateway.call(CHAT_PATH, chat())) for _ in range(5)]
        await until(lambda: gateway.lasting.load.in_flight == 5, "five calls in flight")
        await gate.reached.arrive()
        gateway.swap(gateway.snapshot)
        gate.open()
        assert [answer.status for answer in await asyncio.gather(*calls)] == [200] * 5
        gateway.swap(gateway.snapshot)
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        paths = shown(upstream)
        assert paths.count(("/token", "")) == 1 and paths.count(("/v1/chat/completions", "Bearer t1")) == 6
        asked = upstream.requests[0].json()
        assert asked["secret"] == "sk-o1" and asked["at"] > 1_700_000_000


async def test_another_key_gets_another_token() -> None:
    """A token is kept for exactly what it was fetched with, and forgotten with it."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, auth=f"{HERE}:make_token")) as gateway:
        upstream.otherwise = lambda seen: Reply.json({"token": seen.json()["secret"], "expires_in": 3600})
        upstream.on("/v1/chat/completions", GOOD)
        await gateway.call(CHAT_PATH, chat())
        changed = msgspec.structs.replace(gateway.snapshot.providers[0], keys=keys("o2"))
        gateway.swap(msgspec.structs.replace(gateway.snapshot, providers=(changed,)))
        await gateway.call(CHAT_PATH, chat())
        assert [said for path, said in shown(upstream) if path != "/token"] == ["Bearer sk-o1", "Bearer sk-o2"]
        assert len(gateway.lasting.credentials) == 1


async def test_a_key_whose_token_is_refused_gives_way_to_the_next() -> None:
    """A source that says no: the key rests, the next one is used, and the record tells both attempts."""
    facts = {"auth": f"{HERE}:make_token", "keys": keys("bad", "good")}
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, **facts)) as gateway:
        upstream.otherwise = GOOD
        upstream.queue(Reply.json({"error": "invalid_client"}, 401), *tokens("t2"))
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert [seen.json()["secret"] for seen in upstream.requests[:2]] == ["sk-bad", "sk-good"]
        assert shown(upstream)[2] == ("/v1/chat/completions", "Bearer t2")
        assert (gateway.row["attempts"], gateway.row["key_name"]) == (2, "good")


async def test_a_source_that_is_away_leads_to_the_fallback() -> None:
    """Nothing was sent to the provider; without a fallback the caller is told what failed, not the secret."""
    facts = openai("http://127.0.0.1:9", auth=f"{HERE}:make_token", retries=retries(2))
    async with FakeUpstream() as upstream:
        upstream.otherwise = Reply.json(MESSAGES_REPLY)
        providers = (facts, anthropic(upstream.url))
        async with Gateway(*providers, fallbacks=fallback("openai/gpt-x", "anthropic/m")) as gateway:
            assert (await gateway.call(CHAT_PATH, chat())).status == 200
            assert gateway.row["attempts"] == 4 and len(upstream.requests) == 1
            told = await gateway.call(CHAT_PATH, chat("openai/other"))
            assert (told.status, told.error["code"]) == (502, "upstream_unreachable")
            assert "openai/o1" in told.error["message"]


async def test_a_source_that_hangs_up_is_tried_again() -> None:
    """The retries of a call come too early for it; a later call gets a token."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, auth=f"{HERE}:make_token")) as gateway:
        upstream.otherwise = GOOD
        upstream.queue(Reply.raw(FIN))
        assert (await gateway.call(CHAT_PATH, chat())).status == 502
        (credential,) = gateway.lasting.credentials.values()
        credential._due_s = 0.0  # type: ignore[attr-defined]  # the pause is over
        upstream.queue(*tokens("t1"))
        assert (await gateway.call(CHAT_PATH, chat())).status == 200


async def test_a_caller_that_leaves_while_a_token_is_fetched() -> None:
    """Its call ends there and is recorded; the refresh goes on for those who come after it."""
    gate = Gate()
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, auth=f"{HERE}:make_token")) as gateway:
        upstream.otherwise = GOOD
        upstream.on("/token", tokens("t1")[0].but(before=(gate,)))
        async with gateway.caller() as caller:
            caller.send(request(CHAT_PATH, chat()))
            await gate.reached.arrive()
        await gateway.recorded()
        assert gateway.row["outcome"] == "cancelled"
        second = asyncio.create_task(gateway.call(CHAT_PATH, chat()))
        await until(lambda: gateway.lasting.load.in_flight == 1, "the second call waits")
        gate.open()
        assert (await second).status == 200
        assert [path for path, _ in shown(upstream)] == ["/token", "/v1/chat/completions"]


async def test_a_401_from_the_provider_makes_an_old_token_go() -> None:
    """It may have been revoked before its time: it is fetched anew once, and the call goes on with that."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, auth=f"{HERE}:make_token")) as gateway:
        upstream.queue(*tokens("t1"), GOOD, Reply.json({}, 401), *tokens("t2"), GOOD)
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        (credential,) = gateway.lasting.credentials.values()
        credential._got_s -= 100  # type: ignore[attr-defined]  # it has been in use for a while
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        assert [said for path, said in shown(upstream) if path != "/token"] == ["Bearer t1", "Bearer t1", "Bearer t2"]
        assert [row["attempts"] for row in gateway.rows] == [1, 2]


async def test_a_token_that_is_refused_again_is_not_fetched_again() -> None:
    """One refresh for a call, and none for a token that is new: a wrong key makes no storm."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, auth=f"{HERE}:make_token")) as gateway:
        upstream.otherwise = Reply.json({}, 401)
        upstream.queue(*tokens("t1"), GOOD, Reply.json({}, 401), *tokens("t2"))
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        (credential,) = gateway.lasting.credentials.values()
        credential._got_s -= 100  # type: ignore[attr-defined]  # it has been in use for a while
        assert (await gateway.call(CHAT_PATH, chat())).status == 502
        assert [path for path, _ in shown(upstream)].count("/token") == 2
        assert (await gateway.call(CHAT_PATH, chat())).status == 502
        assert [path for path, _ in shown(upstream)].count("/token") == 2


async def test_the_next_key_s_old_token_goes_as_well() -> None:
    """A call fetches one token anew. The old one of the next key, refused in the same call, is not shown again."""
    facts = {"auth": f"{HERE}:make_token", "keys": keys("1", "2")}
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url, **facts)) as gateway:
        assert gateway.door.rooms is not None
        one, two = gateway.door.rooms.endpoints["openai"].route.keys
        no = Reply.json({}, 401)
        upstream.queue(*tokens("a1"), no, *tokens("b1"), GOOD, no, *tokens("a2"), no, no, *tokens("b2"), GOOD)
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        one.refused_until_s = 0.0
        for key in (one, two):
            key.credential._got_s -= 100  # type: ignore[attr-defined]  # it has been in use for a while
        assert (await gateway.call(CHAT_PATH, chat())).status == 502
        two.refused_until_s = 0.0
        assert (await gateway.call(CHAT_PATH, chat())).status == 200
        told = [said.removeprefix("Bearer ") for path, said in shown(upstream) if path != "/token"]
        assert told == ["a1", "b1", "a1", "a2", "b1", "b2"]
