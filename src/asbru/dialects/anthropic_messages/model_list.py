"""The list of models as `GET /v1/models` gives it.

Source: https://platform.claude.com/docs/en/api/models-list
"""

from __future__ import annotations

from collections.abc import Sequence

from asbru.dialects.anthropic_messages.types import encode


def write_all(names: Sequence[str]) -> bytes:
    """The whole list, as one page."""
    return encode(
        {
            "data": [_entry(name) for name in names],
            "has_more": False,
            "first_id": names[0] if names else None,
            "last_id": names[-1] if names else None,
        }
    )


def write_one(name: str) -> bytes:
    """One model."""
    return encode(_entry(name))


def _entry(name: str) -> dict[str, str]:
    return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
