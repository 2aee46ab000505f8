"""What guardrail rules did, over the management API."""

from __future__ import annotations

import json

from tests.fakes.management import Managed


def record(api: Managed, at_ms: int, *entries: tuple[str, str, str]) -> None:
    """The record of a call that rules checked: rule, place, action of each."""
    told = [{"rule": rule, "place": place, "action": action, "findings": 1} for rule, place, action in entries]
    api.keep_record(id=f"req_{at_ms}", started_ms=at_ms, guardrails=json.dumps(told) if told else "")


def test_rules_are_counted_over_time(api: Managed) -> None:
    """Calls, not places: a rule that acted in one of two has acted; one that only looked has not. In order of acts."""
    record(api, 1000, ("a", "input", "pass"), ("b", "input", "redact"))
    record(api, 1010, ("b", "input", "redact"), ("b", "output", "pass"))
    record(api, 1100, ("b", "input", "block"), ("a", "input", "failed_open"))
    record(api, 1200)
    record(api, 5000, ("a", "input", "block"))
    api.database.run("UPDATE requests SET guardrails = '[1' WHERE started_ms = 1200")
    report = api.ask("GET", "guardrails/hits", query="since_ms=1000&until_ms=1600")
    assert report["starts_ms"] == list(range(1000, 1600, 10))
    first, second = report["rules"]
    assert (first["rule"], first["checked"], first["acted"]) == ("b", 3, {"redact": 2, "block": 1})
    assert [at for at, count in enumerate(first["steps"]) if count] == [0, 1, 10]
    assert (second["rule"], second["checked"], second["acted"]) == ("a", 2, {"failed_open": 1})
    assert api.ask("GET", "guardrails/hits")["rules"] == []
    assert api.call("GET", "guardrails/hits", query="since_ms=5&until_ms=5").status == 422
