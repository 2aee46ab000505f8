"""Values that callers keep for us between two requests, so that no worker has to: sessions, ids, `requestState`.

A value is signed together with what it is for and whom it was given to. What was made up, changed, cut, or given to
somebody else does not open. It is not encrypted: what it holds, its holder may know.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from hashlib import blake2b
from typing import Final

import msgspec

SEALED_CHARS_MAX: Final = 64 * 1024
_MAC_BYTES: Final = 16
_PERSON: Final = b"asbru mcp values"


class Seals:
    """Makes and opens them. `key`: the gateway's secret, the same in all workers."""

    def __init__(self, key: bytes) -> None:
        self._key = blake2b(key, digest_size=32, person=_PERSON).digest()

    def seal(self, purpose: str, bound: tuple[str, ...], value: bytes) -> str:
        """The value for its keeper: letters, digits, `-` and `_`."""
        return base64.urlsafe_b64encode(self._mac(purpose, bound, value) + value).rstrip(b"=").decode()

    def open(
        self, purpose: str, bound: tuple[str, ...], text: str, *, chars_max: int = SEALED_CHARS_MAX
    ) -> bytes | None:
        """The value; None where it was not sealed by us for this purpose and bound to just that."""
        if len(text) > chars_max:
            return None
        try:
            data = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        mac, value = data[:_MAC_BYTES], data[_MAC_BYTES:]
        return value if hmac.compare_digest(mac, self._mac(purpose, bound, value)) else None

    def _mac(self, purpose: str, bound: tuple[str, ...], value: bytes) -> bytes:
        told = msgspec.msgpack.encode((purpose, bound, value))
        return blake2b(told, key=self._key, digest_size=_MAC_BYTES).digest()
