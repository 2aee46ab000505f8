"""Filters: the condition in SQL and the predicate say the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.books import row, row_id

from asbru.records import ROW_WIDTH, query
from asbru.records.wanted import Wanted, read_wanted
from asbru.storage import open_database, sqlite_url

ROWS = [
    row(0, tags='{"env":"prod","note":"\\"env\\":\\"dev\\""}', cost_nanousd=None, stream=1, latency_us=5, team=""),
    row(1, tags='{"env":"dev"}', cost_nanousd=10, stream=0, latency_us=50, team="blue", error_message="Ärger 5%"),
    row(2, tags="", cost_nanousd=0, stream=1, latency_us=500, surface="openai.chat", model_asked="GPT_X"),
]


@pytest.mark.parametrize(
    ("given", "text", "numbers"),
    [
        ({}, "", [2, 1, 0]),
        ({"tag.env": "prod"}, "", [0]),
        ({"tag.env": "dev"}, "", [1]),
        ({"tag.none": "x"}, "", []),
        ({"cost_min_nanousd": "0"}, "", [2, 1]),
        ({"cost_min_nanousd": "1", "latency_min_us": "50"}, "", [1]),
        ({"stream": "true"}, "", [2, 0]),
        ({"stream": "0", "team": "blue"}, "", [1]),
        ({"team": ""}, "", [0]),
        ({"surface": "openai.chat"}, "gpt_", [2]),
        ({}, "5%", [1]),
        ({"unknown": "x"}, "", [2, 1, 0]),
    ],
)
def test_both_forms_agree(tmp_path: Path, given: dict[str, str], text: str, numbers: list[int]) -> None:
    """What the database finds is what the predicate lets through."""
    url = sqlite_url(tmp_path / "x.sqlite")
    database = open_database(url)
    database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", ROWS)
    database.close()
    wanted = read_wanted(given, text)
    assert [one["id"] for one in query.search(url, wanted).items] == [row_id(number) for number in numbers]
    records = [dict(zip(query.NAMES, one, strict=True)) for one in ROWS]
    assert [number for number, one in enumerate(records) if wanted.fits(one)] == numbers[::-1]


@pytest.mark.parametrize(
    ("within", "numbers"), [(("team", ("blue", "x")), [1]), (("team", ()), []), (("surface", ("openai.chat",)), [2])]
)
def test_only_what_is_within_may_be_shown(
    tmp_path: Path, within: tuple[str, tuple[str, ...]], numbers: list[int]
) -> None:
    """Both forms agree on that, too."""
    url = sqlite_url(tmp_path / "x.sqlite")
    database = open_database(url)
    database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", ROWS)
    database.close()
    wanted = read_wanted({})._replace(within=within)
    assert [one["id"] for one in query.search(url, wanted).items] == [row_id(number) for number in numbers]
    records = [dict(zip(query.NAMES, one, strict=True)) for one in ROWS]
    assert [number for number, one in enumerate(records) if wanted.fits(one)] == numbers


def test_some_columns_are_read(tmp_path: Path) -> None:
    """The id and those that are named; an unknown one is refused."""
    url = sqlite_url(tmp_path / "x.sqlite")
    database = open_database(url)
    database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", ROWS)
    database.close()
    assert query.search(url, columns=("status", "id"), limit=1).items == [{"id": row_id(2), "status": 1}]
    with pytest.raises(ValueError, match="columns: unknown nonsense"):
        query.search(url, columns=("nonsense",))


@pytest.mark.parametrize(
    "wrong", [{"status": "x"}, {"latency_min_us": "-1"}, {"stream": "yes"}, {"status": "1" * 40}]
)
def test_numbers_are_numbers(wrong: dict[str, str]) -> None:
    """Anything else is refused, in words."""
    with pytest.raises(ValueError, match="expected a whole number"):
        read_wanted(wrong)


def test_what_is_no_filter_is_refused() -> None:
    """A column that is not among the filters never reaches the database."""
    for wanted in (Wanted({"notes": "x"}), Wanted(least={"id; DROP TABLE requests": 1})):
        with pytest.raises(ValueError, match="expected one of"):
            list(wanted.conditions())
