"""The words of the Messages API: its name, its vocabularies, and the wire structs that are decoded by shape.

Source: https://platform.claude.com/docs/en/api/messages and the types of the official SDK. Structs here are tolerant:
every field is optional and unknown ones are skipped; where unknown fields must ride along, `fields.py` is used.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import Raw, StopReason
from asbru.dialects.fields import NULL, refuse_reply

NAME: Final = "anthropic_messages"

SIGNERS: Final = frozenset((NAME, "bedrock_converse"))
"""The dialects in which Claude signs its thinking. A signature is good wherever Claude is served, and nobody else on
Bedrock signs. https://platform.claude.com/docs/en/build-with-claude/extended-thinking"""

BILLING: Final = "billing header"
"""The kind of the part that Claude Code's billing header is read into."""

REFUSE_REPLY: Final = refuse_reply(NAME)
"""How a reply of this dialect that is not one is refused."""

STOP_READ: Final[dict[str, StopReason]] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context_window",
}
"""`stop_reason` to canonical; every other word is `other`, with the word kept as `raw_stop`."""

STOP_WRITE: Final[dict[StopReason, str]] = {
    **{canonical: wire for wire, canonical in STOP_READ.items()},
    "other": "end_turn",
}

STATUS_OF_TYPE: Final[dict[str, int]] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Anthropic's error types and the HTTP status each goes with."""

TYPE_OF_STATUS: Final[dict[int, str]] = {
    **{status: kind for kind, status in STATUS_OF_TYPE.items()},
    408: "timeout_error",
    503: "overloaded_error",
}


class CacheCreationWire(msgspec.Struct):
    """Cache writes by lifetime."""

    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class OutputDetailsWire(msgspec.Struct):
    """What part of the output was reasoning, where told."""

    thinking_tokens: int | None = None


class UsageWire(msgspec.Struct, frozen=True):
    """`usage` of an answer, a `message_start` or a `message_delta`."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_creation: CacheCreationWire | None = None
    output_tokens_details: OutputDetailsWire | None = None
    service_tier: Any = None
    speed: Any = None
    inference_geo: Raw = NULL
    server_tool_use: Any = None
    iterations: Any = None


class UsageHolder(msgspec.Struct):
    """Any object with a `usage` member."""

    usage: UsageWire | None = None


class StartHolder(msgspec.Struct):
    """A `message_start` event, for its usage."""

    message: UsageHolder


class DeltaWire(msgspec.Struct):
    """The delta of a content block."""

    type: str = ""
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: Raw = Raw(b"")  # msgspec reads no Raw in a union


class KindWire(msgspec.Struct):
    """Any object with a `type`."""

    type: str = ""


class BlockDeltaEvent(msgspec.Struct):
    """A `content_block_delta` event."""

    index: int
    delta: DeltaWire


class BlockDeltaRaw(msgspec.Struct):
    """A `content_block_delta` event whose delta is of an unknown type."""

    delta: Raw


class BlockStartEvent(msgspec.Struct):
    """A `content_block_start` event."""

    index: int
    content_block: Raw


class BlockStopEvent(msgspec.Struct):
    """A `content_block_stop` event."""

    index: int


class ErrorWire(msgspec.Struct):
    """The inside of an error; providers that imitate the API put numbers in `code`."""

    type: str | None = None
    message: str | None = None
    code: str | int | None = None
    param: str | None = None


class ErrorHolder(msgspec.Struct):
    """`{"error": ...}` in any of the forms seen in the wild."""

    error: ErrorWire | str | None = None
    message: str | None = None
    detail: str | None = None
    type: str | None = None


decode_any = msgspec.json.Decoder().decode
decode_text = msgspec.json.Decoder(str).decode
decode_flag = msgspec.json.Decoder(bool | None).decode
decode_count = msgspec.json.Decoder(int | None).decode
decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
decode_kind = msgspec.json.Decoder(KindWire).decode
decode_usage = msgspec.json.Decoder(UsageWire).decode
decode_usage_holder = msgspec.json.Decoder(UsageHolder).decode
decode_start_holder = msgspec.json.Decoder(StartHolder).decode
decode_block_delta = msgspec.json.Decoder(BlockDeltaEvent).decode
decode_block_delta_raw = msgspec.json.Decoder(BlockDeltaRaw).decode
decode_block_start = msgspec.json.Decoder(BlockStartEvent).decode
decode_block_stop = msgspec.json.Decoder(BlockStopEvent).decode
decode_error = msgspec.json.Decoder(ErrorHolder).decode
encode = msgspec.json.Encoder().encode
