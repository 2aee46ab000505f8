"""Prices against the price library's own calculator, exact to the nano-dollar."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal

import msgspec
import pytest
from genai_prices import Usage as LibUsage
from genai_prices.data import providers as library

from asbru.catalog import PriceBook
from asbru.catalog.build import build_catalogue
from asbru.catalog.prices import REMEMBERED_NAMES_MAX, find_priced_model
from asbru.core.money import price_nanousd, price_units_nanousd, price_with_fees_nanousd
from asbru.core.usage import Unit, Usage

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
IDS = ("openai", "anthropic", "groq", "google", "azure")
BOOK = PriceBook({name: build_catalogue(name, NOW).models for name in IDS})


def library_nanousd(provider_id: str, model: str, usage: Usage) -> int:
    """What the library's calculator says, rounded to whole nano-dollars."""
    provider = next(entry for entry in library if entry.id == provider_id)
    info = provider.find_model(model, all_providers=list(library))
    assert info is not None
    counted = LibUsage(
        input_tokens=usage.input_total,
        cache_read_tokens=usage.cache_read,
        cache_write_tokens=usage.cache_write_5m + usage.cache_write_1h,
        cache_write_1h_tokens=usage.cache_write_1h,
        input_audio_tokens=usage.audio_input,
        output_tokens=usage.output_total,
        output_audio_tokens=usage.audio_output,
    )
    cost = info.calc_price(counted, provider, genai_request_timestamp=NOW)
    usd = cost.input_price + cost.output_price
    return int((usd * Decimal(10**9)).to_integral_value(ROUND_HALF_UP))


PLAIN = Usage(input=1_234, output=567, reasoning=89)
CACHED = Usage(input=901, cache_read=150_003, cache_write_5m=2_101, cache_write_1h=77, output=4_099)
LARGE = Usage(input=200_001, cache_read=7, output=3)
BORDER = Usage(input=200_000, output=3)


@pytest.mark.parametrize("usage", [PLAIN, CACHED, LARGE, BORDER], ids=["plain", "cached", "large", "border"])
@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", "gpt-4o-mini"),
        ("openai", "gpt-4o-mini-2024-07-18"),
        ("openai", "text-embedding-3-small"),
        ("anthropic", "claude-haiku-4-5"),
        ("anthropic", "claude-haiku-4-5-20251001"),
        ("anthropic", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-4-6"),
        ("groq", "llama-3.3-70b-versatile"),
        ("google", "gemini-2.5-pro"),
        ("google", "gemini-2.5-flash"),
        ("azure", "gpt-4o-mini"),
    ],
)
def test_cost_equals_the_librarys(provider: str, model: str, usage: Usage) -> None:
    """Rows of integers give exactly the library's price, through caches and tiers."""
    rows = BOOK.rows(provider, model)
    assert rows is not None
    assert price_nanousd(rows, usage) == library_nanousd(provider, model, usage)


def test_audio_has_its_own_rate() -> None:
    """Audio tokens are priced by the audio rate where the data has one."""
    usage = Usage(input=10, audio_input=1_001, output=5)
    rows = BOOK.rows("google", "gemini-2.5-flash")
    assert rows is not None
    assert rows[0].audio_input != rows[0].input
    assert price_nanousd(rows, usage) == library_nanousd("google", "gemini-2.5-flash", usage)


def test_haiku_by_hand() -> None:
    """One price checked against the published list, so that two wrong readers cannot agree."""
    rows = BOOK.rows("anthropic", "claude-haiku-4-5")
    assert rows is not None
    row = rows[0]
    usd_milli = [row.input, row.output, row.cache_read, row.cache_write_5m, row.cache_write_1h]
    assert usd_milli == [10**9, 5 * 10**9, 10**8, 125 * 10**7, 2 * 10**9]


def test_unknown_model_has_no_price() -> None:
    """An unknown model or provider is None, not free."""
    assert BOOK.rows("openai", "no-such-model") is None
    assert BOOK.rows("nobody", "gpt-4o") is None


def test_model_priced_by_the_hour_has_no_token_price() -> None:
    """A model the data prices by the hour of audio is not known by token."""
    assert BOOK.rows("groq", "whisper-large-v3") is None


@pytest.mark.parametrize(
    ("provider", "model", "counted", "units"),
    [
        ("groq", "whisper-large-v3", {"input_audio_seconds": 3600}, (("second", 3600),)),
        ("openai", "tts-1", {"input_characters": 1234}, (("character", 1234),)),
        ("mistral", "mistral-ocr-2512", {"input_document_pages": 7}, (("page", 7),)),
    ],
)
def test_units_cost_what_the_library_says(
    provider: str, model: str, counted: dict[str, int], units: tuple[tuple[Unit, int], ...]
) -> None:
    """Hours of audio, characters and pages, as the library's own calculator charges them."""
    found = next(entry for entry in library if entry.id == provider)
    info = found.find_model(model)
    assert info is not None
    cost = info.calc_price(LibUsage(**counted), found, genai_request_timestamp=NOW)
    expected = int((cost.total_price * Decimal(10**9)).to_integral_value(ROUND_HALF_UP))
    prices = PriceBook({provider: build_catalogue(provider, NOW).models}).units(provider, model)
    assert expected > 0
    assert price_units_nanousd(prices, units) == expected


