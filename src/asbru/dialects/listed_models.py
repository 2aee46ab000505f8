"""A provider's own list of models, read for its names: the same in all families, but that some send the bare array."""

from __future__ import annotations

from typing import Final

import msgspec

MODELS_MAX: Final = 5000
"""Names kept of one list."""


class _Model(msgspec.Struct):
    id: str


class _List(msgspec.Struct):
    data: list[_Model]


_decode_list = msgspec.json.Decoder(_List).decode
_decode_array = msgspec.json.Decoder(list[_Model]).decode


def read_model_ids(body: bytes) -> tuple[str, ...] | None:
    """The names in the order they came; None where it is no list of models."""
    try:
        found = _decode_array(body) if body.lstrip().startswith(b"[") else _decode_list(body).data
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return tuple(dict.fromkeys(model.id for model in found[:MODELS_MAX] if model.id))
