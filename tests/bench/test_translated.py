"""The table of translated calls: every pair is served, and the bars judge the dearest."""

from __future__ import annotations

from itertools import product

import pytest
from bench.results import Row

from bench import bars, report, translated

FAMILIES = translated.families()


def test_the_families_are_all_there_are() -> None:
    """A dialect in an envelope is no family of its own."""
    assert {*FAMILIES} == {
        "anthropic_messages", "bedrock_converse", "cohere", "gemini", "openai_chat", "openai_responses",
    }  # fmt: skip


@pytest.mark.parametrize(("caller", "provider"), [*product(FAMILIES, FAMILIES)])
def test_each_pair_is_served(caller: str, provider: str) -> None:
    """Whole and streamed: what is measured is no error."""
    mine, theirs = FAMILIES[caller], FAMILIES[provider]
    answer = translated.answer(theirs)
    assert 9_000 < len(answer) < 12_000
    translated.call_of(mine, theirs, [answer], stream=False)()
    translated.call_of(mine, theirs, translated.pieces(theirs, 3), stream=True)()


def test_the_dearest_pair_is_judged() -> None:
    """By what it costs beyond a passed call; not without asbru's row, and never a call that passes."""
    pairs: list[Row] = [
        {"caller": "a", "provider": "a", "cpu_us": 900.0, "more_us": 0.0, "us_per_chunk": 90.0},
        {"caller": "a", "provider": "b", "cpu_us": 90.0, "more_us": 60.0, "us_per_chunk": 7.0},
        {"caller": "b", "provider": "a", "cpu_us": 150.0, "more_us": 120.0, "us_per_chunk": 70.0},
    ]
    whole, chunk = bars.translated_bars([{"target": "asbru", "cpu_us_per_request": 50.0}], pairs)
    assert (whole["value"], whole["pass"]) == (3.4, False) and str(whole["name"]).endswith("b to a")
    assert (chunk["value"], chunk["pass"]) == (70.0, False)
    unknown, known = bars.translated_bars([], pairs)
    assert (unknown["value"], unknown["pass"], known["value"]) == (None, None, 70.0)


def test_the_table_has_each_pair() -> None:
    """Callers down, providers across."""
    rows: list[Row] = [
        {"caller": one, "provider": other, "cpu_us": 9.0, "more_us": 5.0, "us_per_chunk": 1.0}
        for one, other in product("ab", "ab")
    ]
    lines = report.translated_table(rows).splitlines()
    assert [line.count("+5.0 us, 1.0 us") for line in lines[2:]] == [1, 1]
    assert all("(9.0 us)" in line for line in lines[2:])
