"""The JSON schema for editors: it takes what the reader takes."""

from __future__ import annotations

import re
from typing import Any

from asbru.app.config.schema import json_schema


def setting(*path: str) -> dict[str, Any]:
    """The schema of a setting."""
    schema = json_schema()
    at: dict[str, Any] = schema
    for part in path:
        reference = at.get("$ref", "")
        at = (schema["$defs"][reference.rpartition("/")[2]] if reference else at)[part]
    return at


def takes(entry: dict[str, Any], text: str) -> bool:
    """Whether an option of an entry takes a text, by its type and pattern."""
    options = [option for option in entry.get("anyOf", [entry]) if option.get("type") == "string"]
    bounded = [option for option in options if option.keys() & {"enum", "const"}]
    return any(re.search(option.get("pattern", ""), text) for option in options if option not in bounded)


def test_references_are_taken_wherever_they_are_resolved() -> None:
    """Numbers, switches, choices and text of a form take `env.NAME` and `file:PATH`, and no other text more."""
    settings = [
        setting("properties", "listen", "properties", "port"),
        setting("properties", "log", "properties", "format"),
        setting("properties", "control", "properties", "enabled"),
        setting("$defs", "ProviderSettings", "properties", "base_url"),
        setting("$defs", "ProviderKey", "properties", "value"),
        setting("$defs", "Fallback", "properties", "to", "items"),
        setting("properties", "cors_origins", "items"),
    ]
    for entry in settings:
        assert takes(entry, "env.SOME_NAME"), entry
        assert takes(entry, "file:/run/secrets/some"), entry
    assert not any(takes(entry, "$NAME") for entry in settings[:4])
    assert not takes(setting("properties", "version"), "env.NAME")


def test_defaults_and_descriptions_stay() -> None:
    """What an editor shows of a setting stands beside the alternatives."""
    port = setting("properties", "listen", "properties", "port")
    assert (port["default"], port["description"]) == (8080, "TCP port; 0 uses any free port.")


def test_a_file_may_name_its_schema() -> None:
    """`$schema` is a member that the strict schema allows."""
    assert json_schema()["properties"]["$schema"]["type"] == "string"
