"""Prices in the configuration: which models they hold for, and what they come to."""

from __future__ import annotations

from datetime import date

import pytest

from asbru.app.compile_prices import configured_prices, folder_prices, prices_for
from asbru.app.config.live import TokenPrices
from asbru.catalog import PriceBook
from asbru.core.money import price_nanousd, price_units_nanousd
from asbru.core.usage import Usage
from asbru.providers import SourcedPrice

USAGE = Usage(input=1_000_000, cache_read=1_000_000, cache_write_5m=1_000_000, cache_write_1h=1_000_000, output=10)


def cost(prices: dict[str, TokenPrices], model: str, usage: Usage = USAGE) -> int | None:
    """What a call to `model` costs."""
    rows = PriceBook({"p": configured_prices(prices)}).rows("p", model)
    return None if rows is None else price_nanousd(rows, usage)


@pytest.mark.parametrize(
    ("pattern", "model", "fits"),
    [
        ("own-1", "own-1", True),
        ("own-1", "own-12", False),
        ("own-*", "own-12", True),
        ("*-chat", "Own-Chat", True),
        ("*own*", "my-own-1", True),
        ("*", "anything", True),
        ("*", "", True),
        ("own-*", "my-own-1", False),
    ],
)
def test_patterns(pattern: str, model: str, fits: bool) -> None:
    """A star stands for any text at the start or the end; letters count in either case."""
    assert (cost({pattern: TokenPrices(input=1, output=1)}, model) is not None) is fits


def test_the_first_that_fits_holds() -> None:
    """A name before a pattern is an exception from it."""
    prices = {"own-1": TokenPrices(input=2, output=0), "*": TokenPrices(input=1, output=0)}
    usage = Usage(input=1_000_000)
    assert (cost(prices, "own-1", usage), cost(prices, "own-2", usage)) == (2_000_000_000, 1_000_000_000)


def test_buckets_have_prices_of_their_own() -> None:
    """A bucket without a price costs what the next wider one costs; fractions of a cent are not lost."""
    assert cost({"*": TokenPrices(input=0.1, output=0.3)}, "m") == 4 * 100_000_000 + 3_000
    full = TokenPrices(input=1, output=0, cache_read=0.1, cache_write=1.25, cache_write_1h=2)
    assert cost({"*": full}, "m") == 4_350_000_000


def test_general_prices_hold_for_the_providers_that_fit() -> None:
    """By provider and model; of two for the same models the first holds."""
    cheap, dear = TokenPrices(input=1, output=1), TokenPrices(input=2, output=2)
    prices = {"groq/llama*": cheap, "*/gpt-5": dear, "*/llama*": dear, "gr*/org/own": cheap}
    assert prices_for("groq", prices) == {"llama*": cheap, "gpt-5": dear, "org/own": cheap}
    assert prices_for("openai", prices) == {"gpt-5": dear, "llama*": dear}


def test_units_are_priced_by_the_piece() -> None:
    """A unit costs what the configuration says; what it does not name has no price."""
    prices = {"own-*": TokenPrices(input=0, output=0, units={"second": 0.0001, "image": 0.04})}
    units = PriceBook({"p": configured_prices(prices)}).units("p", "own-1")
    assert units == {"second": 100_000_000_000, "image": 40_000_000_000_000}
    assert price_units_nanousd(units, (("second", 60), ("image", 2))) == 86_000_000


def test_prices_of_a_folder_hide_no_others() -> None:
    """What a provider's folder says of units is added to what the price data says of tokens."""
    told = SourcedPrice(
        models="own-*", unit="image", usd=1.5, per=1000, source="https://own.example/prices", date=date(2026, 1, 31)
    )
    by_token = configured_prices({"own-1": TokenPrices(input=1, output=1)})
    book = PriceBook({"p": (*by_token, *folder_prices((told,)))})
    assert book.rows("p", "own-1") == by_token[0].rows
    assert book.units("p", "own-1") == {"image": 1_500_000_000_000}
    assert book.units("p", "another") == {}
