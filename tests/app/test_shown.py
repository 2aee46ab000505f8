"""What of a configuration is written down for the management API."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.config import parse_config, read_document
from asbru.app.shown import shown_models, shown_sections
from asbru.catalog.listing import ListedProvider

TEXT = """
providers:
  openai: {keys: [{name: a, value: sk-hidden}], headers: {x-a: hidden}}
virtual_keys: [{name: v, value: sk-asb-hidden}]
governance: {limits: [{scope: provider, name: openai}]}
fallbacks: [{from: openai/a, to: [openai/b]}]
mcp: {servers: {m: {url: "https://m.example/mcp?key=hidden"}}}
guardrails:
  rules: [{name: g, checks: [{webhook: {url: "https://w.example/?t=hidden", headers: {x-a: hidden}}}]}]
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


def test_models_without_secrets(tmp_path: Path) -> None:
    """What prices and names come from; how many of the prices are configured; no key's value."""
    text = """
providers:
  openai:
    keys: [{name: a, value: sk-hidden, models: [gpt-x], aliases: {fast: gpt-x}}]
    prices: {gpt-x: {input: 1, output: 2}}
prices: {"openai/gpt-y": {input: 1, output: 2}}
"""
    (tmp_path / "config.yaml").write_text(text)
    compiled = compile_config(Options(data_dir=tmp_path), {}, dry=True)
    written = shown_models(compiled.config, compiled.snapshot.providers)
    assert b"hidden" not in written
    (one,) = msgspec.msgpack.decode(written, type=list[ListedProvider])
    assert (one.name, one.configured, one.own_prices, one.every_model) == ("openai", ("fast", "gpt-x"), 2, False)
    assert [price.id for price in one.prices[:2]] == ["gpt-x", "gpt-y"] and len(one.prices) > 2
    assert any(price.context_tokens for price in one.prices)
