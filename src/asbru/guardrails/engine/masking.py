"""What takes the place of a finding: pure functions of the key, the version of the rules, the kind and the text.

The same text is replaced by the same one in each turn of a conversation, by each worker, before and after a restart;
so what a provider has cached, or signed, stays what it was.
"""

from __future__ import annotations

import hashlib
import hmac

from asbru.guardrails.rule import Replacement

DIGEST_CHARS = 12
MASK_CHARS_MAX = 16

PLACEHOLDER = r"\[[A-Z][A-Z0-9_]{0,63}_[0-9a-f]{12}\]"
"""The form of a placeholder."""


class Masking:
    """`key`: of the installation; `version`: of the rules."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes, version: str) -> None:
        self._key = hmac.new(key, f"guardrails/{version}".encode(), hashlib.sha256).digest()

    def replace(self, text: str, kind: str, how: Replacement) -> str:
        """What takes the place of `text`."""
        word = _word(kind)
        match how:
            case "replace":
                return f"[{word}]"
            case "mask":
                return "*" * min(len(text), MASK_CHARS_MAX)
            case "hash":
                return f"[{word}:{self._digest(word, text)}]"
            case "placeholder":
                return f"[{word}_{self._digest(word, text)}]"

    def _digest(self, word: str, text: str) -> str:
        said = f"{word}\0{text}".encode("utf-8", "surrogatepass")
        return hmac.new(self._key, said, hashlib.sha256).hexdigest()[:DIGEST_CHARS]


def _word(kind: str) -> str:
    found = "".join(char if char.isascii() and char.isalnum() else "_" for char in kind.upper())[:64]
    return found if found[:1].isalpha() else f"X{found}"[:64]
