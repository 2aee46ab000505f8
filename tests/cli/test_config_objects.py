"""`asbru config export`, `diff` and `apply`, against the management API itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.fakes.management import Managed, managed

from asbru.app.api_kinds import COMPILED_KINDS
from asbru.cli import api as client
from asbru.cli import commands

DOCUMENT: dict[str, list[dict[str, Any]]] = {
    "keys": [{"name": "k", "team": "blue"}],
    "teams": [{"name": "blue", "customer": "acme"}],
    "customers": [{"name": "acme"}],
    "providers": [{"name": "groq", "keys": [{"name": "a", "value": "gsk_0123456789abcdef"}]}],
    "fallbacks": [{"from": "groq/a", "to": ["groq/b"]}],
    "limits": [{"scope": "model", "name": "groq/a", "rate_limits": [{"metric": "tokens", "amount": 5}]}],
    "routing-rules": [{"name": "r", "scope": "team", "owner": "blue", "to": [{"provider": "groq"}]}],
}


def run(managing: Managed, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    """A command's outcome, with requests that go to the application."""

    def ask(_: object, method: str, path: str, body: object = None, **query: object) -> Any:
        given = "&".join(f"{name}={value}" for name, value in query.items())
        answer = managing.call(method, path, body, query=given)
        if answer.status >= 400:
            raise client.click.ClickException(answer.error["message"])
        return answer.json() if answer.body else None

    monkeypatch.setattr(client.Api, "ask", ask)
    return CliRunner().invoke(commands()["config"], words)


def test_a_document_is_applied_and_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made in the order in which objects name each other, whatever the document's; then there is nothing left to do.
    What is exported applies to where it came from without a change, secrets included."""
    document = tmp_path / "objects.json"
    document.write_text(json.dumps(DOCUMENT))
    data = tmp_path / "data"
    data.mkdir()
    with managed(data, *COMPILED_KINDS) as api:
        told = run(api, monkeypatch, "diff", str(document))
        assert "gsk_0123456789abcdef" not in told.output and "****cdef" in told.output
        assert told.exit_code == 1 and told.output.count("\n+ ") == 6 and api.ask("GET", "teams")["items"] == []
        made = run(api, monkeypatch, "apply", str(document))
        assert made.exit_code == 0, made.output
        assert "made keys k: sk-asb-" in made.output
        exported = run(api, monkeypatch, "export").output
        assert "gsk_0123456789abcdef" not in exported
        document.write_text(exported)
        for word in ("diff", "apply"):
            ran = run(api, monkeypatch, word, str(document))
            assert (ran.exit_code, ran.output) == (0, "")
        changed = json.loads(exported)
        changed["teams"][0]["customer"] = None
        document.write_text(json.dumps(changed))
        assert run(api, monkeypatch, "diff", str(document)).output == '~ teams blue: customer: "acme" -> null\n'
        assert run(api, monkeypatch, "apply", str(document)).output == "changed teams blue\n"


@pytest.mark.parametrize("text", ["{", "[]", '{"nonsense": []}', '{"teams": "x"}', '{"teams": [1]}'])
def test_documents_that_make_no_sense(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """One line that says what is expected."""
    document = tmp_path / "objects.json"
    document.write_text(text)
    data = tmp_path / "data"
    data.mkdir()
    with managed(data) as api:
        ran = run(api, monkeypatch, "apply", str(document))
    assert ran.exit_code == 1 and ran.output.startswith("Error: ")
