"""Usage of the Responses API to and from disjoint buckets.

Counts are inclusive: `input_tokens` holds cached and written tokens, `output_tokens` holds reasoning. The buckets are
what is left after taking those out. A missing or malformed `usage` is None, never zeros.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.usage import Usage
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.odd_counts import mended_counts
from asbru.dialects.receipt import Receipt
from asbru.dialects.surrogates import decode_mended

_STANDARD_TIERS: Final = (None, "default", "auto", "standard", "")
"""Values of `service_tier` that mean standard prices: https://platform.openai.com/docs/pricing."""
_TIER_CHARS_MAX: Final = 40
_SEARCH: Final = b'"web_search_call"'
_FEES: Final = (b'"file_search_call"', b'"code_interpreter_call"', b'"image_generation_call"', _SEARCH)
"""Items of tools that cost a fee beside the tokens: https://platform.openai.com/docs/pricing#built-in-tools."""


class _InputDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None


class _UsageWire(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class _Envelope(msgspec.Struct):
    usage: Raw = NULL
    service_tier: Any = None


_WIRE = msgspec.json.Decoder(_UsageWire).decode
_ENVELOPE = msgspec.json.Decoder(_Envelope).decode
_NO_INPUT = _InputDetails()
_NO_OUTPUT = _OutputDetails()


def read_usage(raw: Raw | bytes | None, tier: Any = None, *, fees: bool = False) -> Usage | None:
    """The buckets of a `usage` object; None where it is absent, null or makes no sense. `tier`: the `service_tier` of
    the answer; `fees`: it used tools that cost more than their tokens."""
    if raw is None or raw == NULL:
        return None
    try:
        wire = _WIRE(raw)
    except DECODE_ERRORS:
        try:
            wire = _WIRE(mended_counts(raw))
        except DECODE_ERRORS:
            return None
    if wire.input_tokens is None and wire.output_tokens is None:
        return None
    inp, out = wire.input_tokens_details or _NO_INPUT, wire.output_tokens_details or _NO_OUTPUT
    total_in, total_out = max(wire.input_tokens or 0, 0), max(wire.output_tokens or 0, 0)
    cached = _within(inp.cached_tokens, total_in)
    written = _within(inp.cache_write_tokens, total_in - cached)
    audio_in = _within(inp.audio_tokens, total_in - cached - written)
    reasoning = _within(out.reasoning_tokens, total_out)
    audio_out = _within(out.audio_tokens, total_out - reasoning)
    standard = tier in _STANDARD_TIERS
    return Usage(
        input=total_in - cached - written - audio_in,
        cache_read=cached,
        cache_write_5m=written,
        audio_input=audio_in,
        output=total_out - reasoning - audio_out,
        reasoning=reasoning,
        audio_output=audio_out,
        reasoning_known=out.reasoning_tokens is not None,
        standard=standard and not fees,
        tier="" if standard or fees else str(tier)[:_TIER_CHARS_MAX],
    )


def _within(count: int | None, limit: int) -> int:
    return min(max(count or 0, 0), limit)


def has_fees(data: bytes) -> bool:
    """Whether an answer may hold a call of a tool that costs a fee. A quoted name in a text is escaped."""
    return any(data.find(mark) >= 0 for mark in _FEES)


def usage_of(body: bytes) -> Usage | None:
    """Usage of a complete answer."""
    try:
        envelope = decode_mended(_ENVELOPE, body)
    except DECODE_ERRORS:
        return None
    return read_usage(envelope.usage, envelope.service_tier, fees=has_fees(body))


def write_usage(usage: Usage, receipt: Receipt) -> dict[str, Any]:
    """The `usage` object. Tokens written to a cache are in `input_tokens` and in `cache_write_tokens`."""
    if usage.cache_write_1h:
        receipt.changed("usage.cache_write_1h", "counted in cache_write_tokens")
    inp: dict[str, int] = {"cached_tokens": usage.cache_read}
    written = usage.cache_write_5m + usage.cache_write_1h
    if written:
        inp["cache_write_tokens"] = written
    if usage.audio_input:
        inp["audio_tokens"] = usage.audio_input
    out: dict[str, int] = {"reasoning_tokens": usage.reasoning}  # clients want a number, also where nobody knows it
    if usage.audio_output:
        out["audio_tokens"] = usage.audio_output
    return {
        "input_tokens": usage.input_total,
        "input_tokens_details": inp,
        "output_tokens": usage.output_total,
        "output_tokens_details": out,
        "total_tokens": usage.total,
    }
