"""Lists of sessions: pages, orders, filters, and what they read."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.books import row

from asbru.records.sessions import add, search
from asbru.records.sessions.search import Wanted
from asbru.storage import Value, open_database, sqlite_url

BEGAN_MS = 1_795_000_000_000
ALL = Wanted()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Twelve sessions of three callers; the later, the cheaper. Pairs end at the same time."""
    url = sqlite_url(tmp_path / "asbru.sqlite")
    database = open_database(url)
    calls = [
        row(
            number // 2,
            id=f"req_{number}",
            session=f"s{number}",
            caller=f"key{number % 3}",
            team="",
            provider="openai",
            model_served=f"gpt-{number}",
            surface="openai.chat",
            outcome="error" if number == 4 else "ok",
            latency_us=0,
            cost_nanousd=1000 - number,
        )
        for number in range(12)
    ]
    add.add_records(database, calls)
    database.close()
    return url


def pages(url: str, wanted: Wanted = ALL, *, sort: str = "last_ms", limit: int = 5) -> list[list[str]]:
    """The names of sessions, page by page."""
    found: list[list[str]] = []
    after = ""
    while True:
        page = search.search(url, wanted, since_ms=0, until_ms=BEGAN_MS * 2, sort=sort, after=after, limit=limit)
        found.append([str(one["session"]) for one in page.items])
        if page.next is None:
            return found
        after = page.next


def joined(found: list[list[str]]) -> list[str]:
    """All pages as one."""
    return [name for page in found for name in page]


@pytest.mark.parametrize("sort", search.SORTS)
@pytest.mark.parametrize("wanted", [Wanted(), Wanted({"agent": "word"})])
def test_pages_show_each_session_once(url: str, sort: str, wanted: Wanted) -> None:
    """In every order, with and without filters, though several are equal in what they are ordered by."""
    found = pages(url, wanted, sort=sort)
    assert [len(page) for page in found] == [5, 5, 2]
    assert sorted(joined(found)) == sorted(f"s{number}" for number in range(12))


def test_orders(url: str) -> None:
    """The latest first, or the largest."""
    latest = joined(pages(url))
    assert {*latest[:2]} == {"s10", "s11"} and {*latest[-2:]} == {"s0", "s1"}
    assert joined(pages(url, sort="cost_nanousd"))[:3] == ["s0", "s1", "s2"]
    assert pages(url, sort="failed")[0][0] == "s4"


def test_filters(url: str) -> None:
    """By caller, name, model and failure, and by what may be seen at all; a model's name is no part of another."""
    assert {*joined(pages(url, Wanted({"caller": "key1"})))} == {"s1", "s4", "s7", "s10"}
    assert pages(url, Wanted(model="openai/gpt-1")) == [["s1"]]
    assert pages(url, Wanted(failed=True)) == [["s4"]]
    assert pages(url, Wanted({"session": "s4"}, within=("caller", ("key1", "key2")))) == [["s4"]]
    assert pages(url, Wanted({"session": "s4"}, within=("caller", ("key2",)))) == [[]]
    assert pages(url, Wanted(within=("team", ()))) == [[]]


def test_a_span_of_time(url: str) -> None:
    """Sessions whose last call ended in it; the end is not part of it."""
    found = search.search(url, Wanted(), since_ms=BEGAN_MS + 1, until_ms=BEGAN_MS + 2).items
    assert {one["session"] for one in found} == {"s2", "s3"}


def test_a_rare_value_does_not_mean_reading_everything(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks at so many sessions and says where to go on, though it may have found nothing."""
    monkeypatch.setattr(search, "SCANNED_MAX", 4)
    assert pages(url, Wanted({"session": "s5"})) == [[], ["s5"], [], []]
    assert len(joined(pages(url, sort="cost_nanousd"))) == 4


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(failed=True)])
@pytest.mark.parametrize("sort", ["last_ms", "cost_nanousd"])
def test_only_the_span_is_read(url: str, monkeypatch: pytest.MonkeyPatch, wanted: Wanted, sort: str) -> None:
    """Whatever is asked for goes through the index of the last calls, also to the next page."""
    database = open_database(url)
    plans: list[str] = []

    def explain(_: str, statement: str, *values: Value) -> list[tuple[Value, ...]]:
        plans.append(str(database.run(f"EXPLAIN QUERY PLAN {statement}", values)))
        return database.run(statement, values)

    monkeypatch.setattr(search, "read_rows", explain)
    page = search.search(url, wanted, since_ms=0, until_ms=BEGAN_MS * 2, sort=sort, limit=1)
    search.search(url, wanted, since_ms=0, until_ms=BEGAN_MS * 2, sort=sort, limit=3, after=page.next or "")
    assert len(plans) >= 2 and all("INDEX agent_sessions_last (last_ms>? AND last_ms<?)" in one for one in plans)
    assert "TEMP B-TREE" not in plans[0] or wanted.failed or sort != "last_ms"
    database.close()


@pytest.mark.parametrize("after", ["x", ".ses_1", "1", "1e3.ses_1", f"{'9' * 30}.ses_1", "-.x"])
def test_what_is_no_place_is_refused(url: str, after: str) -> None:
    """A place that no page has given."""
    with pytest.raises(ValueError, match="after"):
        search.search(url, Wanted(), since_ms=0, until_ms=1, after=after)


def test_an_unknown_order_is_refused(url: str) -> None:
    """Only columns that are meant for it."""
    with pytest.raises(ValueError, match="last_ms"):
        search.search(url, Wanted(), since_ms=0, until_ms=1, sort="caller; --")


def test_without_a_database(tmp_path: Path) -> None:
    """Nothing is found, and none is made."""
    url = sqlite_url(tmp_path / "x.sqlite")
    assert search.search(url, Wanted(), since_ms=0, until_ms=1) == search.Page([], None)
    assert search.by_id(url, "ses_1") is None and list(tmp_path.iterdir()) == []
