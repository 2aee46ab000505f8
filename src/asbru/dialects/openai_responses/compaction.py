"""Compaction: a conversation made shorter, by providers that can, and by a summary where they cannot.

    compaction_trigger       the item that asks for it; a model that does not know it is asked for a summary in words
    compaction               the item that stands for what was said; one of Asbru's holds a summary that is sealed
    /responses/compact       the same as a request: its answer is all that the user said, and the compacted item

Source: https://developers.openai.com/api/docs/guides/compaction
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.openai_responses.types import decode_members, encode
from asbru.wire.sse import write_event

TRIGGER: Final = Raw(b'"compaction_trigger"')
COMPACTION: Final = Raw(b'"compaction"')
MARK: Final = b'"compaction'
"""What a body holds that compacts, or goes on from a compacted conversation."""
PROMPT: Final = (
    "Write a summary of this conversation that replaces it: whoever continues the work will see nothing else of it. "
    "Keep the user's goals and instructions, decisions and their reasons, what was done and found, names of files, "
    "commands and values that matter, open problems and the next steps. Write the summary alone; call no tool."
)
_SUMMARY: Final = "The conversation so far was replaced by this summary of it:\n\n"
_MESSAGE: Final = Raw(b'"message"')
_USER: Final = Raw(b'"user"')
_text = msgspec.json.Decoder(str).decode
_items = msgspec.json.Decoder(list[Raw]).decode


def has_trigger(items: tuple[Raw, ...]) -> bool:
    """Whether an item asks for compaction."""
    return any(bytes(item).find(MARK) >= 0 and _type_of(item) == TRIGGER for item in items)


def _type_of(item: Raw) -> Raw:
    try:
        return decode_members(item).get("type", NULL)
    except DECODE_ERRORS:
        return NULL


def opened(items: tuple[Raw, ...], unseal: Callable[[str], str | None]) -> tuple[Raw, ...]:
    """The items with summaries in place of compacted items that hold one. Those of a provider stay."""
    return tuple(_opened(item, unseal) if bytes(item).find(MARK) >= 0 else item for item in items)


def _opened(item: Raw, unseal: Callable[[str], str | None]) -> Raw:
    try:
        members = decode_members(item)
        if members.get("type") != COMPACTION:
            return item
        summary = unseal(_text(members["encrypted_content"]))
    except (KeyError, *DECODE_ERRORS):
        return item
    if summary is None:
        return item
    content = [{"type": "input_text", "text": _SUMMARY + summary}]
    return Raw(encode({"type": "message", "role": "user", "content": content}))


def compacted(response: bytes, seal: Callable[[str], str]) -> bytes:
    """A response whose output is one compacted item: the provider's own, or what it says, sealed."""
    members = decode_members(response)
    items = _items(members.get("output", Raw(b"[]")))
    own = [item for item in items if _type_of(item) == COMPACTION]
    if len(own) == 1 and len(items) == 1:
        return response
    item: Any = own[0] if own else _sealed(members, "\n\n".join(_said(items)), seal)
    return encode({**members, "output": [item]})


def _sealed(members: dict[str, Raw], summary: str, seal: Callable[[str], str]) -> dict[str, Any]:
    own_id = _text(members["id"]) if "id" in members else ""
    return {"type": "compaction", "id": f"cmp_{own_id[-48:]}", "encrypted_content": seal(summary)}


def _said(items: list[Raw]) -> list[str]:
    """The texts of the messages."""
    texts: list[str] = []
    for item in items:
        members = decode_members(item)
        if members.get("type") == _MESSAGE:
            contents = (decode_members(one) for one in _items(members.get("content", Raw(b"[]"))))
            texts += [_text(one["text"]) for one in contents if "text" in one]
    return texts


def write_output(kind: str, response: bytes) -> bytes:
    """The events that tell each item of a response, whole, and its end; those before them are its first two."""
    sequence = 2
    events: list[bytes] = []
    for at, item in enumerate(_items(decode_members(response)["output"])):
        for name in ("response.output_item.added", "response.output_item.done"):
            event = {"type": name, "sequence_number": sequence, "output_index": at, "item": item}
            events.append(write_event(encode(event), name))
            sequence += 1
    events.append(write_event(encode({"type": kind, "sequence_number": sequence, "response": Raw(response)}), kind))
    return b"".join(events)


def write_compaction(response: bytes, items: tuple[Raw, ...]) -> bytes:
    """The answer of /responses/compact: what the user said in `items`, and the compacted item of a response."""
    members = decode_members(response)
    said = [_as_output(item) for item in items if _is_users(item)]
    return encode(
        {
            "id": members["id"],
            "object": "response.compaction",
            "created_at": members.get("created_at", Raw(b"0")),
            "output": [*said, *_items(members["output"])],
            "usage": members.get("usage", NULL),
        }
    )


def _as_output(item: Raw) -> dict[str, Any]:
    """A message as SDKs expect it in an output: its content is a list."""
    members: dict[str, Any] = {"type": _MESSAGE, **decode_members(item)}
    content = members.get("content", NULL)
    if bytes(memoryview(content)[:1]) == b'"':
        members["content"] = [{"type": "input_text", "text": content}]
    return members


def _is_users(item: Raw) -> bool:
    members = decode_members(item)
    return members.get("type", _MESSAGE) == _MESSAGE and members.get("role") == _USER
