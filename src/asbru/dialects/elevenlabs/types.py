"""What several files of this dialect share: its name, and the list of models, which is a bare array.

Source: https://elevenlabs.io/docs/api-reference/models/list
"""

from __future__ import annotations

from typing import Final

import msgspec

from asbru.dialects.fields import DECODE_ERRORS, refuse_reply
from asbru.dialects.listed_models import MODELS_MAX

NAME: Final = "elevenlabs"
REFUSE_REPLY: Final = refuse_reply(NAME)
"""How a reply of this dialect that is not one is refused."""


class _Model(msgspec.Struct):
    model_id: str = ""


_models = msgspec.json.Decoder(list[_Model]).decode


def read_models(body: bytes) -> tuple[str, ...] | None:
    """The names in a provider's list; None where it is none."""
    try:
        found = _models(body)
    except DECODE_ERRORS:
        return None
    return tuple(dict.fromkeys(model.model_id for model in found[:MODELS_MAX] if model.model_id))
