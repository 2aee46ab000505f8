"""Floor 3: the HTTP client. Pooled keep-alive HTTP/1.1 connections to providers, stepped, with a deadline on each wait.

It dials only what the outbound policy allows, verifies certificates, and goes through a proxy where told to. It
refuses to retry, to choose keys, or to read what a body means: that is the path's business.
"""

from asbru.upstream import origin
from asbru.upstream.dial import TlsContexts, proxy_authorization
from asbru.upstream.exchange import Exchange, ExchangeDeadlines, UpstreamResponse
from asbru.upstream.origin import Origin
from asbru.upstream.pool import Pool
from asbru.upstream.spliced import LARGE_BYTES_MIN, Body, Spliced
from asbru.upstream.tls_records import read_by_records

__all__ = [
    "LARGE_BYTES_MIN",
    "Body",
    "Exchange",
    "ExchangeDeadlines",
    "Origin",
    "Pool",
    "Spliced",
    "TlsContexts",
    "UpstreamResponse",
    "origin",
    "proxy_authorization",
    "read_by_records",
]
