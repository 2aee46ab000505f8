"""The single settings of a configuration, and those that the management API has changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.fakes.management import managed

from asbru.app.api_kinds import COMPILED_KINDS
from asbru.app.boot import Options
from asbru.app.compile import compile_config, compile_stored
from asbru.app.setting_list import unit_of, written_paths
from asbru.app.shown import shown_sections
from asbru.app.stored_objects import Stored

FILE = "providers: {mock: {}}\nlimits: {body_bytes_max: 4096}\n"


def listed(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """The settings by path, as they are written down for the management API."""
    compiled = compile_stored(Options(data_dir=tmp_path), {})
    shown = json.loads(shown_sections(compiled.config, "f", compiled.stored, compiled.written))
    declared = {one["name"]: one["value"] for one in shown["sections"]["settings"]}
    settings = {one["path"]: one for one in shown["settings"]}
    assert declared == {path: one["value"] for path, one in settings.items() if one["source"] == "file"}
    return settings


def test_numbers_switches_and_choices(tmp_path: Path) -> None:
    """With the words and bounds of the models; no text of any form, no lists, no second names, no secrets."""
    (tmp_path / "config.yaml").write_text(FILE)
    settings = listed(tmp_path)
    assert settings["limits.body_bytes_max"] == {
        "path": "limits.body_bytes_max",
        "value": 4096,
        "default": 32 * 1024 * 1024,
        "unit": "bytes",
        "words": settings["limits.body_bytes_max"]["words"],
        "source": "file",
        "live": True,
        "form": {"type": "integer", "minimum": 1024, "maximum": 1 << 32},
    }
    assert settings["limits.body_bytes_max"]["words"]
    assert settings["overload.mode"]["form"]["enum"] == ["queue", "drop"]
    assert settings["governance.enforce_auth"]["form"] == {"type": "boolean"}
    assert [path for path, one in settings.items() if not one["live"]] == [
        "listen.port",
        "listen.workers",
        "control.enabled",
        "log.format",
    ]
    assert not {"listen.host", "listen.tls", "cors_origins", "governance.limits", "governance.is_vk_mandatory"} & {
        *settings
    }


def test_what_the_api_has_stored_is_compiled(tmp_path: Path) -> None:
    """A stored setting holds; the file's goes before it, and a new file keeps no start from happening."""
    (tmp_path / "config.yaml").write_text(FILE)
    with managed(tmp_path, *COMPILED_KINDS) as api:
        shown = json.loads(shown_sections(compile_config(Options(data_dir=tmp_path), {}).config, "f"))
        api.declared.write_text(json.dumps({"file": "f", "sections": {}, "settings": shown["settings"]}))
        api.ask("PATCH", "settings", {"limits.body_bytes_max": 9999, "overload.queued_max": 7, "log.access": True})
        compiled = compile_stored(Options(data_dir=tmp_path), {})
        assert compiled.snapshot.limits.body_bytes_max == 4096
        assert (compiled.snapshot.overload.queued_max, compiled.snapshot.access_log) == (7, True)
        assert listed(tmp_path)["overload.queued_max"]["source"] == "api"
        assert listed(tmp_path)["limits.body_bytes_max"]["source"] == "file"


def test_a_stored_setting_that_makes_no_sense_is_left_out(tmp_path: Path) -> None:
    """With a warning: one of another version of Asbru does not keep this one from starting."""
    (tmp_path / "config.yaml").write_text(FILE)
    stored = Stored(
        {"settings": [{"name": "overload.nonsense", "value": 1}, {"name": "overload.wait_s", "value": 3}]}
    )
    document = {"providers": {"mock": {}}}
    assert written_paths(document) == {("providers", "mock")}
    with managed(tmp_path) as api:
        for one in stored.sections["settings"]:
            api.database.run(
                "INSERT INTO objects (kind, id, version, body, changed_ms) VALUES ('setting', ?, 1, ?, 1)",
                (one["name"], json.dumps(one)),
            )
    compiled = compile_stored(Options(data_dir=tmp_path), {})
    assert compiled.snapshot.overload.wait_s == 3
    assert any("nonsense" in str(warning) for warning in compiled.warnings)


def test_units() -> None:
    """By the last word of the name."""
    names = ("wait_s", "body_bytes_max", "reserve_output_tokens_max", "enabled", "queued_max", "max")
    assert [unit_of(name) for name in names] == ["seconds", "bytes", "tokens", "", "", ""]
