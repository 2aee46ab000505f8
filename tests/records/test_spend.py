"""Spend: what records add up to, by any dimension, once, however often a record comes."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from tests.fakes.books import row

from asbru.records import sums as sums_module
from asbru.records.spend import has_calls, read_spend
from asbru.records.store import RecordStore
from asbru.records.sums import OTHERS, Sums, sums_of
from asbru.records.upkeep import Upkeep
from asbru.storage import open_database

DAY_MS = 86_400_000
USED = {
    "input_tokens": 10,
    "cache_read_tokens": 5,
    "cache_write_5m_tokens": 0,
    "cache_write_1h_tokens": 0,
    "audio_input_tokens": 0,
    "output_tokens": 3,
    "reasoning_tokens": 2,
    "audio_output_tokens": 0,
}
UNKNOWN = dict.fromkeys(USED, None)


def call(number: int, **facts: Any) -> tuple[object, ...]:
    """A call of 1970-01-02 that cost 7 nano-dollars."""
    plain = {
        **USED,
        "started_ms": DAY_MS,
        "caller": "svc",
        "team": "blue",
        "customer": "acme",
        "provider": "openai",
        "model_served": "m",
        "tags": "",
        "outcome": "ok",
        "cost_nanousd": 7,
    }
    return row(number, **{**plain, **facts})


def keep(store: RecordStore, *rows: object) -> None:
    """Write rows."""
    store.keep(msgspec.msgpack.encode(rows))
    assert store.commit(0)


def costs(url: str, *by: Any, **only: Any) -> dict[tuple[str, ...], int]:
    """What was spent by these dimensions."""
    return {one.by: one.sums.cost_nanousd for one in read_spend(url, by, **only)}


@pytest.mark.parametrize(
    ("facts", "sums"),
    [
        ({}, Sums(1, 0, 0, 15, 5, 7)),
        ({"cost_nanousd": None}, Sums(1, 0, 1, 15, 5, 0)),
        ({"cost_nanousd": None, "outcome": "error"}, Sums(1, 1, 1, 15, 5, 0)),
        ({"cost_nanousd": None, "outcome": "cut", **UNKNOWN}, Sums(1, 1, 1, 0, 0, 0)),
        ({"cost_nanousd": None, "outcome": "error", **UNKNOWN}, Sums(1, 1, 0, 0, 0, 0)),
        ({"cost_nanousd": None, "outcome": "refused", "attempts": 0, **UNKNOWN}, Sums(1, 1, 0, 0, 0, 0)),
    ],
)
def test_what_a_record_adds(facts: dict[str, Any], sums: Sums) -> None:
    """An unknown cost is told as a call without a price, never as nothing; what cost nothing is not unknown."""
    assert sums_of(call(1, **facts)) == sums


def test_spend_is_told_by_any_dimensions(store: RecordStore, url: str) -> None:
    """The dearest first; restricted by value and by day, both ends included."""
    keep(store, call(1), call(2, caller="other", model_served="n", cost_nanousd=9), call(3, started_ms=2 * DAY_MS))
    assert [one.sums for one in read_spend(url)] == [Sums(3, 0, 0, 45, 15, 23)]
    assert list(costs(url, "caller").items()) == [(("svc",), 14), (("other",), 9)]
    assert costs(url, "day", "model") == {("1970-01-02", "m"): 7, ("1970-01-02", "n"): 9, ("1970-01-03", "m"): 7}
    assert costs(url, "team", "customer", "provider") == {("blue", "acme", "openai"): 23}
    assert costs(url, "day", since=date(1970, 1, 3)) == {("1970-01-03",): 7}
    assert costs(url, until=date(1970, 1, 2), where={"caller": "svc"}) == {(): 7}
    assert costs(url, where={"caller": "nobody"}) == {}


def test_spend_by_a_tag(store: RecordStore, url: str) -> None:
    """Calls without the tag are one line; those with other tags beside it are added up."""
    one, two = '{"app":"chat","env":"prod"}', '{"app":"chat"}'
    keep(store, call(1, tags=one), call(2, tags=two), call(3))
    assert costs(url, "tag", tag="app") == {("chat",): 14, ("",): 7}
    assert costs(url, "tag", "caller", tag="env") == {("prod", "svc"): 7, ("", "svc"): 14}
    assert costs(url, "caller", where={"tag": "prod"}, tag="env") == {("svc",): 7}


def test_a_record_counts_once(store: RecordStore, url: str) -> None:
    """Batches come again when an acknowledgement is lost: only what is new is added, also beside rows that cannot be
    written."""
    keep(store, call(1), call(2))
    keep(store, call(2), call(3), call(4, status=None))
    keep(store, call(3))
    assert costs(url) == {(): 21}
    assert (store.written, store.dropped) == (3, 1)


def test_what_waits_is_told_as_what_is_in_the_table(store: RecordStore, url: str) -> None:
    """The same sums before and after what was noted is folded, beside what is in the table; each record once."""
    upkeep = Upkeep(url)
    keep(store, call(1), call(2, caller="other", team="red", started_ms=2 * DAY_MS))
    upkeep.commit(1)
    keep(store, call(3), call(4, caller="new"))
    asked: list[dict[str, Any]] = [
        {},
        {"by": ("caller", "day")},
        {"by": ("team",), "where": {"caller": "svc"}},
        {"by": ("caller",), "since": date(1970, 1, 3)},
        {"by": ("caller",), "within": ("team", ("blue",))},
    ]
    waiting = [read_spend(url, **one) for one in asked]
    database = open_database(url)
    assert [has_calls(database, one) for one in ("new", "other", "nobody")] == [True, True, False]
    assert database.run("SELECT COUNT(*) FROM spend") == [(2,)]
    upkeep.commit(100)  # the sweep, which has been due for longer
    upkeep.commit(100)
    assert database.run("SELECT COUNT(*) FROM spend") == [(3,)]
    assert [read_spend(url, **one) for one in asked] == waiting
    assert [one.sums.cost_nanousd for one in waiting[0]] == [28]
    assert {one.by: one.sums.calls for one in waiting[4]} == {("svc",): 2, ("new",): 1}
    database.close()
    upkeep.close()


def test_what_is_not_committed_is_not_added(store: RecordStore, url: str) -> None:
    """A locked database: neither the record nor its spend is there; later both, once."""
    other = open_database(url)
    other.run("BEGIN IMMEDIATE")
    store.keep(msgspec.msgpack.encode([call(1)]))
    assert not store.commit(0)
    other.run("ROLLBACK")
    other.close()
    assert costs(url) == {}
    assert store.commit(100)
    assert costs(url) == {(): 7}


def test_callers_cannot_make_it_grow(store: RecordStore, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of models and tags so many a day have a line of their own, also after a restart; nothing is lost in the sum."""
    monkeypatch.setattr(sums_module, "NAMES_PER_DAY_MAX", 3)
    keep(store, *(call(number, model_served=f"m{number}", tags=f'{{"t":"{number}"}}') for number in range(6)))
    again = RecordStore(url)
    again.open()
    keep(again, call(10, model_served="new", tags=""), call(11, model_served="m1", tags=""))
    again.close()
    assert costs(url, "model") == {("m0",): 7, ("m1",): 14, ("m2",): 7, (OTHERS,): 28}
    assert costs(url, "tag", tag="t")[OTHERS,] == 35
    assert costs(url) == {(): 56}


def test_a_row_of_words_counts_nowhere(store: RecordStore, url: str) -> None:
    """It is written as it came, and does not hold up the others."""
    keep(store, call(1, started_ms="soon"), call(2))
    assert (store.written, costs(url)) == (2, {(): 7})


def test_dimensions_are_checked(url: str) -> None:
    """Names come from callers of the API: nothing else reaches the database."""
    wrong: Any = "1; DROP TABLE spend"
    with pytest.raises(ValueError, match="expected day, caller"):
        read_spend(url, [wrong])
    with pytest.raises(ValueError, match="expected day, caller"):
        read_spend(url, where={wrong: "x"})
    assert read_spend(url) == []
