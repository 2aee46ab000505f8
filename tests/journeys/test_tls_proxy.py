"""The way to a provider: TLS with its own CA, proxies, and the policy on where to dial; and TLS to callers."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.proxy import FakeProxy
from tests.fakes.tls import Authority
from tests.fakes.upstream import FakeUpstream, Reply
from tests.journeys.caller import request
from tests.journeys.gateway import Gateway, openai
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, CHAT_STREAM, CHAT_STREAM_SHOWN, chat

from asbru.core.secret_text import SecretText
from asbru.upstream.origin import TlsTrust

GOOD = Reply.json(CHAT_REPLY)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Authority]:
    """A CA that is trusted only where a test says so."""
    yield Authority(tmp_path_factory.mktemp("authority"))


async def test_tls_with_a_custom_ca(authority: Authority) -> None:
    """A provider whose certificate its own CA vouches for is called over TLS, kept alive, whole and streamed."""
    trusted = TlsTrust(ca_pem=authority.ca_pem)
    async with (
        FakeUpstream(tls=authority.server_context()) as upstream,
        Gateway(openai(upstream.url, tls=trusted)) as gateway,
    ):
        upstream.queue(GOOD, Reply.events(*CHAT_STREAM), GOOD)
        assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY
        assert (await gateway.call(CHAT_PATH, chat(stream=True))).body == CHAT_STREAM_SHOWN
        assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY
        assert upstream.connections == 1


async def test_a_large_body_through_tls(authority: Authority) -> None:
    """A body of megabytes, rewritten and not, reaches a provider behind TLS whole, and so does the call after it."""
    trusted = TlsTrust(ca_pem=authority.ca_pem)
    async with (
        FakeUpstream(tls=authority.server_context()) as upstream,
        Gateway(openai(upstream.url, tls=trusted)) as gateway,
    ):
        for model, content in (("openai/gpt-x", "x" * 5_000_000), ("gpt-x", "é" * 2_000_000), ("gpt-x", "short")):
            upstream.queue(GOOD)
            sent = {**chat(model), "messages": [{"role": "user", "content": content}]}
            assert (await gateway.call(CHAT_PATH, sent)).status == 200
            assert upstream.requests[-1].json() == {**sent, "model": "gpt-x"}
        assert upstream.connections == 1


async def test_an_unknown_ca_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A certificate of another CA is refused, by the system's CAs and by a custom one; nothing is sent."""
    (tmp_path / "other").mkdir()
    other = TlsTrust(ca_pem=Authority(tmp_path / "other").ca_pem)
    for trust in (TlsTrust(), other):
        async with (
            FakeUpstream(tls=authority.server_context()) as upstream,
            Gateway(openai(upstream.url, tls=trust)) as gateway,
        ):
            answer = await gateway.call(CHAT_PATH, chat())
            assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")
            assert "certificate" in answer.error["message"]
            assert upstream.requests == []
            upstream.faults.clear()


async def test_a_certificate_for_another_name_is_refused(authority: Authority) -> None:
    """The name in the certificate must be the host's."""
    context = authority.server_context(names="DNS:elsewhere.example")
    async with (
        FakeUpstream(tls=context) as upstream,
        Gateway(openai(upstream.url, tls=TlsTrust(ca_pem=authority.ca_pem))) as gateway,
    ):
        answer = await gateway.call(CHAT_PATH, chat())
        assert answer.status == 502
        assert "certificate is not valid" in answer.error["message"]
        assert upstream.requests == []


async def test_unverified_tls(authority: Authority) -> None:
    """With verification switched off any certificate will do."""
    async with (
        FakeUpstream(tls=authority.server_context()) as upstream,
        Gateway(openai(upstream.url, tls=TlsTrust(verify=False))) as gateway,
    ):
        upstream.queue(GOOD)
        assert (await gateway.call(CHAT_PATH, chat())).status == 200


async def test_old_tls_is_refused(authority: Authority) -> None:
    """A provider that speaks TLS 1.1 at most is not spoken to."""
    context = authority.server_context()
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with (
        FakeUpstream(tls=context) as upstream,
        Gateway(openai(upstream.url, tls=TlsTrust(ca_pem=authority.ca_pem))) as gateway,
    ):
        answer = await gateway.call(CHAT_PATH, chat())
        assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")
        assert not answer.error["message"].endswith(": ")


async def test_plain_http_where_tls_is_expected() -> None:
    """A server that does not speak TLS is told as such: 502."""
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url.replace("http:", "https:"))) as gateway:
        answer = await gateway.call(CHAT_PATH, chat())
        assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")
        upstream.faults.clear()


async def test_tls_to_callers(authority: Authority) -> None:
    """The server speaks TLS with its certificate, whole and streamed; plain HTTP on that port gets nowhere."""
    client = ssl.create_default_context(cadata=authority.ca_pem)
    async with FakeUpstream() as upstream, Gateway(openai(upstream.url), tls=authority.server_context()) as gateway:
        upstream.queue(GOOD, Reply.events(*CHAT_STREAM))
        async with gateway.caller(tls=client) as caller:
            caller.send(request(CHAT_PATH, chat()))
            assert (await caller.answer()).json() == CHAT_REPLY
            caller.send(request(CHAT_PATH, chat(stream=True)))
            assert (await caller.answer()).body == CHAT_STREAM_SHOWN
        async with gateway.caller() as plain:
            plain.send(request(CHAT_PATH, chat()))
            assert not (await plain.hung_up()).startswith(b"HTTP")
        assert len(upstream.requests) == 2


