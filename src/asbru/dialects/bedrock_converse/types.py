"""The words of the Converse API: its name, its vocabularies and the decoders of small values.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and the service model of
botocore (bedrock-runtime, 2023-09-30). What a block or a member is called, the caller reads here and nowhere else.
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.core.chat import Raw, StopReason
from asbru.dialects.fields import refuse_reply

NAME: Final = "bedrock_converse"

CLAUDE: Final = "anthropic_messages"
"""The dialect whose signatures of thinking Claude on Bedrock accepts as its own:
https://platform.claude.com/docs/en/build-with-claude/extended-thinking#thinking-encryption"""

REFUSE_REPLY: Final = refuse_reply(NAME)
"""How a reply of this dialect that is not one is refused."""

STOP_READ: Final[dict[str, StopReason]] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "tool_use": "tool_calls",
    "guardrail_intervened": "refusal",
    "content_filtered": "refusal",
    "refusal": "refusal",
    "pause_turn": "pause",
    "model_context_window_exceeded": "context_window",
}
"""`stopReason` to canonical; every other word (`malformed_tool_use`, `malformed_model_output`) is `other`."""

STOP_WRITE: Final[dict[StopReason, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tool_calls": "tool_use",
    "refusal": "content_filtered",
    "pause": "end_turn",
    "context_window": "model_context_window_exceeded",
    "other": "end_turn",
}

IMAGE_TYPES: Final = {"png": "image/png", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
DOCUMENT_TYPES: Final = {
    "pdf": "application/pdf",
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "html": "text/html",
    "txt": "text/plain",
    "md": "text/markdown",
}
"""`format` of an image and of a document, and the media type that each stands for."""
IMAGE_FORMATS: Final = {**{kind: name for name, kind in IMAGE_TYPES.items()}, "image/jpg": "jpeg"}
DOCUMENT_FORMATS: Final = {kind: name for name, kind in DOCUMENT_TYPES.items()}

decode_any = msgspec.json.Decoder().decode
decode_text = msgspec.json.Decoder(str).decode
decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
encode = msgspec.json.Encoder().encode


def as_raw(value: object) -> Raw:
    """A value as raw JSON."""
    return Raw(encode(value))
