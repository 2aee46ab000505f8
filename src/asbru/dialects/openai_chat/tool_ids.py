"""Ids of tool calls within what a target takes: OpenAI allows 40 characters, Mistral wants nine letters and digits.

A digest is the same for a call and its result, and needs no way back: a provider names its later calls itself.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

import msgspec

from asbru.core.chat import Message, Part, ToolCallPart, ToolResultPart
from asbru.core.traits import Traits
from asbru.dialects.receipt import Receipt

_DIGEST: Final = "asbru_"


def fit_tool_ids(messages: tuple[Message, ...], traits: Traits, receipt: Receipt) -> tuple[Message, ...]:
    """The messages with ids that the target takes; those of its own dialect say what their caller means."""
    if receipt.native or not (traits.tool_id_chars_max or traits.tool_id_chars):
        return messages
    ids = {
        part.id if isinstance(part, ToolCallPart) else part.call_id
        for message in messages
        for part in message.parts
        if isinstance(part, ToolCallPart | ToolResultPart)
    }
    written = {call_id: new for call_id in ids if (new := write_tool_id(call_id, traits)) != call_id}
    if not written:
        return messages
    return tuple([_renamed(message, f"messages[{n}]", written, receipt) for n, message in enumerate(messages)])


def write_tool_id(call_id: str, traits: Traits) -> str:
    """An id that the target takes: `call_id` itself where it may be."""
    exactly, most = traits.tool_id_chars, traits.tool_id_chars_max
    if exactly:
        if len(call_id) == exactly and call_id.isascii() and call_id.isalnum():
            return call_id
        return _digest(call_id)[:exactly]
    return call_id if not most or len(call_id) <= most else (_DIGEST + _digest(call_id))[:most]


def _digest(call_id: str) -> str:
    return sha256(call_id.encode("utf-8", "replace")).hexdigest()


def _renamed(message: Message, path: str, written: dict[str, str], receipt: Receipt) -> Message:
    parts: list[Part] = []
    for n, part in enumerate(message.parts):
        if isinstance(part, ToolCallPart) and part.id in written:
            receipt.changed(f"{path}.parts[{n}].id", "letters or a length that the target does not allow")
            parts.append(msgspec.structs.replace(part, id=written[part.id]))
        elif isinstance(part, ToolResultPart) and part.call_id in written:
            parts.append(msgspec.structs.replace(part, call_id=written[part.call_id]))
        else:
            parts.append(part)
    return msgspec.structs.replace(message, parts=tuple(parts))
