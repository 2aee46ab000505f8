"""Histograms of durations: counts by buckets on a logarithmic scale, which add up and take little room.

A bucket is a whole number: 16 to each doubling, so a value is known to 6 percent, and a quantile, placed within its
bucket by rank, to less. Packed as msgpack: bucket, count, bucket, count, in order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

import msgspec

_PARTS_BITS: Final = 4
_PARTS: Final = 1 << _PARTS_BITS
BUCKETS_MAX: Final = _PARTS * 40
"""The last one begins above 10^11 microseconds, a day and a half."""

Histogram: TypeAlias = dict[int, int]
"""Counts by bucket."""

EMPTY: Final = msgspec.msgpack.encode([])
_decode = msgspec.msgpack.Decoder(list[int]).decode


def bucket_of(value: int) -> int:
    """The bucket of a value in microseconds."""
    if value < _PARTS:
        return max(value, 0)
    shift = value.bit_length() - _PARTS_BITS - 1
    return min((shift << _PARTS_BITS) + (value >> shift), BUCKETS_MAX)


def bounds_of(bucket: int) -> tuple[int, int]:
    """The first value of a bucket, and the first that is above it."""
    if bucket < _PARTS:
        return bucket, bucket + 1
    shift = (bucket >> _PARTS_BITS) - 1
    first = (_PARTS + (bucket & (_PARTS - 1))) << shift
    return first, first + (1 << shift)


def read_into(histogram: Histogram, packed: bytes) -> None:
    """Add a packed histogram."""
    pairs = iter(_decode(packed))
    for bucket, count in zip(pairs, pairs, strict=True):
        histogram[bucket] = histogram.get(bucket, 0) + count


def read(packed: Iterable[bytes]) -> Histogram:
    """The sum of packed histograms."""
    histogram: Histogram = {}
    for one in packed:
        read_into(histogram, one)
    return histogram


def write(histogram: Mapping[int, int]) -> bytes:
    """Pack; a bucket that nothing is in is left out."""
    flat: list[int] = []
    for bucket in sorted(histogram):
        if histogram[bucket] > 0:
            flat += (bucket, histogram[bucket])
    return msgspec.msgpack.encode(flat) if flat else EMPTY


def quantiles(histogram: Mapping[int, int], wanted: Iterable[float]) -> list[int | None]:
    """Quantiles (0.5, 0.95) in microseconds; None where nothing was counted."""
    total = sum(histogram.values())
    ordered = sorted(histogram.items())
    return [None if total <= 0 else _quantile(ordered, share * total) for share in wanted]


def _quantile(ordered: list[tuple[int, int]], rank: float) -> int:
    below = 0
    for bucket, count in ordered:
        if below + count >= rank:
            first, above = bounds_of(bucket)
            return first + int((above - 1 - first) * max(0.0, rank - below) / count)
        below += count
    return bounds_of(ordered[-1][0])[1] - 1
