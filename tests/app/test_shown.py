"""What of a configuration is written down for the management API."""

from __future__ import annotations

import json

from asbru.app.config import parse_config, read_document
from asbru.app.shown import shown_sections

TEXT = """
providers:
  openai: {keys: [{name: a, value: sk-hidden}], headers: {x-a: hidden}}
virtual_keys: [{name: v, value: sk-asb-hidden}]
governance: {limits: [{scope: provider, name: openai}]}
fallbacks: [{from: openai/a, to: [openai/b]}]
"""


def test_objects_without_their_secrets() -> None:
    """Sections of objects by their names in the file, defaults filled in; no secret; other settings are left out."""
    config = parse_config(read_document(TEXT, is_json=False), {}).config
    text = shown_sections(config, "/etc/a.yaml")
    assert b"hidden" not in text
    shown = json.loads(text)
    assert shown["file"] == "/etc/a.yaml"
    assert shown["sections"]["providers"][0]["name"] == "openai"
    assert shown["sections"]["fallbacks"] == [{"from": "openai/a", "to": ["openai/b"]}]
    assert shown["sections"]["governance.limits"][0]["scope"] == "provider"
    assert "limits" not in shown["sections"]
