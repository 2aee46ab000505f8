"""Counts of tokens as servers write them that have no integers, or no empty objects: `10.0`, `"details": []`.

Only for usage that could not be read as it stands: what a call cost must not be lost for that. A total that is no whole
number stays as it is, and the usage unknown; of the details, which only split a total, what makes no sense is left out.
"""

from __future__ import annotations

from typing import Any, cast

import msgspec

from asbru.core.chat import Raw
from asbru.dialects.fields import DECODE_ERRORS


def mended_counts(usage: Raw | bytes) -> bytes:
    """The object anew; as it was where it is none."""
    try:
        members: Any = msgspec.json.decode(usage)
    except DECODE_ERRORS:
        return bytes(usage)
    if not isinstance(members, dict):
        return bytes(usage)
    whole = {name: _whole(value) for name, value in cast("dict[str, Any]", members).items()}
    return msgspec.json.encode({name: value for name, value in whole.items() if not _is_nothing(value)})


def _is_nothing(value: Any) -> bool:
    """Whether it is an empty list or text, in place of an empty object."""
    return isinstance(value, (list, str)) and not value


def _whole(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        counts = {name: _whole(inner) for name, inner in cast("dict[str, Any]", value).items()}
        return {name: count for name, count in counts.items() if isinstance(count, int)}
    return value
