"""A dry run of the routing rules."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.books import row, row_id
from tests.fakes.management import Managed, managed
from tests.fakes.observed import MadeUp

from asbru.admin import rule_trial
from asbru.app.api_kinds import COMPILED_KINDS
from asbru.catalog.listing import ListedProvider
from asbru.records import ROW_WIDTH


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API with two providers, a key of a team, and a rule for the team."""
    observed = MadeUp()
    observed.listed = (ListedProvider(name="acme", known=("gpt",)), ListedProvider(name="other", known=("gpt", "o")))
    with managed(tmp_path, *COMPILED_KINDS, observed=observed) as one:
        one.declare(providers=[{"name": "acme"}, {"name": "other"}])
        one.ask("POST", "teams", {"name": "blue", "budgets": [{"amount_usd": 1}]}, status=201)
        one.ask("POST", "keys", {"name": "k", "team": "blue", "tags": {"env": "prod"}}, status=201)
        rule = {"name": "blue", "scope": "team", "owner": "blue", "to": [{"provider": "other"}]}
        one.ask("POST", "routing-rules", rule, status=201)
        yield one


def tried(api: Managed, rule: dict[str, Any] | None, status: int = 200, **request: Any) -> Any:
    """A described call, by the rules."""
    return api.ask("POST", "routing-rules/try", {"rule": rule, "request": {"model": "gpt", **request}}, status=status)


def test_stored_rules_decide(api: Managed) -> None:
    """For the key's team; for others the name decides, by the first provider that has the model."""
    found = tried(api, None, key="k")
    assert (found["matched"], found["problems"]) == (["blue"], [])
    assert found["targets"] == [{"provider": "other", "model": "gpt", "key": "", "weight": 1.0}]
    assert found["route"] == "rule 'blue': other/gpt"
    plain = tried(api, None)
    assert (plain["matched"], plain["targets"][0]["provider"]) == ([], "acme")
    assert tried(api, None, model="other/x/y")["targets"][0] == {
        "provider": "other",
        "model": "x/y",
        "key": "",
        "weight": 1.0,
    }
    assert tried(api, None, model="nobody-has-it")["targets"][0]["provider"] == ""


