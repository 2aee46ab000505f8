"""Asking a provider over the API whether it answers."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.management import managed

from asbru.app.api_kinds import COMPILED_KINDS


def test_a_provider_is_asked_with_its_secrets(tmp_path: Path) -> None:
    """Stored or declared; what is wrong is told in words, with 200: the question was answered. An editor may ask."""
    body = {"name": "acme", "dialect": "openai", "base_url": "https://a.example/v1", "headers": {"x-k": "hidden"}}
    with managed(tmp_path, *COMPILED_KINDS) as api:
        api.declare(providers=[{"name": "openai"}])
        api.ask("POST", "providers", body, status=201)
        assert api.ask("POST", "providers/acme/test", {}) == {"ok": True, "problems": []}
        assert api.checked[-1]["providers"] == [body]
        api.problems = ["x"]
        answer = api.ask("POST", "providers/openai/test", {}, role="editor")
        assert answer == {"ok": False, "problems": ["openai does not answer"]}
        api.ask("POST", "providers/none/test", {}, status=404)
        api.ask("POST", "providers/acme/test", {}, status=403, role="viewer")
