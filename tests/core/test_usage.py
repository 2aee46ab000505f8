"""Token buckets and what they cost."""

from __future__ import annotations

from asbru.core.money import PriceRow, price_nanousd
from asbru.core.usage import Usage


def test_totals_are_plain_sums() -> None:
    """The totals are the sums of their own buckets."""
    usage = Usage(
        input=1, cache_read=2, cache_write_5m=4, cache_write_1h=8, audio_input=16, output=32, reasoning=64,
        audio_output=128,
    )  # fmt: skip
    assert (usage.input_total, usage.output_total, usage.total) == (31, 224, 255)


def test_each_bucket_has_its_price() -> None:
    """Every bucket is priced once, reasoning as output, rounding half up at the end."""
    row = PriceRow(1_000_000, 2_000_000, 3_000_000, 4_000_000, 5_000_000, 6_000_000, 7_000_000)
    for bucket, price in (
        ("input", 1), ("output", 2), ("reasoning", 2), ("cache_read", 3), ("cache_write_5m", 4),
        ("cache_write_1h", 5), ("audio_input", 6), ("audio_output", 7),
    ):  # fmt: skip
        assert price_nanousd((row,), Usage(**{bucket: 10})) == 10 * price
    half = PriceRow(500_000, 0, 0, 0, 0, 0, 0)
    assert price_nanousd((half,), Usage(input=1)) == 1


def test_the_dearest_tier_reached_holds() -> None:
    """A tier counts for calls with more input than its border, all of whose tokens it prices."""
    base = PriceRow(1_000_000, 0, 0, 0, 0, 0, 0)
    long = PriceRow(2_000_000, 0, 0, 0, 0, 0, 0, above_tokens=100)
    assert price_nanousd((base, long), Usage(input=100)) == 100
    assert price_nanousd((base, long), Usage(input=60, cache_read=41)) == 120
