"""One secret, sealed: AES-256-GCM with a random nonce, bound to the place where it stands.

    version (1 byte, 1) | nonce (12 bytes) | ciphertext and tag (16 bytes more than the secret)

The place (table, row, column) is authenticated with it: a sealed value that was moved elsewhere does not open. A nonce
is random, which is sound for 2^32 secrets under one key (NIST SP 800-38D, 8.3).
"""

from __future__ import annotations

import os

_VERSION = b"\x01"
_NONCE_BYTES = 12


class SealError(Exception):
    """What is sealed cannot be opened: another key, another place, or damaged."""


def seal(key: bytes, place: tuple[str, ...], secret: str) -> bytes:
    """The secret, sealed for a place."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # 7 MB, for those who have secrets

    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, secret.encode(), _context(place))


def open_sealed(key: bytes, place: tuple[str, ...], sealed: bytes) -> str:
    """The secret; raises SealError."""
    from cryptography.exceptions import InvalidTag  # as above
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if sealed[:1] != _VERSION:
        raise SealError(f"{'.'.join(place)}: sealed in a format that this version of Asbru does not support")
    nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, rest, _context(place)).decode()
    except (InvalidTag, ValueError) as error:
        raise SealError(f"{'.'.join(place)}: cannot be decrypted with the key that it names") from error


def _context(place: tuple[str, ...]) -> bytes:
    """Lengths before the parts, so that no two places have the same bytes."""
    return b"".join(b"%d:%b" % (len(part), part) for part in map(str.encode, place))
