"""Usage of the Converse API to and from disjoint buckets.

`inputTokens` holds neither what a cache served nor what was written to one, so the buckets are the API's own;
`cacheDetails` says how long what was written lasts (5 minutes unless told). Reasoning is part of the output and not
counted apart. A missing or malformed `usage` is None, never zeros.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.core.usage import Usage
from asbru.dialects.bedrock_converse.types import decode_members, decode_text
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.receipt import Receipt
from asbru.dialects.surrogates import decode_mended

_HOUR: Final = "1h"
_STANDARD_TIERS: Final = (None, "", "default")
"""Service tiers at standard prices: https://docs.aws.amazon.com/bedrock/latest/userguide/service-tiers-inference.html."""
_TIER_CHARS_MAX: Final = 40
_COUNTED: Final = frozenset((
    "inputTokens", "outputTokens", "totalTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "cacheDetails",
    "cacheReadInputTokenCount", "cacheWriteInputTokenCount",
))  # fmt: skip
"""Members that are counts; some stand there twice."""
_NOTHING: Final = (NULL, Raw(b"{}"))


class _Detail(msgspec.Struct):
    ttl: str | None = None
    inputTokens: int | None = None  # noqa: N815 -- the wire's own name


class _Wire(msgspec.Struct):
    inputTokens: int | None = None  # noqa: N815 -- the wire's own name
    outputTokens: int | None = None  # noqa: N815 -- the wire's own name
    cacheReadInputTokens: int | None = None  # noqa: N815 -- the wire's own name
    cacheWriteInputTokens: int | None = None  # noqa: N815 -- the wire's own name
    cacheDetails: list[_Detail] | None = None  # noqa: N815 -- the wire's own name
    serverToolUsage: dict[str, Any] | None = None  # noqa: N815 -- the wire's own name


class _Holder(msgspec.Struct):
    usage: Raw = NULL
    serviceTier: Raw = NULL  # noqa: N815 -- the wire's own name


_wire = msgspec.json.Decoder(_Wire).decode
_holder = msgspec.json.Decoder(_Holder).decode


def read_usage(raw: Raw | None, tier: str | None = None) -> Usage | None:
    """The buckets of a `usage` object; None where it is absent or makes no sense. `tier`: the service tier that the
    reply names."""
    if raw is None or raw == NULL:
        return None
    try:
        wire = _wire(raw)
    except DECODE_ERRORS:
        return None
    if wire.inputTokens is None and wire.outputTokens is None:
        return None
    written = max(wire.cacheWriteInputTokens or 0, 0)
    hour = sum(max(one.inputTokens or 0, 0) for one in wire.cacheDetails or () if one.ttl == _HOUR)
    hour = min(hour, written)
    fees = bool(wire.serverToolUsage)
    standard = tier in _STANDARD_TIERS
    return Usage(
        input=max(wire.inputTokens or 0, 0),
        cache_read=max(wire.cacheReadInputTokens or 0, 0),
        cache_write_5m=written - hour,
        cache_write_1h=hour,
        output=max(wire.outputTokens or 0, 0),
        reasoning_known=False,
        standard=standard and not fees,
        tier="" if standard or fees else str(tier)[:_TIER_CHARS_MAX],
    )


def read_tier(raw: Raw | None) -> str | None:
    """The word in a `serviceTier` object; None where there is none."""
    if raw is None or raw == NULL:
        return None
    try:
        return decode_text(decode_members(raw)["type"])
    except (KeyError, *DECODE_ERRORS):
        return None


def read_usage_extra(raw: Raw | None) -> Extra:
    """The members of a usage object that are no counts and hold something."""
    try:
        members = {} if raw is None else decode_members(raw)
    except DECODE_ERRORS:
        return {}
    return {name: value for name, value in members.items() if name not in _COUNTED and value not in _NOTHING}


def usage_of(body: bytes) -> Usage | None:
    """Usage of a complete reply, or of the `metadata` event of a stream."""
    try:
        holder = decode_mended(_holder, body)
    except DECODE_ERRORS:
        return None
    return read_usage(holder.usage, read_tier(holder.serviceTier))


def write_usage(usage: Usage, receipt: Receipt) -> dict[str, Any]:
    """The `usage` object. Reasoning and audio are counted with the other tokens: the API has no place for them."""
    for name in ("audio_input", "audio_output", "image_input", "image_output", "reasoning"):
        if getattr(usage, name):
            receipt.changed(f"usage.{name}", "counted with the other tokens")
    written = usage.cache_write_5m + usage.cache_write_1h
    counts: dict[str, Any] = {
        "inputTokens": usage.input_total - usage.cache_read - written,
        "outputTokens": usage.output_total,
        "totalTokens": usage.total,
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": written,
    }
    if written:
        by_ttl = (("5m", usage.cache_write_5m), (_HOUR, usage.cache_write_1h))
        counts["cacheDetails"] = [{"ttl": ttl, "inputTokens": count} for ttl, count in by_ttl if count]
    return counts