async def test_a_proxy_for_plain_http() -> None:
    """Through a proxy a plain provider is asked for in absolute form, with the proxy's own credentials only there."""
    async with FakeUpstream() as upstream, FakeProxy(password="Basic dXNlcjpwYSBzcw==") as proxy:
        through = proxy.url.replace("//", "//user:pa%20ss@")
        async with Gateway(openai(upstream.url, proxy=SecretText(through))) as gateway:
            upstream.queue(GOOD)
            assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY
            assert (proxy.asked[0].method, proxy.asked[0].target) == ("POST", f"{upstream.url}{CHAT_PATH}")
            assert proxy.asked[0].headers["host"] == upstream.url.removeprefix("http://")


async def test_a_proxy_for_tls(authority: Authority) -> None:
    """Through a proxy a TLS provider is tunnelled to, verified against the provider's name, and kept alive."""
    async with (
        FakeUpstream(tls=authority.server_context(names="DNS:api.example")) as upstream,
        FakeProxy(routes={"api.example:443": ("127.0.0.1", upstream.port)}) as proxy,
    ):
        facts = openai("https://api.example", proxy=SecretText(proxy.url), tls=TlsTrust(ca_pem=authority.ca_pem))
        async with Gateway(facts) as gateway:
            upstream.queue(GOOD, GOOD)
            for _ in range(2):
                assert (await gateway.call(CHAT_PATH, chat())).json() == CHAT_REPLY
            assert [(asked.method, asked.target) for asked in proxy.asked] == [("CONNECT", "api.example:443")]
            assert "authorization" not in proxy.asked[0].headers
            assert upstream.requests[0].headers["host"] == "api.example"


async def test_a_proxy_that_refuses(authority: Authority) -> None:
    """A proxy's refusal is 502 that says so, and the proxy's password is in no message."""
    facts = {"tls": TlsTrust(ca_pem=authority.ca_pem)}
    async with FakeProxy(password="Basic right") as proxy:
        through = proxy.url.replace("//", "//user:hunter2@")
        async with Gateway(openai("https://api.example", proxy=SecretText(through), **facts)) as gateway:
            answer = await gateway.call(CHAT_PATH, chat())
            assert (answer.status, answer.error["code"]) == (502, "upstream_unreachable")
            assert "407" in answer.error["message"]
            assert b"hunter2" not in answer.body


async def test_no_proxy_there() -> None:
    """A proxy that is not there is 502."""
    async with Gateway(openai("https://api.example", proxy=SecretText("http://127.0.0.1:9"))) as gateway:
        assert (await gateway.call(CHAT_PATH, chat())).error["code"] == "upstream_unreachable"


LOOPBACK = ["http://127.0.0.1", "http://localhost", "http://[::1]", "http://127.1.2.3", "http://[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("url", LOOPBACK)
async def test_loopback_only_where_allowed(url: str) -> None:
    """Loopback, by address or by a name that resolves to it, is not dialled unless the provider's facts allow it."""
    async with FakeUpstream() as upstream:
        target = f"{url}:{upstream.port}"
        for facts in ({}, {"allow_private": True}):
            async with Gateway(openai(target, allow_loopback=False, **facts)) as gateway:
                answer = await gateway.call(CHAT_PATH, chat())
                assert (answer.status, answer.error["code"]) == (502, "upstream_address_refused")
                assert "allow_loopback" in answer.error["message"]
                assert gateway.row["outcome"] == "error"
        assert upstream.connections == 0


NEVER = [
    "http://169.254.169.254", "http://[fd00:ec2::254]", "http://169.254.1.1", "http://[fe80::1]", "http://0.0.0.0",
    "http://[::]", "http://224.0.0.1", "http://[::ffff:169.254.169.254]", "http://[64:ff9b::a9fe:a9fe]",
    "http://[2002:a9fe:a9fe::]", "http://100.100.100.200", "http://0xa9fea9fe", "http://2852039166",
]  # fmt: skip


@pytest.mark.parametrize("url", NEVER)
async def test_metadata_and_the_like_never(url: str) -> None:
    """Metadata, link-local, unspecified and multicast addresses are never dialled, however they are written."""
    async with Gateway(openai(url, allow_private=True)) as gateway:
        answer = await gateway.call(CHAT_PATH, chat())
        assert (answer.status, answer.error["code"]) == (502, "upstream_address_refused")


async def test_private_only_where_allowed() -> None:
    """Private addresses are not dialled unless allowed."""
    for url in ("http://10.0.0.1", "http://192.168.1.1", "http://100.64.0.1", "http://[fd00::1]"):
        async with Gateway(openai(url)) as gateway:
            answer = await gateway.call(CHAT_PATH, chat())
            assert answer.error["code"] == "upstream_address_refused"
            assert "allow_private" in answer.error["message"]


async def test_the_policy_holds_through_a_proxy() -> None:
    """A proxy may be on loopback, but is not asked for an address that may not be dialled."""
    async with FakeProxy() as proxy:
        for url in ("http://169.254.169.254", "https://127.0.0.1"):
            async with Gateway(openai(url, proxy=SecretText(proxy.url), allow_loopback=False)) as gateway:
                answer = await gateway.call(CHAT_PATH, chat())
                assert answer.error["code"] == "upstream_address_refused"
        assert proxy.asked == []


async def test_a_refused_address_is_not_tried_again() -> None:
    """What the policy refuses is refused for good: no retry."""
    from tests.journeys.gateway import retries

    async with Gateway(openai("http://127.0.0.1:9", allow_loopback=False, retries=retries(2))) as gateway:
        await gateway.call(CHAT_PATH, chat())
        assert gateway.row["attempts"] == 1
