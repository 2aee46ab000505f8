"""The arithmetic: quantiles, spreads, ratios, paired differences."""

import pytest

from bench import stats


def test_quantiles_interpolate_between_neighbours() -> None:
    """A quantile between two values lies on the line between them, and the order given does not matter."""
    assert stats.quantile([40, 10, 30, 20], 0.5) == 25
    assert stats.quantile([40, 10, 30, 20], 0.0) == 10
    assert stats.quantile([40, 10, 30, 20], 1.0) == 40
    assert stats.quantile([7], 0.99) == 7


def test_nothing_measured_stays_nothing() -> None:
    """Empty series give None everywhere, never zero, which would read as a figure."""
    assert stats.median([]) is None
    assert stats.interquartile([]) is None
    assert stats.relative_range([]) is None
    assert stats.rounded(None) is None


def test_spread_measures() -> None:
    """The relative range is (max - min) / median; the interquartile range ignores one wild round."""
    assert stats.relative_range([9, 10, 11]) == pytest.approx(0.2)
    assert stats.interquartile([10, 10, 10, 10, 500]) == 0


def test_ratio_refuses_missing_and_zero() -> None:
    """A ratio needs both sides and a positive divisor."""
    assert stats.ratio(30, 60) == 0.5
    assert stats.ratio(None, 60) is None
    assert stats.ratio(30, None) is None
    assert stats.ratio(30, 0) is None


def test_differences_pair_rounds() -> None:
    """Rounds are subtracted pairwise, and a round that lacks either side is left out."""
    assert stats.differences([110, None, 130], [100, 100, 100]) == [10, 30]


def test_between_which_values_the_median_lies() -> None:
    """Of 12 values the third and the tenth (96 %), of 6 the first and the last, of fewer none."""
    assert stats.median_between(list(range(12))) == (2, 9)
    assert stats.median_between([3, 1, 2, 6, 5, 4]) == (1, 6)
    assert stats.median_between([1, 2, 3, 4, 5]) is None and stats.median_between([]) is None
