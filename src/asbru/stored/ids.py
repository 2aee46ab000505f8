"""Ids of stored objects: `asbru_` and, in the URL-safe alphabet of base64, what they hold, sealed.

AES-256-SIV (RFC 5297) is deterministic: an object has one id, by which clients may compare. It authenticates, so that
an id that was made up, cut or changed does not open. The kind of the object is sealed with it, so that the id of a file
is not taken for that of a batch. The first key seals, the others open what was sealed before.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Final

import msgspec

PREFIX: Final = "asbru_"
ID_CHARS_MAX: Final = 1024
"""A longer one is none."""
OBJECT_ID_CHARS_MAX: Final = 256
"""How long the provider's own id may be."""
TEXT_PREFIX: Final = "asbru_text_"
_TEXT: Final = b"asbru text"
_PERSON: Final = b"asbru object ids"


class ObjectRef(msgspec.Struct, frozen=True, array_like=True):
    """What an id holds. `object_id`: the provider's; `key`: the name of the provider's key that made it, "" where it
    takes none; `owner`: the identity of the virtual key, "" where none was needed."""

    kind: str
    provider: str
    object_id: str
    key: str
    owner: str


class ObjectIds:
    """Seals and opens ids. `keys`: 32 bytes each."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        import hashlib  # loads OpenSSL, which the bookkeeper goes without

        self._keys = tuple(hashlib.blake2b(key, digest_size=64, person=_PERSON).digest() for key in keys)

    def seal(self, ref: ObjectRef) -> str:
        """The id. Raises ValueError where the provider's own is too long."""
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # 7 MB, for those who store objects

        if len(ref.object_id) > OBJECT_ID_CHARS_MAX:
            raise ValueError(f"an id of more than {OBJECT_ID_CHARS_MAX} characters")
        sealed = AESSIV(self._keys[0]).encrypt(msgspec.msgpack.encode(ref), None)
        text = PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()
        if len(text) > ID_CHARS_MAX:
            raise ValueError(f"an id that is longer than {ID_CHARS_MAX} characters when it is sealed")
        return text

    def open(self, text: str) -> ObjectRef | None:
        """What it holds; None for what is no id of ours."""
        if not text.startswith(PREFIX) or len(text) > ID_CHARS_MAX:
            return None
        from cryptography.exceptions import InvalidTag  # as above
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        sealed = _decoded(text[len(PREFIX) :])
        for key in self._keys:
            try:
                return msgspec.msgpack.decode(AESSIV(key).decrypt(sealed, None), type=ObjectRef)
            except (InvalidTag, ValueError):
                continue
        return None

    def seal_text(self, kind: str, text: str) -> str:
        """A text that only Asbru reads again, wherever it was meanwhile."""
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # as above

        sealed = AESSIV(self._keys[0]).encrypt(msgspec.msgpack.encode((kind, text)), [_TEXT])
        return TEXT_PREFIX + base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open_text(self, kind: str, sealed: str) -> str | None:
        """The text; None for what was not sealed here as this kind."""
        if not sealed.startswith(TEXT_PREFIX):
            return None
        from cryptography.exceptions import InvalidTag  # as above
        from cryptography.hazmat.primitives.ciphers.aead import AESSIV

        data = _decoded(sealed[len(TEXT_PREFIX) :])
        for key in self._keys:
            try:
                found = msgspec.msgpack.decode(AESSIV(key).decrypt(data, [_TEXT]), type=tuple[str, str])
            except (InvalidTag, ValueError):
                continue
            return found[1] if found[0] == kind else None
        return None


def _decoded(text: str) -> bytes:
    """The bytes; b"" for what base64 does not write: each id has one spelling."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""
    return data if base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text else b""
