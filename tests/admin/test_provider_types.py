"""The types of providers over the API."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.management import managed

from asbru.providers import discover


def test_every_type_is_listed_with_what_has_to_be_given(tmp_path: Path) -> None:
    """By title; dialects are named as a provider's `dialect` names them."""
    with managed(tmp_path) as api:
        listed = {one["name"]: one for one in api.ask("GET", "provider-types", role="viewer")["items"]}
    titles = [one["title"].lower() for one in listed.values()]
    assert set(listed) == set(discover()) and titles == sorted(titles)
    openai, custom, mock, vllm = (listed[name] for name in ("openai", "custom", "mock", "vllm"))
    assert openai["dialects"] == ["openai"] and openai["needs_key"] and not openai["needs_address"]
    assert set(custom["dialects"]) >= {"openai", "anthropic"} and custom["needs_dialect"] and not custom["needs_key"]
    assert mock["served_here"] and not mock["needs_address"]
    assert vllm["needs_address"] and not vllm["needs_dialect"]