def test_units_of_an_unknown_model_have_no_price() -> None:
    """Nothing is known of a model that the data does not have, and nothing is charged by the piece for most."""
    assert BOOK.units("openai", "no-such-model") == BOOK.units("openai", "gpt-4o-mini") == {}


def test_images_cost_what_the_library_says() -> None:
    """Image tokens have prices of their own where the data has them."""
    rows = BOOK.rows("openai", "gpt-image-1.5")
    assert rows is not None
    assert (rows[0].image_input, rows[0].image_output) == (8 * 10**9, 32 * 10**9)


def test_compact_dates_are_tried_with_dashes() -> None:
    """`gpt-4o-20240513` is the model the data calls `gpt-4o-2024-05-13`; a date that is none stays."""
    models = build_catalogue("openai", NOW).models
    found = find_priced_model(models, "GPT-4o-20240513")
    assert found is not None
    assert found.id == "gpt-4o-2024-05-13"
    assert find_priced_model(models, "zz-20240231") is None


def test_remembered_names_are_bounded() -> None:
    """Callers who invent names do not grow the table."""
    book = PriceBook({"openai": build_catalogue("openai", NOW).models})
    for number in range(REMEMBERED_NAMES_MAX + 10):
        book.rows("openai", f"x{number}")
    assert len(book._answers) <= REMEMBERED_NAMES_MAX


def test_every_model_of_the_data_compiles() -> None:
    """Each model of each provider is found by its own clauses as the library finds it."""
    checked = 0
    for provider in library:
        models = build_catalogue(provider.id, NOW).models
        for info in provider.models:
            expected = provider.find_model(info.id)
            found = find_priced_model(models, info.id)
            assert (found and found.id) == (expected and expected.id), (provider.id, info.id)
            checked += 1
    assert checked > 1_000


def test_price_data_of_an_unknown_provider_is_empty() -> None:
    """A provider the library does not know has no models, no names and no prices."""
    assert build_catalogue("nobody", NOW).models == ()
    assert build_catalogue(None, NOW).known_models == ()


def test_models_are_known_by_the_names_they_are_called_by() -> None:
    """Fireworks answers only to whole names, which the data holds in its clauses; every known name has a price."""
    found = build_catalogue("fireworks", NOW)
    assert {"accounts/fireworks/models/gpt-oss-120b", "accounts/fireworks/models/glm-5p1"} <= set(found.known_models)
    for provider in library:
        catalogue = build_catalogue(provider.id, NOW)
        assert [name for name in catalogue.known_models if find_priced_model(catalogue.models, name) is None] == []


@pytest.mark.parametrize("tier", ["flex", "priority"])
@pytest.mark.parametrize("model", ["gpt-5", "gpt-5-mini", "gpt-5.5"])
def test_service_tiers_have_prices_of_their_own(model: str, tier: str) -> None:
    """The rates of a tier are those that the library has for it."""
    usage = Usage(input=900_000, cache_read=50_000, output=2_000, standard=False, tier=tier)
    provider = next(entry for entry in library if entry.id == "openai")
    info = provider.find_model(model)
    assert info is not None
    counted = LibUsage(
        input_tokens=usage.input_total, cache_read_tokens=usage.cache_read, output_tokens=usage.output_total
    )
    cost = info.calc_price(counted, provider, genai_request_timestamp=NOW, price_context={"service_tier": tier})
    expected = int(((cost.input_price + cost.output_price) * Decimal(10**9)).to_integral_value(ROUND_HALF_UP))
    rows = BOOK.rows("openai", model, tier)
    assert rows is not None
    assert price_with_fees_nanousd(rows, usage) == expected


def test_a_tier_without_prices_is_unknown() -> None:
    """The standard price is never taken in silence: not for a tier that nobody knows, nor before its date."""
    assert BOOK.rows("openai", "gpt-5", "scale") is None
    assert BOOK.rows("anthropic", "claude-opus-4-6", "priority") is None
    early = PriceBook({"openai": build_catalogue("openai", datetime(2026, 1, 1, tzinfo=UTC)).models})
    assert early.rows("openai", "gpt-5", "flex") is None
    assert early.rows("openai", "gpt-5") is not None


def test_searches_of_the_web_cost_a_fee() -> None:
    """Ten dollars for a thousand at Anthropic, beside the tokens; where no fee is known, the cost is not."""
    rows = BOOK.rows("anthropic", "claude-opus-4-6")
    assert rows is not None
    usage = Usage(input=1000, standard=False, web_searches=5)
    assert price_with_fees_nanousd(rows, usage) == price_nanousd(rows, usage) + 50_000_000
    bare = msgspec.structs.replace(rows[0], web_search_nanousd=None)
    assert price_with_fees_nanousd((bare,), usage) is None
