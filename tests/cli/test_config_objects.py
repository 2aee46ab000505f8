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


SETTING = {
    "path": "limits.b",
    "value": 2,
    "default": 2,
    "source": "default",
    "live": True,
    "unit": "",
    "words": "Words.",
    "form": {"type": "integer"},
}


def test_another_gateway_comes_to_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one exports makes another, empty one serve by the same objects and settings, once its secrets are put in;
    with a mask in a secret's place it says which. Keys of the playground stay where they are."""
    document, values, exports = tmp_path / "objects.json", list[str](), list[str]()
    for number in (0, 1):
        data = tmp_path / str(number)
        data.mkdir()
        with managed(data, *COMPILED_KINDS) as api:
            api.declared.write_text(json.dumps({"file": "", "sections": {}, "settings": [SETTING]}))
            if number == 0:
                document.write_text(json.dumps({**DOCUMENT, "settings": [{"name": "limits.b", "value": 7}]}))
                api.ask("POST", "playground/key", status=201)
                told = run(api, monkeypatch, "diff", str(document)).output
                assert told.endswith("~ settings limits.b: value: 2 -> 7\n")
            else:
                refused = run(api, monkeypatch, "apply", str(document))
                assert refused.exit_code == 1 and "keys.a.value: expected a secret, got the mask" in refused.output
                document.write_text(exports[0].replace("****cdef", "gsk_0123456789abcdef"))
            applied = run(api, monkeypatch, "apply", str(document))
            assert applied.exit_code == 0 and applied.output.endswith("changed settings limits.b\n")
            values.append(api.checked[-1]["providers"][0]["keys"][0]["value"])
            exports.append(run(api, monkeypatch, "export").output)
            document.write_text(exports[0])
    assert values == ["gsk_0123456789abcdef"] * 2 and exports[0] == exports[1]
    exported = json.loads(exports[0])
    assert [one["name"] for one in exported["keys"]] == ["k"]
    assert exported["settings"] == [{"name": "limits.b", "value": 7}]


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
