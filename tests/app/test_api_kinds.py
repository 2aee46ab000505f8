"""The kinds of objects that the snapshot is compiled from, over the API."""

from __future__ import annotations

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
    ],
    ids=["provider", "mcp server", "guardrail"],
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
