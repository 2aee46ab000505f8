"""Usage: what Cohere bills, in canonical buckets.

A reply tells `tokens`, all that went through the model, and `billed_units`, those that are charged: what Cohere adds
to a prompt by itself is not billed. Billed units are the usage; the rest rides along. `cached_tokens` counts tokens of
the whole prompt, so that it is no part of what is billed. Embeddings are billed by input tokens and images' tokens,
rerank by searches.

Source: https://docs.cohere.com/docs/how-does-cohere-pricing-work
"""

from __future__ import annotations

import math
from typing import Any, Final

import msgspec

from asbru.core.chat import Extra, Raw
from asbru.core.usage import Unit, Usage
from asbru.dialects.cohere.types import USAGE, decode_members, encode
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.receipt import Receipt
from asbru.dialects.surrogates import decode_mended

_BILLED: Final = "billed_units"
_TOKENS: Final = "tokens"


class _Counts(msgspec.Struct):
    input_tokens: float | None = None
    output_tokens: float | None = None
    image_tokens: float | None = None
    search_units: float | None = None
    classifications: float | None = None


class _Usage(msgspec.Struct):
    billed_units: _Counts | None = None
    tokens: _Counts | None = None


class _Told(msgspec.Struct):
    usage: _Usage | None = None
    meta: _Usage | None = None


_usage = msgspec.json.Decoder(_Usage | None).decode
_told = msgspec.json.Decoder(_Told).decode


def read_usage(raw: Raw | None) -> Usage | None:
    """The `usage` of a chat, or the `meta` of other calls; None where it tells no counts."""
    if raw is None:
        return None
    try:
        told = _usage(raw)
    except DECODE_ERRORS:
        return None
    return None if told is None else _usage_in(told)


def usage_of(body: bytes) -> Usage | None:
    """Usage of a whole reply of any kind."""
    try:
        told = decode_mended(_told, body)
    except DECODE_ERRORS:
        return None
    found = told.usage or told.meta
    return None if found is None else _usage_in(found)


def _usage_in(told: _Usage) -> Usage | None:
    counts = told.billed_units or told.tokens
    if counts is None:
        return None
    if counts.input_tokens is None and counts.output_tokens is None:
        searches = counts.search_units
        return None if searches is None else Usage(units=(("search", _count(searches)),))
    units: tuple[tuple[Unit, int], ...] = ()
    if counts.search_units:
        units = (("search", _count(counts.search_units)),)
    return Usage(
        input=_count(counts.input_tokens),
        output=_count(counts.output_tokens),
        reasoning_known=False,
        image_input=_count(counts.image_tokens),
        units=units,
    )


def _count(told: float | None) -> int:
    if told is None or not math.isfinite(told):
        return 0
    return max(math.ceil(told), 0)


def read_usage_extra(raw: Raw | None) -> Extra:
    """What else `usage` tells, under `USAGE`, if anything."""
    try:
        members = {} if raw is None else decode_members(raw)
    except DECODE_ERRORS:
        return {}
    left = {name: inner for name, inner in members.items() if name != _BILLED and inner != NULL}
    return {USAGE: Raw(encode(left))} if left else {}


def write_usage(usage: Usage, extra: Extra, receipt: Receipt) -> dict[str, Any]:
    """The `usage` member. `extra` holds what `read_usage_extra` found, where a provider of this dialect told it."""
    counts: dict[str, Any] = {"input_tokens": usage.input_total, "output_tokens": usage.output_total}
    if receipt.native:
        counts = {"input_tokens": usage.input, "output_tokens": usage.output}
        if usage.image_input:
            counts["image_tokens"] = usage.image_input
        if usage.units:
            counts["search_units"] = dict(usage.units).get("search", 0)
        rest = decode_members(extra[USAGE]) if USAGE in extra else {}
        return {_BILLED: counts, **rest}
    for name in ("cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "reasoning", "audio_output"):
        if getattr(usage, name):
            receipt.changed(f"usage.{name.replace('_5m', '')}", "part of the whole")
    return {_BILLED: counts, _TOKENS: counts}
