"""The words of the Responses API that several files share.

Source: https://platform.openai.com/docs/api-reference/responses
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Extra, Raw, StopReason
from asbru.dialects.fields import NULL, Fields, refuse_reply

NAME: Final = "openai_responses"
ITEM: Final = "item"
"""The name in a part's `extra` of what delimits an item and says nothing elsewhere: its id and status."""

MESSAGE: Final = "message"
"""The name in a part's `extra` of what is unknown of the message item that it begins."""
RIDING: Final = (ITEM, MESSAGE)

REFUSE_REPLY: Final = refuse_reply(NAME)
"""How a reply of this dialect that is not one is refused."""

INCOMPLETE_READ: Final[dict[str, StopReason]] = {
    "max_output_tokens": "length",
    "content_filter": "refusal",
}
"""`incomplete_details.reason`."""
INCOMPLETE_WRITE: Final[dict[StopReason, str]] = {
    "length": "max_output_tokens",
    "context_window": "max_output_tokens",
    "refusal": "content_filter",
}

encode = msgspec.json.Encoder().encode
decode_members = msgspec.json.Decoder(dict[str, Raw]).decode

_USUAL: Final = (Raw(b'"completed"'), Raw(b'"in_progress"'))


def take_item(item: Fields) -> Extra:
    """What delimits an item, taken out of it: under `ITEM`, if there is anything."""
    marks: dict[str, Raw] = {}
    for name in ("id", "status"):
        raw = item.raw(name)
        if raw is not None and not (name == "status" and raw in _USUAL):
            marks[name] = raw
    return {ITEM: Raw(encode(marks))} if marks else {}


def take_message(item: Fields) -> Extra:
    """What is unknown of a message item, taken out of it: under `MESSAGE`, if there is anything. It rides with the
    first part of the message, since neighbours become one."""
    for name in ("role", "type", "content"):
        item.raw(name)
    marks = take_item(item)
    left = item.rest_set()
    return {MESSAGE: Raw(encode(left)), **marks} if left else marks


def message_members(extra: Extra) -> dict[str, Raw]:
    """The members of a message item that its first part carries: its marks, and what `take_message` took."""
    raw = extra.get(MESSAGE, NULL)
    return item_marks(extra) | ({} if raw == NULL else decode_members(raw))


def item_marks(extra: Extra) -> dict[str, Raw]:
    """What `take_item` took."""
    raw = extra.get(ITEM, NULL)
    return {} if raw == NULL else decode_members(raw)
