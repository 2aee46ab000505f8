"""The arithmetic of the benchmark: medians, spreads, ratios. Pure; `None` means "not measured" throughout."""

import math
from collections.abc import Sequence

Number = float | int


def quantile(values: Sequence[Number], q: float) -> float | None:
    """The q-quantile (0..1) by linear interpolation, None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    at = q * (len(ordered) - 1)
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (at - low)


def median(values: Sequence[Number]) -> float | None:
    """The middle value, None of nothing."""
    return quantile(values, 0.5)


def interquartile(values: Sequence[Number]) -> float | None:
    """Distance between the quartiles, in the unit of the values: the spread that decides a tie."""
    low, high = quantile(values, 0.25), quantile(values, 0.75)
    return None if low is None or high is None else high - low


def relative_range(values: Sequence[Number]) -> float | None:
    """(max - min) / median: 0.2 means that the rounds lay within 20 % of each other."""
    middle = median(values)
    return None if not middle else (max(values) - min(values)) / middle


def ratio(of: Number | None, to: Number | None) -> float | None:
    """of / to, None when either is missing or the divisor is not positive."""
    return None if of is None or to is None or to <= 0 else of / to


def differences(of: Sequence[Number | None], to: Sequence[Number | None]) -> list[float]:
    """Round by round of - to, leaving out rounds that lack either: pairing takes out the machine's drift."""
    return [a - b for a, b in zip(of, to, strict=False) if a is not None and b is not None]


def median_between(values: Sequence[Number], certainty: float = 0.95) -> tuple[float, float] | None:
    """Two of the values between which the true median lies with at least this certainty, whatever they are spread like
    (order statistics of the binomial distribution); None for too few values."""
    ordered, outside = sorted(values), 0.0
    found = None
    for cut in range(len(ordered) // 2):
        outside += 2 * math.comb(len(ordered), cut) / 2 ** len(ordered)
        if outside > 1 - certainty:
            break
        found = (float(ordered[cut]), float(ordered[-1 - cut]))
    return found


def rounded(value: Number | None, digits: int = 3) -> float | None:
    """Rounded for the result file; three significant places would lie about counts, so decimals it is."""
    return None if value is None else round(float(value), digits)
