"""Signatures of other dialects' thinking, on their way through callers of this one: they travel where a caller sends
them back unchanged, with the name of the dialect whose provider made them.

`redactedContent` is base64 on this wire, so what is carried there is coded once more.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Final

from asbru.core.chat import RedactedThinkingPart, ThinkingPart
from asbru.dialects.bedrock_converse.types import NAME

CARRIER: Final = "asbru:"
_CODED: Final = b"asbru:"


def carry(signature: str, dialect: str | None) -> str:
    """A signature with the name of the dialect whose provider made it, unless it is ours. Thinking that another
    dialect does not sign is marked as that dialect's."""
    return signature if dialect in (None, NAME) else f"{CARRIER}{dialect}:{signature}"


def uncarry(part: ThinkingPart) -> ThinkingPart:
    """Thinking that comes back from a caller, as it was before `carry`."""
    signature = part.signature or ""
    dialect, colon, rest = signature.removeprefix(CARRIER).partition(":")
    if not signature.startswith(CARRIER) or not colon:
        return part
    return ThinkingPart(text=part.text, signature=rest or None, dialect=dialect, extra=part.extra)


def carry_redacted(part: RedactedThinkingPart) -> str:
    """The data of redacted thinking, as base64 that names its dialect unless it is ours."""
    if part.dialect in (None, NAME):
        return part.data
    return b64encode(f"{CARRIER}{part.dialect}:{part.data}".encode("utf-8", "replace")).decode()


def uncarry_redacted(data: str) -> RedactedThinkingPart:
    """Redacted thinking that comes back from a caller, as it was before `carry_redacted`."""
    try:
        told = b64decode(data, validate=True) if data.isascii() else b""
        text = told.decode() if told.startswith(_CODED) else ""
    except (binascii.Error, ValueError):
        text = ""
    dialect, colon, rest = text.removeprefix(CARRIER).partition(":")
    if not colon:
        return RedactedThinkingPart(data=data, dialect=NAME)
    return RedactedThinkingPart(data=rest, dialect=dialect)
