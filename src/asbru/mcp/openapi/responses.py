"""The response of an API as the result of a tool call (a CallToolResult in JSON)."""

from __future__ import annotations

import base64
from typing import Any, Final

import msgspec

TEXT_BYTES_MAX: Final = 1024 * 1024
"""Of a text: what is longer is cut, with a word that it was."""
_ERROR_MIN: Final = 300
"""Redirects are not followed, so they are errors too."""


def result_of(status: int, content_type: str, body: bytes) -> bytes:
    """The result: JSON objects as `structuredContent` too, images and audio as such; an error by its status."""
    kind = content_type.partition(";")[0].strip().lower()
    result: dict[str, Any]
    if kind.startswith(("image/", "audio/")) and status < _ERROR_MIN:
        data = base64.b64encode(body).decode()
        result = {"content": [{"type": kind.partition("/")[0], "data": data, "mimeType": kind}]}
    else:
        text = body[:TEXT_BYTES_MAX].decode("utf-8", "replace")
        if len(body) > TEXT_BYTES_MAX:
            text += f"\n(cut: the response has {len(body)} bytes)"
        result = {"content": [{"type": "text", "text": text if status < _ERROR_MIN else f"HTTP {status}\n{text}"}]}
        value = _json_object(body) if "json" in kind and status < _ERROR_MIN else None
        if value is not None:
            result["structuredContent"] = value
    if status >= _ERROR_MIN:
        result["isError"] = True
    return msgspec.json.encode(result)


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        return None
