"""Changes are whole or not at all, whatever the database does."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.fakes.management import Managed

from asbru.admin import act
from asbru.storage import DATABASE_NAME, open_database, sqlite_url


def test_a_locked_database_is_waited_for(api: Managed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After once it took too long, and nothing was changed; reading goes on meanwhile."""
    monkeypatch.setattr(act, "LOCKED_S_MAX", 0.1)
    api.token("admin")
    other = open_database(sqlite_url(tmp_path / DATABASE_NAME))
    with other.transaction():
        refused = api.call("POST", "teams", {"name": "blue"})
        assert (refused.status, refused.error["code"]) == (503, "unavailable")
        assert refused.headers["retry-after"] == "1"
        assert api.ask("GET", "teams")["items"] == []
    other.close()
    assert api.told == []
    api.ask("POST", "teams", {"name": "blue"}, status=201)


@pytest.mark.parametrize(
    "state",
    ["PRAGMA query_only = 1", "PRAGMA max_page_count = 1", "DROP TABLE changes"],
    ids=["ro", "full", "broken"],
)
def test_a_database_that_cannot_be_written(api: Managed, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read-only, full, or broken half way through the change: 503, and no part of it stays."""
    monkeypatch.setattr(act, "LOCKED_S_MAX", 0.1)
    api.token("admin")
    api.database.run(state)
    body = {"name": "blue", "tags": {f"t{number}": "x" * 100 for number in range(16)}}
    statuses = {api.call("POST", "keys", {**body, "name": f"k{number}"}).status for number in range(40)}
    assert 503 in statuses and statuses <= {201, 503}
    stored = {one["id"] for one in api.ask("GET", "keys", query="limit=100")["items"]}
    assert len(stored) == api.database.run("SELECT count(*) FROM key_values")[0][0]
    assert len(stored) == len(api.feed().get("virtual_key", {}))
