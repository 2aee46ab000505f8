"""The list of models as `GET /v1/models` gives it. Source: https://docs.cohere.com/reference/list-models"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from asbru.dialects.cohere.types import encode
from asbru.dialects.contract import ModelsForm
from asbru.dialects.fields import DECODE_ERRORS
from asbru.dialects.listed_models import MODELS_MAX


class _Model(msgspec.Struct):
    name: str = ""


class _List(msgspec.Struct):
    models: list[_Model]


_list = msgspec.json.Decoder(_List).decode


def write_all(names: Sequence[str]) -> bytes:
    """The whole list, as one page."""
    return encode({"models": [{"name": name} for name in names]})


def write_one(name: str) -> bytes:
    """One model."""
    return encode({"name": name})


def read_names(body: bytes) -> tuple[str, ...] | None:
    """The names in a provider's list; None where it is none."""
    try:
        found = _list(body).models
    except DECODE_ERRORS:
        return None
    return tuple(dict.fromkeys(model.name for model in found[:MODELS_MAX] if model.name))


MODELS: Final = ModelsForm(
    write_all=write_all, write_one=write_one, path="/v1/models?page_size=1000", read=read_names
)
