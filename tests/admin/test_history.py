"""Records and changes over the API."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.fakes.books import row, row_id
from tests.fakes.management import Managed, managed

from asbru.records import ROW_WIDTH


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API over a few records."""
    with managed(tmp_path) as one:
        statement = f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})"
        one.database.run_many(statement, [row(number, status=200 + number) for number in range(5)])
        yield one


def test_records_are_listed_and_shown(api: Managed) -> None:
    """The newest first, by pages and filters; one by its id."""
    first = api.ask("GET", "records", query="limit=3")
    assert [one["status"] for one in first["items"]] == [204, 203, 202]
    rest = api.ask("GET", "records", query=f"limit=3&before={first['next']}")
    assert [one["status"] for one in rest["items"]] == [201, 200] and rest["next"] is None
    assert [one["id"] for one in api.ask("GET", "records", query="status=202")["items"]] == [row_id(2)]
    assert api.ask("GET", f"records/{row_id(3)}")["status"] == 203
    api.ask("GET", "records/none", status=404)
    for wrong in ("status=x", "limit=0", "since_ms=-1", "until_ms=1e3", f"text={'x' * 200}"):
        assert api.call("GET", "records", query=wrong).status == 422, wrong


def test_changes_tell_who_did_what(api: Managed) -> None:
    """The newest first, with the bodies before and after; of a kind or an object."""
    api.ask("POST", "teams", {"name": "blue"}, status=201, role="editor")
    api.ask("PATCH", "teams/blue", {"budgets": [{"amount_usd": 1}]})
    api.ask("POST", "customers", {"name": "acme"}, status=201)
    listed = api.ask("GET", "changes", query="kind=team")["items"]
    assert [(one["action"], one["actor"]) for one in listed] == [
        ("update", "token/admin"),
        ("create", "token/editor"),
    ]
    assert listed[0]["before"] == {"name": "blue"} and listed[0]["after"]["budgets"] == [{"amount_usd": 1}]
    assert listed[1]["before"] is None
    page = api.ask("GET", "changes", query="limit=1")
    assert page["items"][0]["id"] == "acme"
    assert api.ask("GET", "changes", query=f"limit=1&before={page['next']}")["items"][0]["id"] == "blue"
