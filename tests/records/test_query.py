"""Searching records: filters, text, pages, and a bound on what is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.books import row, row_id

from asbru.records import ROW_WIDTH, query
from asbru.storage import open_database, sqlite_url


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A database with thirty records; every third failed, every tenth is of a rare model."""
    url = sqlite_url(tmp_path / "x.sqlite")
    database = open_database(url)
    rows = [
        row(
            number,
            caller=f"key{number % 2}",
            status=502 if number % 3 == 0 else 200,
            model_asked="Rare/100%" if number % 10 == 0 else "gpt",
        )
        for number in range(30)
    ]
    database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", rows)
    database.close()
    return url


def ids(page: query.Page) -> list[int]:
    """The numbers of the rows."""
    return [int(str(item["id"])[23:], 16) for item in page.items]


def test_filters_and_text(url: str) -> None:
    """Exact values together, a part of a text in any case, and a span of time that begins and ends where it says."""
    assert ids(query.search(url, query.Wanted({"caller": "key0", "status": 502}))) == [24, 18, 12, 6, 0]
    assert ids(query.search(url, query.Wanted(text="rARE/100%"))) == [20, 10, 0]
    assert ids(query.search(url, query.Wanted(text="100_"))) == []
    start = 1_795_000_000_000
    assert ids(query.search(url, since_ms=start + 5, until_ms=start + 8)) == [7, 6, 5]
    with pytest.raises(ValueError, match="expected one of"):
        query.search(url, query.Wanted({"notes; DROP TABLE requests": 1}))


def test_pages_meet_every_record_once(url: str) -> None:
    """By the id of the last one, whatever was written meanwhile."""
    seen: list[int] = []
    before = ""
    while True:
        page = query.search(url, before=before, limit=7)
        seen += ids(page)
        if page.next is None:
            break
        before = page.next
    assert seen == list(reversed(range(30)))
    assert query.search(url, before=row_id(0)).next is None


def test_a_rare_value_does_not_mean_reading_everything(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks at so many records and says where to go on, though it may have found nothing."""
    monkeypatch.setattr(query, "SCANNED_MAX", 8)
    found: list[list[int]] = []
    before = ""
    while True:
        page = query.search(url, query.Wanted(text="rare"), before=before)
        found.append(ids(page))
        if page.next is None:
            break
        before = page.next
    assert found == [[], [20], [10], [0]]


@pytest.mark.parametrize(("column", "index"), [("trace_id", "requests_trace"), ("parent_id", "requests_parent")])
def test_a_trace_is_found_by_its_index(url: str, monkeypatch: pytest.MonkeyPatch, column: str, index: str) -> None:
    """However many records were written since, one page finds the calls of a trace, or those that a call made, and no
    other record is read."""
    trace = "0af7651916cd43dd8448eb211c80319c"
    database = open_database(url)
    database.run(f"UPDATE requests SET {column} = ''")
    database.run(f"UPDATE requests SET {column} = ? WHERE id IN (?, ?)", (trace, row_id(2), row_id(4)))
    statements: list[str] = []

    def explain(statement: str, values: tuple[object, ...]) -> list[tuple[object, ...]]:
        statements.append(str(database.run(f"EXPLAIN QUERY PLAN {statement}", values)))
        return list(database.run(statement, values))

    monkeypatch.setattr(query, "SCANNED_MAX", 5)
    monkeypatch.setattr(query, "read_rows", lambda _, statement, *values: explain(statement, values))
    assert ids(query.search(url, query.Wanted({column: trace}))) == [4, 2]
    assert ids(query.search(url, query.Wanted({column: trace, "caller": "key1"}))) == []
    assert all(f"USING INDEX {index}" in one for one in statements) and statements
    database.close()


def test_without_a_database(tmp_path: Path) -> None:
    """Nothing is found, and none is made."""
    assert query.search(sqlite_url(tmp_path / "x.sqlite")) == query.Page([], None)
    assert list(tmp_path.iterdir()) == []
