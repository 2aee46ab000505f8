"""Opens connections: resolve, judge the address, connect, then proxy and TLS as the origin says.

The address that was judged is the address that is dialled, so that a name which resolves differently the second
time gains nothing. Runs as a Task: dialling is rare, and its deadline is the exchange's.
"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from asbru.core.errors import UpstreamError
from asbru.core.secret_text import SecretText
from asbru.upstream.origin import Origin, TlsTrust
from asbru.upstream.outbound_policy import judge_address
from asbru.upstream.resolve import Resolver, TooManyLookupsError
from asbru.upstream.tls_records import read_by_records

P = TypeVar("P", bound=asyncio.Protocol)

_PROXY_HEAD_BYTES_MAX = 16 * 1024


class TlsContexts:
    """What all dials share: TLS client contexts, one per way to trust, for loading the system's CAs costs milliseconds
    and megabytes; and the names that were resolved."""

    def __init__(self, resolver: Resolver | None = None) -> None:
        self.resolver = resolver or Resolver()
        self._contexts: dict[TlsTrust, ssl.SSLContext] = {}

    def context(self, trust: TlsTrust) -> ssl.SSLContext:
        """The context that trusts so: TLS 1.2 or newer, the system's CAs or those of `trust`."""
        context = self._contexts.get(trust)
        if context is None:
            context = ssl.create_default_context(cadata=trust.ca_pem)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if not trust.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._contexts[trust] = read_by_records(context)
        return context


async def dial(origin: Origin, contexts: TlsContexts, factory: Callable[[], P]) -> P:
    """A connected protocol from `factory`. Raises `UpstreamError` (kind network or policy) that says what failed."""
    loop = asyncio.get_running_loop()
    try:
        if origin.unix_socket is not None:
            _, protocol = await loop.create_unix_connection(factory, origin.unix_socket)
            return protocol
        if origin.proxy is not None:
            return await _dial_through_proxy(origin, contexts, factory)
        sock = await _connect(origin.host, origin.port, origin, contexts.resolver)
        return await _attach(sock, origin, contexts, factory)
    except UpstreamError:
        raise
    except ssl.SSLError as error:
        raise _network(f"TLS with {origin} failed: {_reason(error)}") from error
    except OSError as error:
        raise _network(f"could not connect to {origin}: {_reason(error)}") from error


def _network(message: str) -> UpstreamError:
    return UpstreamError(message, kind="network", code="upstream_unreachable")


def _reason(error: OSError) -> str:
    """Why, in words: the system's for its own errors, in place of asyncio's, which quote addresses."""
    if isinstance(error, ssl.SSLError):
        said = getattr(error, "verify_message", None) or (error.reason or "").replace("_", " ").lower()
        return str(said) or "the handshake failed"
    if isinstance(error, FileNotFoundError):
        return "its socket is not there: it does not run"
    if isinstance(error, TooManyLookupsError):
        return str(error)
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved"
    return os.strerror(error.errno) if error.errno else "the connection was closed"


async def _connect(
    host: str, port: int, origin: Origin, resolver: Resolver, *, trusted: bool = False
) -> socket.socket:
    """A TCP socket to the first address of `host` that may be dialled and answers."""
    loop = asyncio.get_running_loop()
    found = await resolver.resolve(host, port)
    refusal: str | None = None
    failure: OSError | None = None
    for family, address in found:
        why = judge_address(
            str(address[0]),
            allow_private=origin.allow_private or trusted,
            allow_loopback=origin.allow_loopback or trusted or origin.metadata,
            allow_metadata=origin.metadata,
        )
        if why is not None:
            refusal = f"{host} is {address[0]}, {why}"
            continue
        sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    if failure is not None:
        raise failure
    raise UpstreamError(
        f"the outbound policy does not allow the connection: {refusal or host + ' has no address'}",
        kind="policy",
        code="upstream_address_refused",
    )


async def _attach(sock: socket.socket, origin: Origin, contexts: TlsContexts, factory: Callable[[], P]) -> P:
    loop = asyncio.get_running_loop()
    try:
        if origin.tls:
            _, protocol = await loop.create_connection(
                factory, sock=sock, ssl=contexts.context(origin.trust), server_hostname=origin.host
            )
        else:
            _, protocol = await loop.create_connection(factory, sock=sock)
    except BaseException:
        sock.close()
        raise
    return protocol


async def _dial_through_proxy(origin: Origin, contexts: TlsContexts, factory: Callable[[], P]) -> P:
    """TLS origins are tunnelled with CONNECT; plain ones are asked for in absolute form by the connection."""
    assert origin.proxy is not None
    parts = urlsplit(origin.proxy.reveal())
    # The operator named the proxy, so it may be private or loopback; what it is asked for is judged where it is an
    # address.
    _judge_literal(origin)
    sock = await _connect(parts.hostname or "", parts.port or 80, origin, contexts.resolver, trusted=True)
    if not origin.tls:
        return await _attach(sock, origin, contexts, factory)
    try:
        await _tunnel(sock, origin, proxy_authorization(origin.proxy))
    except BaseException:
        sock.close()
        raise
    return await _attach(sock, origin, contexts, factory)


def _judge_literal(origin: Origin) -> None:
    try:
        why = judge_address(origin.host, allow_private=origin.allow_private, allow_loopback=origin.allow_loopback)
    except ValueError:
        return  # a name: the proxy resolves it
    if why is not None:
        raise UpstreamError(
            f"the outbound policy does not allow the connection: {origin.host} is {why}",
            kind="policy",
            code="upstream_address_refused",
        )


def proxy_authorization(proxy: SecretText) -> bytes:
    """The Proxy-Authorization header line for a proxy URL with user and password, else b""."""
    parts = urlsplit(proxy.reveal())
    if not parts.username:
        return b""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return b"proxy-authorization: Basic %b\r\n" % base64.b64encode(pair)


async def _tunnel(sock: socket.socket, origin: Origin, authorization: bytes) -> None:
    loop = asyncio.get_running_loop()
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    target = f"{host}:{origin.port}".encode()
    await loop.sock_sendall(sock, b"CONNECT %b HTTP/1.1\r\nhost: %b\r\n%b\r\n" % (target, target, authorization))
    head = b""
    while b"\r\n\r\n" not in head:
        data = await loop.sock_recv(sock, 1)  # one byte at a time: what follows the head belongs to TLS
        if not data or len(head) > _PROXY_HEAD_BYTES_MAX:
            raise _network(f"the proxy closed the tunnel to {origin} before it sent a response")
        head += data
    status = head.split(b" ", 2)[1:2]
    if status != [b"200"]:
        line = head.split(b"\r\n", 1)[0].decode("latin-1")
        raise _network(f"the proxy refused a tunnel to {origin}: {line}")
