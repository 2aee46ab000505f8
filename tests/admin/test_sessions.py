"""Sessions over the API: pages, filters, one of them, and who sees which."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.books import row
from tests.fakes.management import Managed, managed

from asbru.records.sessions import add

NOW_MS = int(time.time() * 1000)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API over sessions of two teams; the last of each ended two days ago."""
    with managed(tmp_path) as one:
        for team in ("blue", "red"):
            one.ask("POST", "teams", {"name": team}, status=201)
        for number in range(6):
            team, age_ms = "blue" if number % 2 else "red", (1 if number < 4 else 48) * 3_600_000
            began = {"started_ms": NOW_MS - age_ms - number, "team": team, "caller": f"{team}-1"}
            add.add_records(one.database, [row(number, **began, session=f"s{number}", surface="openai.chat")])
        yield one


def names(page: dict[str, Any]) -> list[str]:
    """Of a page."""
    return [one["session"] for one in page["items"]]


def test_sessions_are_listed(api: Managed) -> None:
    """Those of the last day, by pages and filters; others where they are asked for."""
    first = api.ask("GET", "sessions", query="limit=3")
    assert names(first) == ["s0", "s1", "s2"]
    assert names(api.ask("GET", "sessions", query=f"limit=3&after={first['next']}")) == ["s3"]
    assert names(api.ask("GET", "sessions", query="caller=blue-1&sort=cost_nanousd&failed=true&model=word/word")) in (
        ["s1", "s3"],
        ["s3", "s1"],
    )
    week = f"since_ms={NOW_MS - 7 * 86_400_000}"
    assert len(names(api.ask("GET", "sessions", query=week))) == 6
    assert names(api.ask("GET", "sessions", query=f"{week}&session=s5")) == ["s5"]


@pytest.mark.parametrize(
    "query", ["after=x", "sort=caller", "since_ms=5&until_ms=5", f"caller={'x' * 257}", "limit=0"]
)
def test_what_makes_no_sense_is_refused(api: Managed, query: str) -> None:
    """422, with what was expected."""
    assert api.call("GET", "sessions", query=query).status == 422


def test_one_session(api: Managed) -> None:
    """Its sums by its id, which a list contains."""
    (listed,) = api.ask("GET", "sessions", query="session=s2")["items"]
    assert api.ask("GET", f"sessions/{listed['id']}") == listed | {"limits": []}
    assert listed["calls"] == 1 and listed["models"] == ["word/word"]
    assert api.call("GET", "sessions/ses_0").status == 404


def test_limits_of_a_session(api: Managed) -> None:
    """Limits with the window `run` of its key, team and customer, as they stand for this session and for no other;
    those that have not counted it say nothing, and whoever may not read spend sees none."""
    run, month = {"amount_usd": 2, "window": "run"}, {"amount_usd": 50, "window": "1M"}
    access = {"provider": "openai", "rate_limits": [{"metric": "requests", "amount": 9, "window": "run"}]}
    api.ask("POST", "keys", {"name": "red-1", "budgets": [run, month], "providers": [access]}, status=201)
    red = api.ask("GET", "teams/red")
    api.ask("PATCH", "teams/red", {"rate_limits": [{"metric": "tokens", "amount": 100, "window": "run"}]})
    assert red["budgets"] == []
    later = api.act.now_ms() + 1000
    for key, spent, held in (
        ("key/red-1/cost/run#s2", 300, 40),
        ("key/red-1/cost/run#s0", 10**9, 0),
        ("key/red-1/provider/openai/requests/run#s2", 3, 0),
        ("team/red/tokens/run#s0", 7, 0),
        ("key/red-1/cost/1M", 500, 0),
    ):
        api.database.run("INSERT INTO ledger_counts VALUES (?, 1, ?, ?, ?)", (key, later, spent, held))
    session = add.session_id("red-1", "red", "s2")
    cost, requests = api.ask("GET", f"sessions/{session}")["limits"]
    assert cost == {
        "owner": "key/red-1",
        "limit_id": "key/red-1/cost/run",
        "metric": "cost",
        "window": "run",
        "amount": 2 * 10**9,
        "spent": 340,
        "resets_at_ms": None,
        "parts": {"booked": 300, "held": 40, "runs": None},
    }
    assert (requests["owner"], requests["spent"], requests["amount"]) == ("key/red-1/provider/openai", 3, 9)
    other = api.ask("GET", f"sessions/{add.session_id('red-1', 'red', 's0')}")["limits"]
    assert [(one["owner"], one["spent"]) for one in other] == [("key/red-1", 10**9), ("team/red", 7)]
    api.role("reader", ["records:read"])
    assert api.ask("GET", f"sessions/{session}", role="reader")["limits"] == []
    api.now_s += 2
    assert api.ask("GET", f"sessions/{session}")["limits"] == []


def test_sessions_in_reach(api: Managed) -> None:
    """Like records: what a scope does not reach is as if it did not exist, and whoever may not read records sees
    none."""
    api.ask("POST", "roles", {"name": "blue", "permissions": ["records:read"], "scope": team("blue")}, status=201)
    api.ask("POST", "roles", {"name": "deaf", "permissions": ["keys:read"]}, status=201)
    for role in ("blue", "deaf"):
        made = api.ask("POST", "tokens", {"name": role, "role": role}, status=201)
        api.tokens[role] = made["value"]
    assert names(api.ask("GET", "sessions", role="blue")) == ["s1", "s3"]
    assert names(api.ask("GET", "sessions", role="blue", query="team=red")) == []
    own, other = add.session_id("blue-1", "blue", "s1"), add.session_id("red-1", "red", "s2")
    assert api.ask("GET", f"sessions/{own}", role="blue")["session"] == "s1"
    assert api.call("GET", f"sessions/{other}", role="blue").status == 404
    for path in ("sessions", f"sessions/{own}"):
        assert api.call("GET", path, role="deaf").status == 403


def team(name: str) -> dict[str, Any]:
    """A scope."""
    return {"kind": "team", "teams": [name]}
