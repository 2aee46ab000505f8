"""Usage: disjoint buckets, so that totals are plain sums."""

from __future__ import annotations

import msgspec

from asbru.core.usage import Usage

COUNTS = {
    "input": 1,
    "cache_read": 2,
    "cache_write_5m": 4,
    "cache_write_1h": 8,
    "audio_input": 16,
    "output": 32,
    "reasoning": 64,
    "audio_output": 128,
    "image_input": 256,
    "image_output": 512,
}


def test_totals_sum_each_bucket_once() -> None:
    """Powers of two show that every bucket is in exactly one total."""
    usage = Usage(**COUNTS)
    assert usage.input_total == 1 + 2 + 4 + 8 + 16 + 256
    assert usage.output_total == 32 + 64 + 128 + 512
    assert usage.total == 1023


def test_every_bucket_is_counted() -> None:
    """A bucket added to the struct must be added to a total, or this fails."""
    buckets = {field.name for field in msgspec.structs.fields(Usage) if field.type is int}
    assert buckets - {"web_searches"} == set(COUNTS)
