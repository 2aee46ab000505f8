"""The kinds of objects that the snapshot is compiled from, over the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.management import Managed, managed

from asbru.app.api_kinds import COMPILED_KINDS

Body = dict[str, Any]
SECRET = "a-secret-of-some-length"
WEBHOOK = {
    "name": "g",
    "checks": [{"webhook": {"url": "https://a.example"}}],
    "places": ["input"],
    "credentials": {"webhook": SECRET},
}


TWO_HOOKS: list[dict[str, Body]] = [
    {"webhook": {"url": f"https://{name}.example/?token={name}-{SECRET}", "headers": {"x-key": f"{name}-{SECRET}"}}}
    for name in ("a", "b")
]
TWO_MASKED: list[dict[str, Body]] = [
    {"webhook": {"url": f"https://{name}.example/?token=****ngth", "headers": {"x-key": "****ngth"}}}
    for name in ("a", "b")
]


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Managed]:
    """An API with three providers of the file, and a fallback and a rule of the file."""
    with managed(tmp_path, *COMPILED_KINDS) as one:
        one.declare(
            providers=[{"name": name} for name in ("a", "b", "c")],
            fallbacks=[{"from": "c/x", "to": ["b/x"]}],
            routing_rules=[{"name": "file", "to": [{"provider": "a"}]}],
        )
        yield one


def ids(api: Managed, path: str, query: str) -> list[str]:
    """Those that a list returns."""
    return [one["id"] for one in api.ask("GET", path, query=query)["items"]]


def test_lists_are_filtered_by_what_objects_name(api: Managed) -> None:
    """Fallbacks and rules by a provider at either end, rules by their owner, the file's and stored ones; by one of
    these at a time."""
    api.ask("POST", "teams", {"name": "blue"}, status=201)
    api.ask("POST", "fallbacks", {"from": "a/x", "to": ["b/x"]}, status=201)
    rule = {"name": "r", "scope": "team", "owner": "blue", "to": [{"provider": "b"}], "fallbacks": ["c/x"]}
    api.ask("POST", "routing-rules", rule, status=201)
    assert ids(api, "fallbacks", "provider=b") == ["a/x", "c/x"] and ids(api, "fallbacks", "provider=a") == ["a/x"]
    assert ids(api, "routing-rules", "provider=c") == ids(api, "routing-rules", "team=blue") == ["team/blue/r"]
    assert ids(api, "routing-rules", "provider=a") == ["global/file"]
    assert ids(api, "routing-rules", "key=none") == []
    assert api.call("GET", "routing-rules", query="provider=b&team=blue").status == 422


@pytest.mark.parametrize(
    ("noun", "body", "moved"),
    [
        (
            "providers",
            {
                "name": "p",
                "dialect": "openai",
                "base_url": "https://a.example/v1",
                "keys": [{"name": "k", "value": SECRET}],
            },
            [
                {"base_url": "https://evil.example/v1"},
                {"type": "groq"},
                {"tls": {"verify": False}},
                {"proxy": "http://x"},
            ],
        ),
        (
            "mcp-servers",
            {"name": "m", "url": "https://a.example/mcp", "headers": {"x-key": SECRET}},
            [{"url": "https://evil.example/mcp"}],
        ),
        (
            "guardrails",
            WEBHOOK,
            [{"checks": [{"webhook": {"url": "https://evil.example"}}]}],
        ),
        (
            "mcp-servers",
            {"name": "m", "url": f"https://a.example/mcp?team=a&api_key={SECRET}"},
            [
                {"url": "https://evil.example/mcp?api_key=****ngth"},
                {"url": "https://a.example/mcp?to=evil&api_key=****ngth"},
            ],
        ),
        (
            "guardrails",
            {**WEBHOOK, "credentials": {}, "checks": TWO_HOOKS},
            [
                {"checks": TWO_MASKED[::-1]},
                {"checks": [TWO_MASKED[0], {"webhook": {**TWO_MASKED[1]["webhook"], "url": "https://evil.example"}}]},
            ],
        ),
    ],
    ids=["provider", "mcp server", "guardrail", "query of a server", "headers of webhooks"],
)
def test_secrets_do_not_follow_to_another_address(api: Managed, noun: str, body: Body, moved: list[Body]) -> None:
    """Of every kind that has secrets: changing where they go asks for them anew; changing what else there is keeps
    them, also where a form sends all of it back."""
    api.ask("POST", noun, body, status=201)
    for patch in moved:
        refused = api.call("PATCH", f"{noun}/{body['name']}", patch)
        assert refused.status == 422 and "expected the secret itself" in refused.error["message"], refused
    shown = api.ask("GET", f"{noun}/{body['name']}")
    assert shown["version"] == 1 and "****ngth" in str(shown)
    assert "****ngth" in str(api.ask("PATCH", f"{noun}/{body['name']}", shown))


def test_headers_of_webhooks_are_sealed(api: Managed) -> None:
    """And what is in the query of their addresses: each its own, masked wherever it is read, whole where it is used."""
    api.ask("POST", "guardrails", {**WEBHOOK, "checks": TWO_HOOKS}, status=201)
    assert api.ask("GET", "guardrails/g")["checks"] == TWO_MASKED
    api.ask("PATCH", "guardrails/g", {"checks": TWO_MASKED, "timeout_ms": 5})
    assert api.checked[-1]["guardrails.rules"][0]["checks"] == TWO_HOOKS
    tables = ("objects", "changes", "secrets", "feed_entries", "feed_changes")
    assert SECRET.encode() not in repr([api.database.run(f"SELECT * FROM {table}") for table in tables]).encode()


def test_what_was_stored_before_its_field_was_a_secret(api: Managed) -> None:
    """It is masked in what is read, used as it is, and sealed by the next change."""
    api.ask("POST", "guardrails", WEBHOOK, status=201)
    plain = {**WEBHOOK, "checks": TWO_HOOKS, "credentials": {"webhook": "****ngth"}}
    api.database.run("UPDATE objects SET body = ? WHERE id = 'g'", (json.dumps(plain),))
    api.database.run("UPDATE changes SET after = ?", (json.dumps(plain),))
    shown = api.ask("GET", "guardrails/g")
    assert shown["checks"] == TWO_MASKED and SECRET not in str(api.ask("GET", "changes"))
    assert api.call("PATCH", "guardrails/g", {"checks": TWO_MASKED[::-1]}).status == 422
    api.ask("PATCH", "guardrails/g", {**shown, "timeout_ms": 5})
    (checked,) = api.checked[-1]["guardrails.rules"]
    assert checked["checks"] == TWO_HOOKS and checked["credentials"] == {"webhook": SECRET}
    assert SECRET not in str(api.database.run("SELECT body FROM objects"))
    assert SECRET not in str(api.database.run("SELECT before FROM changes"))


@pytest.mark.parametrize(
    ("noun", "body"),
    [
        ("providers", {"name": "p", "dialect": "openai", "base_url": "https://me:pw@a.example/v1"}),
        ("mcp-servers", {"name": "m", "url": "https://me:pw@a.example/mcp"}),
        ("mcp-servers", {"name": "m", "openapi": {"document": "{}", "base_url": "https://me:pw@a.example"}}),
        ("guardrails", {**WEBHOOK, "checks": [{"webhook": {"url": "https://me:pw@a.example"}}]}),
    ],
)
def test_no_address_has_a_password(api: Managed, noun: str, body: Body) -> None:
    """It would be sent to nobody, and shown to everybody. An `@` in a path is none."""
    refused = api.call("POST", noun, body)
    assert refused.status == 422 and "pw@" not in refused.error["message"].replace("password@", "")
    fine = json.loads(json.dumps(body).replace("me:pw@a.example", "a.example/@x"))
    assert api.call("POST", noun, fine).status == 201
