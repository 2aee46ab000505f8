"""The words of Cohere's API (v2) that several files share.

Source: https://docs.cohere.com/reference/chat, https://docs.cohere.com/reference/chat-stream
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw, StopReason
from asbru.dialects.fields import refuse_reply

NAME: Final = "cohere"

REFUSE_REPLY: Final = refuse_reply(NAME)
"""How a reply of this dialect that is not one is refused."""

USAGE: Final = "usage"
"""The name in `extra` of what a reply tells of its tokens besides those that are billed."""

FAILED: Final = "ERROR"
"""Why a reply finished that failed."""
STOP_READ: Final[dict[str, StopReason]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}
"""`finish_reason`; what is not in it (`TIMEOUT`) has no canonical word."""
STOP_WRITE: Final[dict[StopReason, str]] = {
    "stop": "COMPLETE",
    "stop_sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",
    "tool_calls": "TOOL_CALL",
    "pause": "COMPLETE",
    "refusal": "COMPLETE",
    "other": "COMPLETE",
}

encode = msgspec.json.Encoder().encode
decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