def test_conditions_are_compiled_beside_the_loop(api: Managed, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unsaved one and the stored ones: whoever else asks the control process does not wait for them."""
    threads: list[threading.Thread] = []
    check = rule_trial.check_rule
    monkeypatch.setattr(
        rule_trial, "check_rule", lambda when: threads.append(threading.current_thread()) or check(when)
    )
    tried(api, {"name": "r", "when": 'surface == "openai"', "to": [{"model": "o"}]})
    assert len(threads) >= 2 and threading.main_thread() not in threads


def test_an_unsaved_rule_stands_in_place_of_its_own(api: Managed) -> None:
    """Or beside the others; what it reads is what the call says; nothing is stored."""
    changed = {"name": "blue", "scope": "team", "owner": "blue", "to": [{"model": "o"}]}
    assert tried(api, changed, key="k")["targets"][0] == {"provider": "acme", "model": "o", "key": "", "weight": 1.0}
    reads = 'headers["x-app"] == "a" && tags["env"] == "prod" && params["v"] == "2" && surface == "anthropic"'
    rule = {
        "name": "new",
        "when": reads,
        "scope": "virtual_key",
        "owner": "k",
        "to": [{"provider": "acme", "weight": 3}, {"provider": "other", "weight": 1}],
        "fallbacks": ["other/o"],
    }
    call = {"headers": {"X-App": "a"}, "params": {"v": "2"}, "surface": "anthropic"}
    found = tried(api, rule, key="k", **call)
    assert (found["matched"], found["fallbacks"]) == (["new"], ["other/o"])
    assert [(one["provider"], one["weight"]) for one in found["targets"]] == [("acme", 0.75), ("other", 0.25)]
    assert tried(api, rule, key="k", **{**call, "surface": "openai"})["matched"] == ["blue"]
    assert [one["id"] for one in api.ask("GET", "routing-rules")["items"]] == ["team/blue/blue"]


def test_rules_that_follow_each_other(api: Managed) -> None:
    """All of them are named; the targets are those of the last."""
    first = {"name": "first", "scope": "virtual_key", "owner": "k", "chain": True, "to": [{"model": "o"}]}
    api.ask("POST", "routing-rules", {**first, "when": 'model == "gpt"'}, status=201)
    found = tried(api, None, key="k")
    assert found["matched"] == ["first", "blue"]
    assert found["targets"] == [{"provider": "other", "model": "o", "key": "", "weight": 1.0}]


def test_how_much_is_used(api: Managed) -> None:
    """Of the limits of the key and of the owners above it, as the ledger knows it."""
    rule = {
        "name": "dear",
        "when": "budget_used > 50.0",
        "scope": "virtual_key",
        "owner": "k",
        "to": [{"model": "o"}],
    }
    assert tried(api, rule, key="k")["matched"] == ["blue"]
    ends_ms = api.act.now_ms() + 1000
    api.database.run("INSERT INTO ledger_counts VALUES ('team/blue/cost/1M', 1, ?, 600000000, 0)", (ends_ms,))
    assert tried(api, rule, key="k")["matched"] == ["dear"]


def test_what_others_have_used_is_not_told(api: Managed) -> None:
    """By a rule that asks for it: of owners out of reach nothing counts as used."""
    api.role("red", ("keys:read", "routing-rules:read"), "team", "red")
    api.ask("PATCH", "keys/k", {"budgets": [{"amount_usd": 1}]})
    ends_ms = api.act.now_ms() + 1000
    for owner in ("team/blue", "key/k"):
        api.database.run(f"INSERT INTO ledger_counts VALUES ('{owner}/cost/1M', 1, ?, 600000000, 0)", (ends_ms,))
    asked = {"rule": {"name": "probe", "when": "budget_used > 50.0", "to": [{"model": "o"}]}}
    asked |= {"request": {"model": "gpt", "key": "k"}}
    assert api.ask("POST", "routing-rules/try", asked, role="red")["matched"] == []
    api.role("blue", ("keys:read", "routing-rules:read"), "team", "blue")
    api.ask("DELETE", "routing-rules/team/blue/blue", status=204)
    assert api.ask("POST", "routing-rules/try", asked, role="blue")["matched"] == ["probe"]


def test_what_is_wrong_with_a_rule(api: Managed) -> None:
    """Told with its place; the other rules are tried all the same."""
    found = tried(api, {"name": "x", "when": "model ==\n  nonsense", "to": [{"provider": "none"}]}, key="k")
    assert found["matched"] == ["blue"]
    condition, target = found["problems"]
    assert (condition["field"], condition["line"], condition["column"]) == ("when", 2, 3)
    assert "nonsense" in condition["message"] and target["field"] == "to.0.provider"
    (owner,) = tried(api, {"name": "x", "scope": "team", "to": [{"model": "o"}]})["problems"]
    assert owner["field"] == "owner"
    tried(api, {"name": "x", "to": []}, status=422)


def test_a_call_that_was_made(api: Managed) -> None:
    """By its record, which holds no headers, and says so where a condition reads one."""
    sent = row(1, caller="k", model_asked="gpt", surface="anthropic.messages", tags='{"app":"x"}')
    api.database.run(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", sent)
    when = 'request_type == "chat" && surface == "anthropic" && tags["app"] == "x" && tags["env"] == "prod"'
    rule = {"name": "r", "when": when, "scope": "virtual_key", "owner": "k", "to": [{"model": "o"}]}
    body = {"rule": rule, "record_id": row_id(1)}
    assert api.ask("POST", "routing-rules/try", body)["matched"] == ["r"]
    reading = {**rule, "when": 'headers["x-app"] == "a"'}
    found = api.ask("POST", "routing-rules/try", {**body, "rule": reading})
    assert found["matched"] == ["blue"] and "no headers" in found["problems"][0]["message"]
    assert api.call("POST", "routing-rules/try", {"record_id": "req_none"}).status == 404
    for wrong in ({}, {"record_id": "x", "request": {"model": "x"}}, {"request": {}}):
        assert api.call("POST", "routing-rules/try", wrong).status == 422


def test_who_may_try(api: Managed) -> None:
    """A viewer; whoever may not read records, or keys, tries neither; a scope hides both."""
    sent = [
        row(number, caller=caller, team=team) for number, (caller, team) in enumerate((("k", "blue"), ("r", "red")))
    ]
    api.database.run_many(f"INSERT INTO requests VALUES ({','.join('?' * ROW_WIDTH)})", sent)
    described, recorded = {"request": {"model": "gpt", "key": "k"}}, {"record_id": row_id(0)}
    for body in (described, recorded):
        assert api.call("POST", "routing-rules/try", body, role="viewer").status == 200
        only = api.role("rules", ["routing-rules:read"])
        assert api.call("POST", "routing-rules/try", body, role=only).status == 403
    api.role("red", ["routing-rules:read", "records:read", "keys:read"], "team", "red")
    assert api.call("POST", "routing-rules/try", recorded, role="red").status == 404
    assert api.call("POST", "routing-rules/try", {"record_id": row_id(1)}, role="red").status == 200
    assert api.ask("POST", "routing-rules/try", described, role="red")["matched"] == []
