"""Money: integer nano-dollars, rounded once, half up; tiers by all the tokens that went in."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asbru.core.money import NANOUSD_PER_USD, PriceRow, price_all_nanousd, price_nanousd, price_units_nanousd
from asbru.core.usage import Unit, Usage

BUCKETS = (
    "input",
    "output",
    "reasoning",
    "cache_read",
    "cache_write_5m",
    "cache_write_1h",
    "audio_input",
    "audio_output",
)
PRICE = st.integers(0, 10**12)
ROWS = st.builds(PriceRow, PRICE, PRICE, PRICE, PRICE, PRICE, PRICE, PRICE)
USAGE = st.builds(Usage, **{name: st.integers(0, 10**7) for name in BUCKETS})
ROW = PriceRow(3, 5, 7, 11, 13, 17, 19)
IMAGES = PriceRow(3, 5, 7, 11, 13, 17, 19, image_input=23, image_output=29)


def plus(one: Usage, two: Usage) -> Usage:
    """Two calls as one."""
    return Usage(**{name: getattr(one, name) + getattr(two, name) for name in BUCKETS})


@pytest.mark.parametrize(
    ("bucket", "price"),
    [
        ("input", 3),
        ("output", 5),
        ("reasoning", 5),
        ("cache_read", 7),
        ("cache_write_5m", 11),
        ("cache_write_1h", 13),
        ("audio_input", 17),
        ("audio_output", 19),
    ],
)
def test_each_bucket_has_its_price(bucket: str, price: int) -> None:
    """A million tokens of one bucket cost that bucket's price; reasoning costs what output costs."""
    assert price_nanousd((ROW,), Usage(**{bucket: 1_000_000})) == price


@pytest.mark.parametrize(("row", "taken", "given"), [(ROW, 3, 5), (IMAGES, 23, 29)], ids=["as text", "own"])
def test_images_have_prices_of_their_own(row: PriceRow, taken: int, given: int) -> None:
    """Image tokens cost what their price says, and what text costs where there is none."""
    assert price_nanousd((row,), Usage(image_input=1_000_000)) == taken
    assert price_nanousd((row,), Usage(image_output=1_000_000)) == given


@pytest.mark.parametrize(
    ("units", "cost"),
    [
        ((), 0),
        ((("page", 3),), 6),
        ((("page", 1), ("image", 1)), 3),  # 2.5, rounded once, half up
        ((("second", 1),), None),
        ((("page", 1), ("second", 0)), None),
    ],
)
def test_units_have_prices(units: tuple[tuple[Unit, int], ...], cost: int | None) -> None:
    """What is charged by the piece costs the sum of its prices; one without a price makes the cost unknown."""
    assert price_units_nanousd({"page": 2_000_000, "image": 500_000}, units) == cost


@pytest.mark.parametrize(
    ("usage", "known", "cost"),
    [
        (Usage(input=1_000_000, units=(("page", 2),)), True, 7),
        (Usage(input=1_000_000, units=(("page", 2),)), False, None),
        (Usage(units=(("page", 2),)), False, 4),
        (Usage(input=1_000_000, units=(("image", 2),)), True, None),
    ],
)
def test_tokens_and_units_together(usage: Usage, known: bool, cost: int | None) -> None:
    """Both are charged; a model without a price per token may still be charged by the piece alone."""
    assert price_all_nanousd((ROW,) if known else None, {"page": 2_000_000}, usage) == cost


def test_a_dollar_a_million() -> None:
    """A model at 1 USD per million tokens costs a dollar for a million, and 1,000 nano-dollars for one."""
    row = PriceRow(NANOUSD_PER_USD, 0, 0, 0, 0, 0, 0)
    assert price_nanousd((row,), Usage(input=1_000_000)) == NANOUSD_PER_USD
    assert price_nanousd((row,), Usage(input=1)) == 1_000


@pytest.mark.parametrize(("price", "cost"), [(0, 0), (499_999, 0), (500_000, 1), (1_499_999, 1), (1_500_000, 2)])
def test_rounding_is_half_up(price: int, cost: int) -> None:
    """Half a nano-dollar rounds up, less rounds down."""
    assert price_nanousd((PriceRow(price, 0, 0, 0, 0, 0, 0),), Usage(input=1)) == cost


@given(ROWS, USAGE)
def test_the_cost_is_the_exact_sum_rounded_once(row: PriceRow, usage: Usage) -> None:
    """Against rational arithmetic: never further than half a nano-dollar from the exact cost."""
    exact = Fraction(
        usage.input * row.input
        + (usage.output + usage.reasoning) * row.output
        + usage.cache_read * row.cache_read
        + usage.cache_write_5m * row.cache_write_5m
        + usage.cache_write_1h * row.cache_write_1h
        + usage.audio_input * row.audio_input
        + usage.audio_output * row.audio_output,
        1_000_000,
    )
    assert abs(price_nanousd((row,), usage) - exact) <= Fraction(1, 2)


@given(ROWS, USAGE, USAGE)
def test_costs_add_up(row: PriceRow, one: Usage, two: Usage) -> None:
    """Two calls cost what both cost together, but for the nano-dollar of rounding."""
    apart = price_nanousd((row,), one) + price_nanousd((row,), two)
    assert abs(apart - price_nanousd((row,), plus(one, two))) <= 1


@given(ROWS, USAGE, USAGE)
def test_more_tokens_never_cost_less(row: PriceRow, one: Usage, two: Usage) -> None:
    """Within a tier the cost grows with every bucket."""
    assert price_nanousd((row,), plus(one, two)) >= price_nanousd((row,), one)


@pytest.mark.parametrize(
    ("usage", "price"),
    [
        (Usage(input=200), 1),
        (Usage(input=201), 2),
        (Usage(input=100, cache_read=100), 1),
        (Usage(input=100, cache_read=101), 2),
        (Usage(input=100, cache_write_1h=401), 3),
        (Usage(input=200, output=10_000), 1),
    ],
)
def test_the_dearest_tier_reached_holds_for_the_whole_call(usage: Usage, price: int) -> None:
    """A tier begins above its bound, by all input tokens, cached or not; output does not count."""
    rows = tuple(
        PriceRow(at * 10**6, 0, 0, 0, 0, 0, 0, above_tokens=above) for at, above in ((1, 0), (2, 200), (3, 500))
    )
    assert price_nanousd(rows, usage) == usage.input * price
