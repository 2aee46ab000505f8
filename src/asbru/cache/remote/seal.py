"""Proof that an entry in a store that others can write to was written by Asbru, for the key under which it is found.

An authentication code under a secret of the gateway stands before the bytes. It is no encryption: who can read the
store can read entries. Pure.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

SEAL_BYTES: Final = 16


class Seal:
    """See the module. `secret`: at least 16 bytes; gateways that share a store share it."""

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.blake2b(secret, person=b"asbru cache").digest()

    def close(self, about: str, body: bytes) -> bytes:
        """The body behind the code for it and for what it is about."""
        return self._code(about, body) + body

    def open(self, about: str, sealed: bytes) -> bytes | None:
        """The body; None where the code is another's."""
        body = sealed[SEAL_BYTES:]
        return body if hmac.compare_digest(sealed[:SEAL_BYTES], self._code(about, body)) else None

    def _code(self, about: str, body: bytes) -> bytes:
        words = about.encode(errors="surrogatepass")
        code = hashlib.blake2b(b"%d:" % len(words), key=self._key, digest_size=SEAL_BYTES)
        code.update(words)
        code.update(body)
        return code.digest()
