"""The list of models as `GET /v1/models` gives it.

Source: https://platform.openai.com/docs/api-reference/models
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from asbru.dialects.codex_models import PARAMETER, write_catalogue
from asbru.dialects.contract import ModelsForm

_encode = msgspec.json.encode


def write_all(names: Sequence[str]) -> bytes:
    """The whole list."""
    return _encode({"object": "list", "data": [_entry(name) for name in names]})


def write_one(name: str) -> bytes:
    """One model."""
    return _encode(_entry(name))


def _entry(name: str) -> dict[str, str | int]:
    return {"id": name, "object": "model", "created": 0, "owned_by": name.partition("/")[0]}


MODELS = ModelsForm(write_all=write_all, write_one=write_one, catalogue=(PARAMETER, write_catalogue))
