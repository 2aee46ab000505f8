"""Ids of tool calls in the letters and the length that the API takes: different ids stay different.

| the id                                              | is written as                                             |
|--|--|
| letters the API allows, at most 64                  | it is                                                     |
| other letters, short, or one that begins like these | `asbru-` and its base64: read back as it was               |
| longer, in a request                                | `asbru_` and its digest: the model never tells it again   |
| longer, in an answer                                | as above, whatever the length: it goes back as it was     |
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Final

import msgspec

from asbru.core.chat import Message, Part, ToolCallPart, ToolResultPart
from asbru.dialects.receipt import Receipt

ID_CHARS_MAX: Final = 64
_ALLOWED: Final = re.compile(r"[a-zA-Z0-9_-]+")
_CODED: Final = "asbru-"
_DIGEST: Final = "asbru_"


def write_tool_id(call_id: str) -> str:
    """An id in an answer: it comes back, and is then read as it was. Also of an earlier call in a native request."""
    if _ALLOWED.fullmatch(call_id) and not call_id.startswith((_CODED, _DIGEST)):
        return call_id
    data = call_id.encode("utf-8", "replace")
    return _CODED + urlsafe_b64encode(data).decode().rstrip("=") if data else "call"


def write_short_tool_id(call_id: str) -> str:
    """An id in a request; the same for a call and its result."""
    written = write_tool_id(call_id)
    if len(written) <= ID_CHARS_MAX:
        return written
    return _DIGEST + sha256(call_id.encode("utf-8", "replace")).hexdigest()[: ID_CHARS_MAX - len(_DIGEST)]


def read_tool_id(written: str) -> str:
    """The id as it was before `write_tool_id`; any other as it is."""
    if not written.startswith(_CODED):
        return written
    text = written.removeprefix(_CODED)
    try:
        call_id = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (binascii.Error, ValueError):
        return written
    return call_id if write_tool_id(call_id) == written else written


def with_unique_ids(messages: tuple[Message, ...], receipt: Receipt) -> tuple[Message, ...]:
    """The messages with no id used for two calls: some providers count from 0 in each turn. A result answers the last
    call of its id. What a message becomes depends on those before it only: later ones must not change what was signed.
    """
    ids = [part.id for message in messages for part in message.parts if isinstance(part, ToolCallPart)]
    if len(ids) == len(set(ids)):
        return messages
    used: set[str] = set()
    last: dict[str, str] = {}
    return tuple([_renamed(message, n, (used, last), receipt) for n, message in enumerate(messages)])


def _renamed(message: Message, n: int, known: tuple[set[str], dict[str, str]], receipt: Receipt) -> Message:
    used, last = known
    parts: list[Part] = []
    for k, part in enumerate(message.parts):
        if isinstance(part, ToolCallPart):
            found, number = part.id, 1
            while found in used:
                number += 1
                found = f"{part.id}_{number}"
            if found != part.id:
                receipt.changed(f"messages[{n}].parts[{k}].id", "was used for an earlier call")
            used.add(found)
            last[part.id] = found
            parts.append(msgspec.structs.replace(part, id=found))
        elif isinstance(part, ToolResultPart) and part.call_id in last:
            parts.append(msgspec.structs.replace(part, call_id=last[part.call_id]))
        else:
            parts.append(part)
    return msgspec.structs.replace(message, parts=tuple(parts))
