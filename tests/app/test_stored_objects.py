"""What the management API has stored, joined to the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.management import managed

from asbru.app.api_kinds import COMPILED_KINDS
from asbru.app.boot import Options
from asbru.app.compile import compile_stored
from asbru.app.config import Document, Problem
from asbru.app.shown import shown_sections
from asbru.app.stored_objects import Stored, load_stored

FILE = """
providers:
  acme: {dialect: openai, base_url: "https://a.example/v1", keys: [{name: k, value: sk-of-the-file}]}
  other: {dialect: openai, base_url: "https://b.example/v1", keys: [{name: k, value: sk-of-the-file}]}
fallbacks: [{from: acme/a, to: [other/a]}]
"""


def provider(name: str, **more: Any) -> dict[str, Any]:
    """A provider as it is sent to the API."""
    return {
        "name": name,
        "dialect": "openai",
        "base_url": "https://c.example/v1",
        "keys": [{"name": "k", "value": "sk-0123456789-given"}],
        **more,
    }


def written(tmp_path: Path, text: str) -> Options:
    """A data directory with a configuration file."""
    (tmp_path / "config.yaml").write_text(text)
    return Options(data_dir=tmp_path)


def test_stored_objects_are_compiled_beside_the_file_s(tmp_path: Path) -> None:
    """Providers with their secrets, fallbacks and rules; the file's go before those of the same name."""
    options = written(tmp_path, FILE)
    with managed(tmp_path, *COMPILED_KINDS) as api:
        api.declare(providers=[{"name": "other"}])
        for name in ("acme", "new"):  # the file has got `acme` afterwards
            api.ask("POST", "providers", provider(name), status=201)
        api.ask("POST", "fallbacks", {"from": "acme/a", "to": ["new/a"]}, status=201)
        api.ask("POST", "fallbacks", {"from": "acme/b", "to": ["new/b"]}, status=201)
        rule = {"name": "r", "when": 'model == "x"', "to": [{"provider": "new"}]}
        api.ask("POST", "routing-rules", rule, status=201)
        api.ask("POST", "prices", {"name": "new/*", "input": 1, "output": 2}, status=201)
        assert "sk-0123456789-given" not in repr(api.database.run("SELECT * FROM objects"))
    compiled = compile_stored(options, {})
    found = {facts.name: (facts.base_url, facts.keys[0].value.reveal()) for facts in compiled.snapshot.providers}
    assert found["new"] == ("https://c.example/v1", "sk-0123456789-given")
    assert found["acme"] == ("https://a.example/v1", "sk-of-the-file")
    assert [(one.source, one.targets) for one in compiled.snapshot.fallbacks] == [
        ("acme/a", ("other/a",)),
        ("acme/b", ("new/b",)),
    ]
    assert [rule.name for rule in compiled.snapshot.routing_rules] == ["r"]
    assert compiled.config.prices["new/*"].output == 2
    assert compiled.stored == {("providers", "new"), ("prices", "new/*"), ("fallbacks", 1), ("routing_rules", 0)}


def test_what_the_file_breaks_is_left_out(tmp_path: Path) -> None:
    """A rule about a provider that the file does not have any more does not keep Asbru from starting: it is left out
    with a warning; what the file itself gets wrong is still refused."""
    options = written(tmp_path, FILE)
    with managed(tmp_path, *COMPILED_KINDS) as api:
        api.declare(providers=[{"name": "acme"}, {"name": "other"}])
        rule = {"name": "r", "to": [{"provider": "other"}]}
        api.ask("POST", "routing-rules", rule, status=201)
        api.ask("POST", "providers", provider("new"), status=201)
    text = FILE.replace("  other:", "  another:")
    compiled = compile_stored(written(tmp_path, text), {})
    assert compiled.snapshot.routing_rules == ()
    assert "new" in [facts.name for facts in compiled.snapshot.providers]
    assert any("left out" in str(warning) and "routing_rules" in str(warning) for warning in compiled.warnings)
    with pytest.raises(Exception, match="nonsense"):
        compile_stored(written(tmp_path, text + "nonsense: 1\n"), {})
    assert options == Options(data_dir=tmp_path)


def test_a_lost_key_leaves_its_providers_out(tmp_path: Path) -> None:
    """Without the key that sealed it a secret cannot be read: the provider is left out with a warning, never called
    without its credential."""
    options = written(tmp_path, FILE)
    with managed(tmp_path, *COMPILED_KINDS) as api:
        api.ask("POST", "providers", provider("new"), status=201)
    (tmp_path / "seal.key").unlink()
    compiled = compile_stored(options, {})
    assert "new" not in [facts.name for facts in compiled.snapshot.providers]
    assert any("provider 'new'" in str(warning) for warning in compiled.warnings)


