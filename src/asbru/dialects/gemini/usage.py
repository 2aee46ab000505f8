"""Usage of the Gemini API to and from disjoint buckets.

`promptTokenCount` holds cached tokens; `toolUsePromptTokenCount`, `candidatesTokenCount` and `thoughtsTokenCount` are
beside it. Details by modality tell which of them are audio or images. A missing or malformed `usageMetadata` is None.
Source: https://ai.google.dev/api/generate-content#UsageMetadata
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from asbru.core.chat import Raw
from asbru.core.usage import Usage
from asbru.dialects.fields import DECODE_ERRORS, NULL
from asbru.dialects.receipt import Receipt
from asbru.dialects.surrogates import decode_mended

_FEES: Final = (
    b'"webSearchQueries"',
    b'"imageSearchQueries"',
    b'"retrievalQueries"',
    b'"googleMapsWidgetContextToken"',
)
"""Members of grounding, which costs a fee beside the tokens: https://ai.google.dev/gemini-api/docs/pricing."""
_NUMBERS: Final = {"TEXT": 1, "IMAGE": 2, "VIDEO": 3, "AUDIO": 4}
"""Modalities by number, as clients of Vertex AI may ask for them."""
_STANDARD: Final = (None, 0, 1, "ON_DEMAND", "TRAFFIC_TYPE_UNSPECIFIED", "standard", "STANDARD", "unspecified")
"""Values of `trafficType` and `serviceTier` that mean standard prices."""
_TIER_CHARS_MAX: Final = 40


class _Detail(msgspec.Struct, rename="camel"):
    modality: str | int | None = None
    token_count: int | None = None


class UsageWire(msgspec.Struct, rename="camel"):
    """`usageMetadata`."""

    prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    candidates_token_count: int | None = None
    response_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[_Detail] | None = None
    cache_tokens_details: list[_Detail] | None = None
    candidates_tokens_details: list[_Detail] | None = None
    traffic_type: str | int | None = None
    service_tier: str | int | None = None


class _Envelope(msgspec.Struct, rename="camel"):
    usage_metadata: Raw = NULL


_WIRE = msgspec.json.Decoder(UsageWire).decode
_ENVELOPE = msgspec.json.Decoder(_Envelope).decode


def read_usage(raw: Raw | bytes | None, *, fees: bool = False) -> Usage | None:
    """The buckets of a `usageMetadata`; None where it is absent, null or makes no sense. `fees`: the reply used tools
    that cost more than their tokens."""
    if raw is None or raw == NULL:
        return None
    try:
        wire = _WIRE(raw)
    except DECODE_ERRORS:
        return None
    if wire.prompt_token_count is None and wire.total_token_count is None:
        return None
    prompt, out = _count(wire.prompt_token_count), _count(wire.candidates_token_count)
    cached = min(_count(wire.cached_content_token_count), prompt)
    audio_in = _of(wire.prompt_tokens_details, "AUDIO") - _of(wire.cache_tokens_details, "AUDIO")
    audio_in = min(max(audio_in, 0), prompt - cached)
    audio_out = min(_of(wire.candidates_tokens_details, "AUDIO"), out)
    image_out = min(_of(wire.candidates_tokens_details, "IMAGE"), out - audio_out)
    tiers = [tier for tier in (wire.traffic_type, wire.service_tier) if tier not in _STANDARD]
    return Usage(
        input=prompt - cached - audio_in + _count(wire.tool_use_prompt_token_count),
        cache_read=cached,
        audio_input=audio_in,
        output=out - audio_out - image_out,
        reasoning=_count(wire.thoughts_token_count),
        audio_output=audio_out,
        image_output=image_out,
        standard=not tiers and not fees,
        tier=str(tiers[0])[:_TIER_CHARS_MAX] if tiers and not fees else "",
    )


def _count(count: int | None) -> int:
    return max(count or 0, 0)


def _of(details: Sequence[_Detail] | None, modality: str) -> int:
    words = (modality, _NUMBERS[modality])
    return sum(_count(detail.token_count) for detail in details or () if detail.modality in words)


def has_fees(data: bytes) -> bool:
    """Whether a reply may have been grounded for a fee. A quoted name in a text is escaped."""
    return any(data.find(mark) >= 0 for mark in _FEES)


def usage_of(body: bytes) -> Usage | None:
    """Usage of a complete reply."""
    try:
        envelope = decode_mended(_ENVELOPE, body)
    except DECODE_ERRORS:
        return None
    return read_usage(envelope.usage_metadata, fees=has_fees(body))


def write_usage(usage: Usage, receipt: Receipt) -> dict[str, Any]:
    """The `usageMetadata`. Tokens written to a cache are prompt tokens here."""
    if usage.cache_write_5m or usage.cache_write_1h:
        receipt.changed("usage.cache_write", "counted in promptTokenCount")
        if usage.cache_write_1h:
            receipt.changed("usage.cache_write_1h", "counted in promptTokenCount")
    out = usage.output_total - usage.reasoning
    written: dict[str, Any] = {"promptTokenCount": usage.input_total, "candidatesTokenCount": out}
    if usage.cache_read:
        written["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        written["thoughtsTokenCount"] = usage.reasoning
    written["totalTokenCount"] = usage.total
    if usage.audio_input:
        written["promptTokensDetails"] = [_detail("AUDIO", usage.audio_input)]
    spoken = [("AUDIO", usage.audio_output), ("IMAGE", usage.image_output)]
    if any(count for _, count in spoken):
        written["candidatesTokensDetails"] = [_detail(word, count) for word, count in spoken if count]
    return written


def _detail(modality: str, count: int) -> dict[str, Any]:
    return {"modality": modality, "tokenCount": count}
