"""The caller's headers that go along with a passthrough call: all but those about the caller, its connection or Asbru.

What is called like a credential stays behind under any name, and so does any header that holds the caller's own key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from asbru.wire.forwarded import is_credential
from asbru.wire.http_heads import HOP_BY_HOP

Header = tuple[bytes, bytes]

_WITHHELD: Final = HOP_BY_HOP | {
    b"accept-encoding",
    b"content-encoding",  # it is taken off
    b"content-length",
    b"expect",
    b"forwarded",
    b"host",
    b"origin",
    b"referer",
    b"true-client-ip",
    b"via",
    b"x-http-method",  # these three: another method than the one that is judged
    b"x-http-method-override",
    b"x-method-override",
    b"x-real-ip",
    b"x-rewrite-url",
}
_WITHHELD_PREFIXES: Final = (b"x-asbru-", b"x-bf-", b"x-envoy-", b"x-forwarded-", b"x-original-", b"cf-", b"sec-")
"""`x-original-url` and `x-rewrite-url` name another path than the one that is judged, and some servers go by them."""
_KEY_BYTES_MIN: Final = 8
"""A shorter key ("none") may be a word in a header."""


def forwarded_lines(
    headers: Iterable[Header], credentials: Iterable[bytes], withheld: frozenset[bytes]
) -> tuple[bytes, frozenset[bytes]]:
    """The lines to send, and the names of their headers in lower case. `credentials`: what the caller showed;
    `withheld`: more names that the provider must not see."""
    every = tuple(headers)
    named = {
        option.strip().lower()
        for name, value in every
        if name.lower() == b"connection"
        for option in value.split(b",")
    }
    secrets = [word for shown in credentials for word in shown.split() if len(word) >= _KEY_BYTES_MIN]
    sent = [
        (name, value)
        for name, value in every
        if not _stays(name.lower(), withheld, named) and not any(secret in value for secret in secrets)
    ]
    return b"".join(b"%b: %b\r\n" % header for header in sent), frozenset(name.lower() for name, _ in sent)


def _stays(name: bytes, withheld: frozenset[bytes], named: set[bytes]) -> bool:
    return (
        name in _WITHHELD
        or name in withheld
        or name in named
        or name.startswith(_WITHHELD_PREFIXES)
        or is_credential(name)
    )
