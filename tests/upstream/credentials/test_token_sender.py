"""What leaves for a source of tokens: over which pool, by which way, and what is refused."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from tests.fakes.loops import FakeLoop, FakeTransport

from asbru.core.errors import UpstreamError
from asbru.core.secret_text import SecretText
from asbru.upstream import Origin, Pool, TlsContexts, UpstreamResponse
from asbru.upstream.connection import UpstreamConnection
from asbru.upstream.credentials import TokenRequest, TokenSender
from asbru.upstream.credentials.token_sender import TOKEN_RESPONSE_BYTES_MAX
from asbru.upstream.origin import TlsTrust

TRUST = TlsTrust(ca_pem="PEM")
PROVIDER = Origin(host="api.test", port=443, tls=True, trust=TRUST, allow_private=True, unix_socket="/run/x")


class Net:
    """Pools with a connection that is there already; `asked` are the origins they were asked for."""

    def __init__(self) -> None:
        self.asked: list[Origin] = []
        self.transport: FakeTransport | None = None

    def pool(self, origin: Origin, response_bytes_max: int) -> Pool:
        assert response_bytes_max == TOKEN_RESPONSE_BYTES_MAX
        self.asked.append(origin)
        loop = cast("asyncio.AbstractEventLoop", FakeLoop())
        pool = Pool(origin, TlsContexts(), loop, response_bytes_max=response_bytes_max)
        connection = UpstreamConnection(pool)
        self.transport = FakeTransport(connection)
        pool.release(connection)
        return pool


def sent(request: TokenRequest, provider: Origin = PROVIDER) -> tuple[bytes, Origin]:
    """The bytes of a request, and where they went."""
    net = Net()
    exchange = TokenSender(provider, net.pool).send(request)
    assert net.transport is not None
    net.transport.receive(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nt")
    assert exchange.done and isinstance(exchange._value, UpstreamResponse)
    return net.transport.written, net.asked[0]


def test_a_request_as_it_is_written() -> None:
    """Its own origin, reached as the provider is: same trust and policy, but not over the provider's socket."""
    data, origin = sent(TokenRequest("POST", "https://t.test:8443/a/b?c=d", (("content-type", "x/y"),), b"k=v"))
    assert data == (
        b"POST /a/b?c=d HTTP/1.1\r\nhost: t.test:8443\r\naccept-encoding: identity\r\ncontent-length: 3\r\n"
        b"content-type: x/y\r\n\r\nk=v"
    )
    assert origin == Origin(host="t.test", port=8443, tls=True, trust=TRUST, allow_private=True)


def test_the_machines_own_source_is_reached_directly() -> None:
    """Metadata services and endpoints of containers: their addresses are allowed, and no proxy is asked."""
    proxied = Origin(host="api.test", port=443, tls=True, proxy=SecretText("http://proxy.test:3128"))
    data, origin = sent(TokenRequest("GET", "http://169.254.169.254/latest", local=True), proxied)
    assert data.startswith(b"GET /latest HTTP/1.1\r\nhost: 169.254.169.254\r\n")
    assert origin == Origin(host="169.254.169.254", port=80, metadata=True)


def test_without_a_path_port_or_body() -> None:
    """What is not said has its usual value."""
    data, origin = sent(TokenRequest("GET", "http://t.test"))
    assert data.startswith(b"GET / HTTP/1.1\r\nhost: t.test\r\n") and b"content-length: 0\r\n" in data
    assert (origin.port, origin.tls) == (80, False)


def test_through_the_providers_proxy() -> None:
    """A plain origin is named in the request line, and the proxy gets its own credential."""
    provider = Origin(host="api.test", port=443, tls=True, proxy=SecretText("http://me:pw@proxy:3128"))
    data, origin = sent(TokenRequest("GET", "http://t.test/a"), provider)
    assert data.startswith(b"GET http://t.test/a HTTP/1.1\r\nhost: t.test\r\n")
    assert b"\r\nproxy-authorization: Basic bWU6cHc=\r\n\r\n" in data and origin.proxy == provider.proxy
    assert b"proxy-authorization" not in sent(TokenRequest("GET", "https://t.test/a"), provider)[0]


@pytest.mark.parametrize(
    "request_",
    [
        TokenRequest("GET", "ftp://t.test/"),
        TokenRequest("GET", "https:///path"),
        TokenRequest("GET", "https://t.test/a b\r\nx: y"),
        TokenRequest("GET\r\n", "https://t.test/"),
        TokenRequest("GET", "https://t.test/", (("a", "b\r\nc: d"),)),
        TokenRequest("GET", "https://t.test/", (("a\n", "b"),)),
        TokenRequest("GET", "https://t.test/\u2603"),
    ],
)
def test_what_is_no_request_is_not_sent(request_: TokenRequest) -> None:
    """Nothing of a secret can end a line, and a pool is not even looked for."""
    net = Net()
    with pytest.raises(UpstreamError) as raised:
        TokenSender(PROVIDER, net.pool).send(request_)
    assert raised.value.kind == "exhausted" and not net.asked
