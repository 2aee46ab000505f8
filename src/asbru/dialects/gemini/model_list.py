"""The list of models as `GET /v1beta/models` gives it. Source: https://ai.google.dev/api/models"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from asbru.dialects.contract import ModelsForm
from asbru.dialects.gemini.types import encode
from asbru.dialects.listed_models import MODELS_MAX

_PREFIX: Final = "models/"
_METHODS: Final = ("generateContent", "streamGenerateContent", "countTokens", "embedContent")


class _Model(msgspec.Struct):
    name: str


class _List(msgspec.Struct):
    models: list[_Model]


_list = msgspec.json.Decoder(_List).decode


def write_all(names: Sequence[str]) -> bytes:
    """The whole list, as one page."""
    return encode({"models": [_entry(name) for name in names]})


def write_one(name: str) -> bytes:
    """One model."""
    return encode(_entry(name))


def _entry(name: str) -> dict[str, Any]:
    return {
        "name": f"{_PREFIX}{name}",
        "version": "1",
        "displayName": name,
        "supportedGenerationMethods": _METHODS,
    }


def read_models(body: bytes) -> tuple[str, ...] | None:
    """The names in the order they came; None where it is no list of models."""
    try:
        found = _list(body).models
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    names = (model.name.removeprefix(_PREFIX) for model in found[:MODELS_MAX])
    return tuple(dict.fromkeys(name for name in names if name))


MODELS: Final = ModelsForm(write_all=write_all, write_one=write_one, path="/models?pageSize=1000", read=read_models)
