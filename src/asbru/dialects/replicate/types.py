"""A prediction, as all files of this dialect read it. Source: https://replicate.com/docs/topics/predictions"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.dialects.fields import DECODE_ERRORS, refuse_reply

NAME: Final = "replicate"
REFUSE_REPLY: Final = refuse_reply(NAME)
"""How a reply of this dialect that is not one is refused."""

BEGUN: Final = ("starting", "processing")
FAILED: Final = ("failed", "canceled", "aborted")


class Prediction(msgspec.Struct):
    """What a model was asked, and what has become of it."""

    id: str = ""
    status: str = ""
    output: Any = None
    error: Any = None
    created_at: str | None = None


_prediction = msgspec.json.Decoder(Prediction).decode


def read_prediction(body: bytes) -> Prediction | None:
    """The prediction in a response; None for anything else."""
    try:
        found = _prediction(body)
    except DECODE_ERRORS:
        return None
    return found if found.id and found.status else None
