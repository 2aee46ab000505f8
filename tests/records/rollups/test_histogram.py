"""Histograms: whole numbers on a logarithmic scale."""

from __future__ import annotations

import pytest

from asbru.records.rollups import histogram


@pytest.mark.parametrize("value", [0, 1, 15, 16, 17, 31, 32, 33, 1000, 123_456, 10**6, 3 * 10**9, 2**40])
def test_a_value_lies_in_its_bucket(value: int) -> None:
    """Every value lies within its bucket, whose width is at most a sixteenth of it; buckets follow one another."""
    bucket = histogram.bucket_of(value)
    first, above = histogram.bounds_of(bucket)
    assert first <= value < above
    assert above - first <= max(1, value / 16)
    assert histogram.bounds_of(bucket + 1)[0] == above


def test_what_is_far_too_long_has_the_last_bucket() -> None:
    """The number of buckets is bounded, whatever comes."""
    assert histogram.bucket_of(2**63) == histogram.bucket_of(2**62) == histogram.BUCKETS_MAX
    assert histogram.bucket_of(-5) == 0


def test_packed_histograms_add_up() -> None:
    """The sum of the packed is what would have been packed together; a bucket at zero is gone."""
    one, other = {3: 2, 70: 1}, {70: 4, 5: -1}
    assert histogram.read([histogram.write(one), histogram.write(other)]) == {3: 2, 70: 5}
    assert histogram.write({1: 0}) == histogram.write({}) == histogram.EMPTY


def test_quantiles_are_close() -> None:
    """Within 6 percent of the exact ones; None of nothing."""
    values = [1000 + 37 * number for number in range(1000)]
    counts: histogram.Histogram = {}
    for value in values:
        bucket = histogram.bucket_of(value)
        counts[bucket] = counts.get(bucket, 0) + 1
    for share, found in zip((0.5, 0.95, 0.99), histogram.quantiles(counts, (0.5, 0.95, 0.99)), strict=True):
        assert found is not None
        assert abs(found / values[int(share * 1000)] - 1) < 0.06
    assert histogram.quantiles({}, (0.5,)) == [None]
    assert histogram.quantiles({histogram.bucket_of(500): 1}, (0.99,))[0] == pytest.approx(500, rel=0.07)