def test_stored_keys_close_the_door(tmp_path: Path) -> None:
    """Where the database has a virtual key, the gateway is open to nobody without one, from the start on."""
    options = written(tmp_path, FILE)
    assert compile_stored(options, {}).snapshot.open_access
    with managed(tmp_path) as api:
        api.ask("POST", "keys", {"name": "k"}, status=201)
    assert not compile_stored(options, {}).snapshot.open_access


@pytest.mark.parametrize("data", [None, [], {"providers": []}, {"fallbacks": {}}, {"providers": None}], ids=range(5))
def test_files_of_any_shape(data: Any) -> None:
    """Where the file has another thing in the place, that is for the reader of the file to say."""
    stored = Stored({"providers": [{"name": "a"}], "fallbacks": [{"from": "a/b", "to": ["c/d"]}]})
    document = Document(json.loads(json.dumps(data)))
    stored.merge_into(document)
    assert document.data is None or isinstance(document.data, list | dict)
    assert not stored.leave_out([Problem(("limits",), "x")])


def test_without_a_database_nothing_is_stored(tmp_path: Path) -> None:
    """And none is made."""
    assert load_stored(tmp_path, {}).sections == {}
    assert list(tmp_path.iterdir()) == []


def test_objects_of_the_api_do_not_refer_to_the_machine(tmp_path: Path) -> None:
    """What the file may write as `env.NAME` or `file:PATH` is refused in the API, wherever it stands."""
    with managed(tmp_path, *COMPILED_KINDS) as api:
        for body in (
            provider("a", keys=[{"name": "k", "value": "env.HOME"}]),
            provider("a", headers={"x-a": "file:/etc/passwd"}),
            provider("a", base_url="env.URL"),
        ):
            refused = api.call("POST", "providers", body)
            assert refused.status == 422, body
        api.ask("POST", "providers", provider("a"), status=201)
        refused = api.call("PATCH", "providers/a", {"headers": {"x-a": "env.HOME"}})
        assert refused.status == 422 and "headers.x-a" in refused.error["message"]


def test_a_key_of_the_playground_leaves_a_gateway_open(tmp_path: Path) -> None:
    """Who may call stays as it is while somebody tries a model; a lasting key closes it."""
    options = written(tmp_path, "providers: {mock: {}}")
    with managed(tmp_path) as api:
        api.ask("POST", "playground/key", status=201)
        assert not load_stored(tmp_path, {}).has_keys
        assert compile_stored(options, {}).snapshot.open_access
        api.ask("POST", "keys", {"name": "k"}, status=201)
        assert load_stored(tmp_path, {}).has_keys


def test_stored_tool_servers_and_groups_join_the_file_s(tmp_path: Path) -> None:
    """Within the section `mcp`, beside its settings; the file's go first. Secrets are not in the database as they are.
    A program is started only if the file allows it."""
    text = "mcp: {sync_s: 60, commands_from_api: [uvx], servers: {files: {command: [npx]}}, groups: {own: [files]}}"
    options = written(tmp_path, text)
    with managed(tmp_path, *COMPILED_KINDS) as api:
        search = {"name": "search", "url": "https://s.example/mcp", "headers": {"authorization": "Bearer secret-1"}}
        api.ask("POST", "mcp-servers", search, status=201)
        api.ask("POST", "mcp-servers", {"name": "files", "url": "https://other.example/mcp"}, status=201)
        api.ask("POST", "mcp-servers", {"name": "shell", "command": ["sh", "-c", "x"]}, status=201)
        api.ask("POST", "mcp-servers", {"name": "good", "command": ["uvx", "x"]}, status=201)
        api.ask("POST", "mcp-groups", {"name": "reading", "tools": ["search/*", "files/read_*"]}, status=201)
        api.ask("POST", "mcp-servers", {"name": "Wrong", "url": "https://s.example/mcp"}, status=422)
        assert "secret-1" not in repr(api.database.run("SELECT * FROM objects"))
    compiled = compile_stored(options, {})
    mcp = compiled.snapshot.mcp
    assert set(mcp.servers) == {"files", "search", "good"} and mcp.sync_s == 60
    assert mcp.servers["files"].command == ("npx",)
    assert mcp.servers["search"].headers["authorization"].reveal() == "Bearer secret-1"
    assert mcp.groups == {"own": ("files",), "reading": ("search/*", "files/read_*")}
    assert [str(one) for one in compiled.warnings if "may not start 'sh'" in str(one)]
    shown = json.loads(shown_sections(compiled.config, None, compiled.stored))["sections"]
    assert [one["name"] for one in shown["mcp.servers"]] == ["files"]
    assert shown["mcp.groups"] == [{"name": "own", "tools": ["files"]}]
