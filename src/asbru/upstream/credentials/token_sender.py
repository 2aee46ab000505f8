"""Sends what token flows ask, over pools like those of providers: same policy, proxy and certificates, own origin."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from asbru.core.errors import UpstreamError
from asbru.upstream.credentials.token import REFRESH_DEADLINE_S, TokenRequest
from asbru.upstream.dial import proxy_authorization
from asbru.upstream.exchange import Exchange, ExchangeDeadlines
from asbru.upstream.origin import Origin
from asbru.upstream.pool import Pool

TOKEN_RESPONSE_BYTES_MAX = 256 * 1024
"""What a source of tokens may answer."""

_DEADLINES = ExchangeDeadlines(connect_s=5.0, total_s=REFRESH_DEADLINE_S)


class TokenSender:
    """`provider` is the origin whose tokens these are: their source is reached as it is reached. `pool(origin, bytes)`
    finds the pool of an origin for answers so long; it is asked for each request, so that a reload may close pools that
    nothing uses."""

    def __init__(self, provider: Origin, pool: Callable[[Origin, int], Pool]) -> None:
        self._provider = provider
        self._pool = pool

    def send(self, request: TokenRequest) -> Exchange:
        """Begin the exchange. Raises `UpstreamError` for what cannot be sent."""
        parts = urlsplit(request.url)
        tls = parts.scheme == "https"
        words = (request.method, request.url, *(word for header in request.headers for word in header))
        if not parts.hostname or parts.scheme not in ("http", "https") or not all(map(_is_clean, words)):
            raise UpstreamError("the request to its source is invalid", kind="exhausted")
        origin = msgspec.structs.replace(
            self._provider, host=parts.hostname, port=parts.port or (443 if tls else 80), tls=tls, unix_socket=None
        )
        if request.local:
            origin = msgspec.structs.replace(origin, metadata=True, proxy=None)
        authority = parts.netloc.rpartition("@")[2]
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        extra = b""
        if origin.proxy is not None and not tls:
            target = f"http://{authority}{target}"
            extra = proxy_authorization(origin.proxy)
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
        head = (
            f"{request.method} {target} HTTP/1.1\r\nhost: {authority}\r\naccept-encoding: identity\r\n"
            f"content-length: {len(request.body)}\r\n{lines}"
        ).encode("latin-1")
        pool = self._pool(origin, TOKEN_RESPONSE_BYTES_MAX)
        return pool.begin(b"%b%b\r\n" % (head, extra), request.body, _DEADLINES, streaming_wanted=False)


def _is_clean(word: str) -> bool:
    return word.isprintable() and word.isascii()
