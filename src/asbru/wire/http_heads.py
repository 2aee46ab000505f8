"""Facts about HTTP/1.1 heads that both sides of the gateway need (RFC 9110, 7.6.1)."""

from __future__ import annotations

JSON_LINE = b"content-type: application/json\r\n"
"""The header line of a JSON body."""

HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers that concern one connection only and are never passed on, in lower case."""
