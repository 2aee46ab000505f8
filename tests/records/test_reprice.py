"""Records priced anew: which, to what, and that the sums of spend follow."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.fakes.books import row, row_id

from asbru.core.money import PriceRow, UnitPrices
from asbru.records import query, steps
from asbru.records import reprice as module
from asbru.records.reprice import Repriced, reprice
from asbru.records.spend import read_spend
from asbru.records.store import RecordStore
from asbru.records.sums import Sums
from asbru.storage import Database, StorageError, open_database

ROWS = (PriceRow(1_000_000, 2_000_000, 0, 0, 0, 0, 0),)
"""A nano-dollar for a token that goes in, two for one that comes out."""


def keep(url: str, *rows: object) -> None:
    """Write records."""
    store = RecordStore(url)
    store.open()
    store.keep(msgspec.msgpack.encode(rows))
    assert store.commit(0)
    store.close()


def call(number: int, cost: int | None = 5, **facts: Any) -> tuple[object, ...]:
    """A call with ten tokens in and ten out, in one attempt."""
    used = {"input_tokens": 10, "output_tokens": 10, "reasoning_tokens": 0, "attempts": 1, "outcome": "ok"}
    return row(number, **{"provider": "p", **used, "tags": "", "standard": 1, "cost_nanousd": cost, **facts})


def priced(provider: str, model: str) -> tuple[tuple[PriceRow, ...] | None, UnitPrices]:
    """What is known."""
    del model
    return (ROWS, {"page": 7_000_000}) if provider == "p" else (None, {})


def run(database: Database, since_ms: int = 0, **options: Any) -> Repriced:
    """A run without pauses."""
    return reprice(database, priced, since_ms, **{"wait": lambda: None, **options})


def costs(url: str) -> list[Any]:
    """The costs of all records, oldest first."""
    return [one["cost_nanousd"] for one in reversed(query.latest(url))]


def test_what_can_be_priced_is(url: str, database: Database) -> None:
    """Wrong and missing costs are made right, in records and in sums alike; a second run finds nothing to do."""
    keep(url, call(1), call(2, None), call(3, 30))
    assert read_spend(url)[0].sums == Sums(3, 0, 1, 42, 33, 35)
    assert run(database) == Repriced(3, 2, 0, 55)
    assert costs(url) == [30, 30, 30]
    assert read_spend(url)[0].sums == Sums(3, 0, 0, 42, 33, 90)
    assert run(database) == Repriced(3, 0, 0, 0)


def test_images_and_pieces_are_priced_too(url: str, database: Database) -> None:
    """Image tokens cost what text costs where they have no price of their own; a page has one, an image has none."""
    keep(
        url,
        call(1, None, image_input_tokens=2, image_output_tokens=3, units='{"page":4}'),
        call(2, None, units='{"image":1}'),
    )
    assert run(database) == Repriced(2, 1, 1, 30 + 2 + 6 + 28)
    assert costs(url) == [66, None]


@pytest.mark.parametrize(
    "facts", [{"provider": "free"}, {"standard": 0}, {"attempts": 2}, {"input_tokens": None}], ids=str
)
@pytest.mark.parametrize("cost", [5, None])
def test_what_cannot_be_priced_stays(url: str, database: Database, facts: dict[str, Any], cost: int | None) -> None:
    """An unknown price, dearer services, several attempts, unknown usage: no guess, and nothing known is lost."""
    keep(url, call(1, cost, **facts))
    assert run(database).changed == 0
    assert costs(url) == [cost]


def test_only_records_since_a_time(url: str, database: Database) -> None:
    """An id begins with its call's milliseconds."""
    keep(url, call(1), call(2))
    since_ms = int(row_id(2)[4:15], 16)
    found = run(database, since_ms)
    assert found.records == sum(int(row_id(number)[4:15], 16) >= since_ms for number in (1, 2))


def test_steps_are_small(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many records there are, a transaction holds only so many; each is looked at once."""
    monkeypatch.setattr(module, "STEP_ROWS", 3)
    keep(url, *(call(number) for number in range(10)))
    waited: list[int] = []
    assert run(database, wait=lambda: waited.append(costs(url).count(30))) == Repriced(10, 10, 0, 250)
    assert waited == [3, 6, 9, 10]


def test_a_lock_is_waited_for(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bookkeeper may be writing: the step is tried again, and given up where that never ends."""
    keep(url, call(1))
    monkeypatch.setattr(steps, "TRIES_MAX", 3)
    other = open_database(url)
    other.run("BEGIN IMMEDIATE")
    waits: list[None] = []
    with pytest.raises(StorageError):
        run(database, wait=lambda: waits.append(None))
    assert len(waits) == 2
    assert run(database, wait=lambda: None if len(waits) > 2 else [other.run("ROLLBACK"), waits.append(None)]).changed
    other.close()
