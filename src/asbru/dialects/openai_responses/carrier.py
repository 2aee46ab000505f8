"""Signatures of other dialects' thinking, on their way through callers of this one: they travel where the caller sends
them back unchanged, in `encrypted_content`, with the name of the dialect whose provider made them.
"""

from __future__ import annotations

from typing import Final

from asbru.core.chat import RedactedThinkingPart, ThinkingPart
from asbru.dialects.openai_responses.types import NAME

CARRIER: Final = "asbru:"
UNFIT: Final = (b"asbru:", b'"asbru:')
"""What a request holds that brings back another provider's signature: no provider of this API reads it."""
_REDACTED: Final = "redacted:"


def carry(signature: str, dialect: str | None, *, redacted: bool = False) -> str:
    """A signature with the name of the dialect whose provider made it, unless it is ours."""
    if not signature or dialect in (None, NAME):
        return signature
    return f"{CARRIER}{dialect}:{_REDACTED if redacted else ''}{signature}"


def uncarry(part: ThinkingPart) -> ThinkingPart | RedactedThinkingPart:
    """Thinking that comes back from a caller, as it was before `carry`."""
    signature = part.signature or ""
    if not signature.startswith(CARRIER):
        return part
    dialect, colon, rest = signature[len(CARRIER) :].partition(":")
    if not colon:
        return part
    if rest.startswith(_REDACTED):
        return RedactedThinkingPart(data=rest[len(_REDACTED) :], dialect=dialect)
    return ThinkingPart(text=part.text, signature=rest or None, dialect=dialect)
