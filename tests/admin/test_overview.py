"""The overview over the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.fakes.books import row
from tests.fakes.management import Managed, managed

from asbru.records.store import RecordStore
from asbru.records.upkeep import Upkeep

NOW_MS = 1_795_000_000_000


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API over a few records, summed."""
    with managed(tmp_path) as one:
        store, upkeep = RecordStore(one.url), Upkeep(one.url)
        rows = [row(number, outcome="ok", caller=f"k{number % 2}", team="") for number in range(5)]
        store.keep(msgspec.msgpack.encode(rows))
        store.commit(0)
        upkeep.commit(1)
        store.close()
        upkeep.close()
        yield one


def test_an_overview_is_given(api: Managed) -> None:
    """The span, sums, points, groups and errors, in the shape that the description promises."""
    query = f"since_ms={NOW_MS - 3_600_000}&until_ms={NOW_MS + 60_000}&step_s=60&by=caller"
    found = api.ask("GET", "overview", query=query, role="viewer")
    assert found["totals"]["calls"] == 5 and found["before"]["calls"] == 0
    assert found["totals"]["latency_p50_us"] == 1 and found["totals"]["first_token_p50_us"] is None
    assert {one["name"]: one["totals"]["calls"] for one in found["groups"]} == {"k0": 3, "k1": 2}
    assert sum(point["calls"] for point in found["points"]) == 5 and found["errors"] == []
    assert api.ask("GET", "overview", query=f"{query}&caller=k1&team=")["totals"]["calls"] == 2
    assert api.ask("GET", "overview", query=f"{query}&team=red")["totals"]["calls"] == 0
    schema = api.application.openapi()
    said = schema["paths"]["/api/v1/overview"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    described = schema["components"]["schemas"][said["$ref"].rpartition("/")[2]]
    assert set(described["properties"]) == set(found)


@pytest.mark.parametrize(
    "wrong",
    [
        "by=day",
        "since_ms=5&until_ms=5",
        "step_s=0",
        "since_ms=x",
        f"team={'x' * 300}",
        "since_ms=0&until_ms=999999999999",
    ],
)
def test_what_makes_no_sense_is_refused(api: Managed, wrong: str) -> None:
    """422, and nothing is read."""
    assert api.call("GET", "overview", query=wrong).status == 422
