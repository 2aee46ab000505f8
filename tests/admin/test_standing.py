"""How far limits are used, over the API."""

from __future__ import annotations

from typing import Any

from tests.fakes.management import Managed

from asbru.identity import roles

BUDGET = {"amount_usd": 1, "window": "1M"}


def count(api: Managed, key: str, *, spent: int, held: int, ends_ms: int) -> None:
    """A window of the ledger."""
    api.database.run("INSERT INTO ledger_counts VALUES (?, 1, ?, ?, ?)", (key, ends_ms, spent, held))


def standing(api: Managed, query: str) -> list[dict[str, Any]]:
    """The items."""
    items: list[dict[str, Any]] = api.ask("GET", "standing", query=query)["items"]
    return items


def test_what_is_booked_and_held_counts(api: Managed) -> None:
    """Of the window of now; a window that is over does not count."""
    api.ask("POST", "teams", {"name": "blue", "budgets": [BUDGET]}, status=201)
    later = api.act.now_ms() + 1000
    count(api, "team/blue/cost/1M", spent=300, held=40, ends_ms=later)
    expected = {
        "owner": "team/blue",
        "limit_id": "team/blue/cost/1M",
        "metric": "cost",
        "window": "1M",
        "amount": 10**9,
        "spent": 340,
        "resets_at_ms": later,
        "parts": {"booked": 300, "held": 40, "runs": None},
    }
    assert standing(api, "kind=team&id=blue") == [expected]
    api.now_s += 2
    (after,) = standing(api, "kind=team&id=blue")
    assert (after["spent"], after["resets_at_ms"]) == (0, None)


def test_several_owners_and_their_parts(api: Managed) -> None:
    """In the order asked for, once each; a key also with those for a provider; what does not exist adds nothing."""
    access = {"provider": "openai", "rate_limits": [{"metric": "requests", "amount": 5}]}
    api.ask("POST", "keys", {"name": "k", "budgets": [BUDGET], "providers": [access]}, status=201)
    api.declare(virtual_keys=[{"name": "d", "budgets": [BUDGET], "value": "****"}])
    found = standing(api, "kind=key&id=none&id=k&id=d&id=k")
    assert [one["limit_id"] for one in found] == [
        "key/k/cost/1M",
        "key/k/provider/openai/requests/1m",
        "key/d/cost/1M",
    ]
    scope = {"scope": "model", "name": "openai/gpt*", "rate_limits": [{"metric": "requests", "amount": 5}]}
    api.ask("POST", "limits", scope, status=201)
    (model,) = standing(api, "kind=model&id=openai/gpt*")
    assert (model["owner"], model["amount"], model["resets_at_ms"]) == ("model/openai/gpt*", 5, None)
    assert standing(api, "kind=provider&id=openai") == []


def test_a_scope_does_not_see_what_all_callers_used(api: Managed) -> None:
    """A team's own limits, but none of a provider or a model: their figures are of every team's calls."""
    api.ask("POST", "teams", {"name": "blue", "budgets": [BUDGET]}, status=201)
    api.ask("POST", "limits", {"scope": "provider", "name": "openai", "budgets": [BUDGET]}, status=201)
    api.role("lead", roles.SCOPED, "team", "blue")
    for role, seen in (("admin", 1), ("lead", 0)):
        assert len(api.ask("GET", "standing", role=role, query="kind=provider&id=openai")["items"]) == seen
        assert len(api.ask("GET", "standing", role=role, query="kind=team&id=blue")["items"]) == 1


def test_questions_that_make_no_sense(api: Managed) -> None:
    """Another kind, none, or too many ids: 422."""
    for query in ("kind=wizard&id=x", "id=x", "kind=key", "kind=key&" + "id=x&" * 201):
        assert api.call("GET", "standing", query=query).status == 422, query
