"""Usage of OpenAI chat to and from disjoint buckets.

OpenAI counts inclusively: `prompt_tokens` holds cached, written and audio tokens, `completion_tokens` holds
reasoning and audio. The buckets are what is left after taking those out, and their sum is the provider's
own total. Details that exceed their total are cut to it. Where `total_tokens` shows that reasoning was
counted beside `completion_tokens` (xAI), it is added. A missing or malformed `usage` is None, never zeros.
"""

from __future__ import annotations

from typing import Any

import msgspec

from asbru.core.chat import Raw
from asbru.core.usage import Usage
from asbru.dialects.fields import NULL
from asbru.dialects.odd_counts import mended_counts
from asbru.dialects.openai_chat.types import Envelope, InputDetails, OutputDetails, UsageEnvelope, UsageWire
from asbru.dialects.receipt import Receipt
from asbru.dialects.surrogates import decode_mended

_USAGE = msgspec.json.Decoder(UsageWire)
_ENVELOPE = msgspec.json.Decoder(Envelope)
_QUICK = msgspec.json.Decoder(UsageEnvelope)
_TIER = b'"service_tier"'
_NEAR_BYTES = 512
_KEY = b'"usage"'
_GROQ_KEY = b'"x_groq"'
_NO_INPUT = InputDetails()
_NO_OUTPUT = OutputDetails()
_TAIL_TRIES_MAX = 4
_STANDARD_TIERS = (None, "default", "auto", "standard", "on_demand", "")
"""Values of `service_tier` in an answer that mean standard prices (OpenAI: default; Groq: on_demand). Flex and priority
have prices of their own: https://platform.openai.com/docs/pricing."""
_TIER_CHARS_MAX = 40
_BACKSLASH = ord("\\")


def read_usage(raw: Raw | None, tier: Any = None) -> Usage | None:
    """The buckets of a `usage` object; None where it is absent, null or makes no sense. `tier`: the `service_tier` of
    the answer."""
    if raw is None or raw == NULL:
        return None
    try:
        wire = _USAGE.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        try:
            wire = _USAGE.decode(mended_counts(raw))
        except (msgspec.DecodeError, RecursionError):
            return None
    return _buckets(wire, tier)


def _buckets(wire: UsageWire, tier: Any) -> Usage | None:
    if wire.prompt_tokens is None and wire.completion_tokens is None:
        return None
    prompt, completion = wire.prompt_tokens or 0, wire.completion_tokens or 0
    if prompt < 0 or completion < 0:
        prompt, completion = max(prompt, 0), max(completion, 0)
    inp = wire.prompt_tokens_details or wire.prompt_token_details or _NO_INPUT
    out = wire.completion_tokens_details or wire.completion_token_details or _NO_OUTPUT
    reasoning = out.reasoning_tokens
    if reasoning and wire.total_tokens == prompt + completion + reasoning:
        completion += reasoning
    cached = inp.cached_tokens
    if cached is None:
        cached = wire.prompt_cache_hit_tokens or wire.cached_tokens or wire.num_cached_tokens
    cache_read = 0
    if cached:
        cache_read = cached if 0 < cached < prompt else _within(cached, prompt)
    written = inp.cache_write_tokens or inp.cache_creation_tokens
    cache_write = _within(written, prompt - cache_read) if written else 0
    audio_input = _within(inp.audio_tokens, prompt - cache_read - cache_write) if inp.audio_tokens else 0
    thought = _within(reasoning, completion) if reasoning else 0
    audio_output = _within(out.audio_tokens, completion - thought) if out.audio_tokens else 0
    standard = tier in _STANDARD_TIERS
    return Usage(  # by position, in the order of the buckets: names would cost more than all of the above
        prompt - cache_read - cache_write - audio_input,
        cache_read,
        cache_write,
        0,
        audio_input,
        completion - thought - audio_output,
        thought,
        audio_output,
        reasoning is not None,
        standard,
        "" if standard else str(tier)[:_TIER_CHARS_MAX],
    )


def _within(count: int, limit: int) -> int:
    if count < 0:
        return 0
    return count if count < limit else limit


def write_usage(usage: Usage, receipt: Receipt) -> dict[str, object]:
    """The `usage` object. Tokens written to a cache are in `prompt_tokens` and, as OpenRouter names them, in
    `prompt_tokens_details.cache_write_tokens` (both lifetimes together)."""
    if usage.cache_write_1h:
        receipt.changed("usage.cache_write_1h", "counted in cache_write_tokens")
    inp: dict[str, int] = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input}
    written = usage.cache_write_5m + usage.cache_write_1h
    if written:
        inp["cache_write_tokens"] = written
    out: dict[str, int] = {"audio_tokens": usage.audio_output}
    if usage.reasoning_known:
        out["reasoning_tokens"] = usage.reasoning
    return {
        "prompt_tokens": usage.input_total,
        "completion_tokens": usage.output_total,
        "total_tokens": usage.total,
        "prompt_tokens_details": inp,
        "completion_tokens_details": out,
    }


def envelope_usage(envelope: Envelope) -> Usage | None:
    """Usage at the top, or where Groq's streams put it."""
    usage = read_usage(envelope.usage, envelope.service_tier)
    if usage is None and envelope.x_groq is not None:
        usage = read_usage(envelope.x_groq.usage, envelope.service_tier)
    return usage


def usage_of(body: bytes) -> Usage | None:
    """Usage of a complete JSON answer (chat, completions, embeddings): from the tail, else from the whole."""
    at = body.rfind(_KEY)
    end: UsageEnvelope | None = None
    try:  # nearly always: the last word is the key, and what follows is well formed
        if at > 0 and body[at - 1] != _BACKSLASH:
            end = _QUICK.decode(b"{" + body[at:])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        end = None
    if (end is None or end.service_tier is None) and _tier_before(body, at):
        try:
            return envelope_usage(_ENVELOPE.decode(body))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass
    if end is not None and end.usage is not None:
        return _buckets(end.usage, end.service_tier)
    usage = tail_usage(body)
    if usage is not None:
        return usage
    if _KEY not in body:
        return None
    try:
        return envelope_usage(decode_mended(_ENVELOPE.decode, body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _tier_before(body: bytes, at: int) -> bool:
    """Whether a tier may stand before the usage at `at`, whose end then does not tell it. Not looked for in the text,
    which is long."""
    return body.find(_TIER, 0, min(at, _NEAR_BYTES)) >= 0 or body.find(_TIER, max(at - _NEAR_BYTES, 0), at) >= 0


def tail_usage(data: bytes) -> Usage | None:
    """Usage from the end of a JSON object whose beginning may be missing.

    What follows a top-level `"usage"` key, with a brace put before it, is a JSON object; what follows the
    same word inside a string, as a value or in a nested object is not, for its braces do not match. So
    nothing is guessed.
    """
    return _tail_member(data, _KEY) or _tail_member(data, _GROQ_KEY)


def _tail_member(data: bytes, key: bytes) -> Usage | None:
    end = len(data)
    for _ in range(_TAIL_TRIES_MAX):
        at = data.rfind(key, 0, end)
        if at < 0:
            return None
        if data[at - 1 : at] != b"\\":
            try:
                return envelope_usage(_ENVELOPE.decode(b"{" + data[at:]))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        end = at
    return None
