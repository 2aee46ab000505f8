"""The words of the Gemini API that several files share, and its two spellings of a member's name.

Google's servers accept `generationConfig` and `generation_config` alike, so requests are read with both, as
`camelCase`. A member given in both spellings is refused: which of the two the provider would take is not documented.
Source: https://ai.google.dev/api/generate-content
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final

import msgspec

from asbru.core.chat import Raw, StopReason
from asbru.dialects.fields import DECODE_ERRORS, Fields, Kind, refuse_reply

NAME: Final = "gemini"
MARK: Final = "item"
"""The member of `extra` that says how something was spelled here and nothing elsewhere, so that its loss is none."""

REFUSE_REPLY: Final = refuse_reply(NAME)
"""How a reply of this dialect that is not one is refused."""

STOP_READ: Final[dict[str, StopReason]] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "refusal",
    "RECITATION": "refusal",
    "LANGUAGE": "refusal",
    "BLOCKLIST": "refusal",
    "PROHIBITED_CONTENT": "refusal",
    "SPII": "refusal",
    "MODEL_ARMOR": "refusal",
    "IMAGE_SAFETY": "refusal",
    "IMAGE_PROHIBITED_CONTENT": "refusal",
    "IMAGE_RECITATION": "refusal",
}
"""`finishReason`; any other one is `other`."""
STOP_NUMBERS: Final = (
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
)
"""The same by number: so a client of Vertex AI may ask for it (`$alt=json;enum-encoding=int`)."""
STOP_WRITE: Final[dict[StopReason, str]] = {
    "stop": "STOP",
    "tool_calls": "STOP",
    "stop_sequence": "STOP",
    "pause": "STOP",
    "length": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",
    "refusal": "SAFETY",
    "other": "OTHER",
}

_number = msgspec.json.Decoder(float).decode
_WHOLE_MAX: Final = 2**31 - 1


def _whole(raw: Raw | bytes) -> int:
    """A count, which SDKs also write as `40.0`."""
    value = _number(raw)
    if not value.is_integer() or abs(value) > _WHOLE_MAX:
        raise msgspec.ValidationError("not an integer of 32 bits")
    return int(value)


WHOLE: Final = Kind(_whole, "an integer of 32 bits")

_text = msgspec.json.Decoder(str).decode
_integer = msgspec.json.Decoder(int).decode
encode = msgspec.json.Encoder().encode
decode_members = msgspec.json.Decoder(dict[str, Raw]).decode

_CARRIER: Final = b"asbru:"
_UNDERSCORE: Final = re.compile(r"_([a-z0-9])")


def camel(name: str) -> str:
    """A member's name as this API documents it."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def in_camel(fields: Fields) -> Fields:
    """The same object with all names in `camelCase`. Raises where a member is given in both spellings."""
    members = fields.rest()
    for name in [name for name in members if "_" in name]:
        spelled = camel(name)
        if spelled in members:
            raise fields.wrong(name, f"given twice: as {name} and as {spelled}")
        members[spelled] = members.pop(name)
    return fields


def child(fields: Fields, name: str) -> Fields | None:
    """A member that is an object of the API, in `camelCase`."""
    found = fields.child(name)
    return None if found is None else in_camel(found)


def listed(fields: Fields, name: str) -> list[Raw]:
    """A member that is a list; Google's servers also accept one item in its place."""
    raw = fields.peek(name)
    if raw is not None and bytes(memoryview(raw)[:1]) == b"{":
        fields.raw(name)
        return [raw]
    return fields.items(name) or []


def stop_word(raw: Raw | None) -> str | None:
    """`finishReason` in words; None where there is none."""
    if raw is None:
        return None
    try:
        if bytes(memoryview(raw)[:1]) == b'"':
            return _text(raw)
        number = _integer(raw)
    except DECODE_ERRORS:
        return bytes(raw)[:40].decode("utf-8", "replace")
    return STOP_NUMBERS[number] if 0 <= number < len(STOP_NUMBERS) else str(number)


def carry(signature: str, dialect: str | None, *, redacted: bool = False) -> str:
    """A signature of another dialect for callers of this one, who send it back unchanged: base64, as SDKs expect, of
    the dialect's name and the signature. `redacted`: it stands for thinking that only its provider can read."""
    if dialect in (None, NAME):
        return signature
    kind = b"redacted" if redacted else b""
    data = b"%b%b:%b:%b" % (_CARRIER, (dialect or "").encode(), kind, signature.encode("utf-8", "replace"))
    return base64.b64encode(data).decode()


def uncarry(signature: str) -> tuple[str, bool, str] | None:
    """The dialect, whether it is redacted, and the signature, of what `carry` made; None for any other signature."""
    if not signature.startswith("YXNicnU6"):  # the carrier's name in base64, whose six bytes end at a border
        return None
    try:
        words = base64.b64decode(signature, validate=True).decode().split(":", 3)
    except (binascii.Error, ValueError):
        return None
    if len(words) != 4:
        return None
    return words[1], words[2] == "redacted", words[3]
