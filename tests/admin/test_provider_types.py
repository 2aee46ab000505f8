"""The types of providers over the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.management import managed

from asbru.app.api_kinds import COMPILED_KINDS
from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.providers import discover

EXAMPLES = {"base_url": "https://models.example/v1", "keys.0.value": "secret"}


@pytest.fixture(scope="module")
def types(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """The types by name, with their forms."""
    with managed(tmp_path_factory.mktemp("api"), *COMPILED_KINDS) as api:
        yield {one["name"]: one for one in api.ask("GET", "provider-types", role="viewer")["items"]}


def filled(one: dict[str, Any], dialect: str) -> dict[str, Any]:
    """A provider as the form makes it: what is required, with its default or an example, and a chosen dialect."""
    body: dict[str, Any] = {"type": one["name"]}
    for field in one["fields"]:
        path = field["path"]
        if path == "dialect":
            body["dialect"] = dialect
        elif field["required"]:
            place, name = body, path
            if path.startswith("keys.0."):
                place, name = body.setdefault("keys", [{}])[0], path.removeprefix("keys.0.")
            place[name] = field["default"] or EXAMPLES[path]
    return body


def test_how_each_is_asked(types: dict[str, dict[str, Any]]) -> None:
    """In each dialect: where, what it offers, what is translated, and how a key is sent."""
    [access, *_] = types["openai"]["access"]
    assert (access["dialect"], access["sent_as"]) == ("openai", "Authorization: Bearer") and access["base_url"]
    assert "chat" in access["translated"] and "embeddings" in access["operations"]


@pytest.mark.parametrize("name", discover())
def test_a_form_makes_a_provider(name: str, types: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    """What the form requires is enough, in each dialect that may be chosen."""
    for dialect in types[name]["dialects"]:
        body = filled(types[name], dialect)
        file = tmp_path / "asbru.json"
        file.write_text(json.dumps({"providers": {body.pop("name"): body}}))
        options = Options(tmp_path / "data", file, mock_socket="/run/mock.sock")
        [facts] = compile_config(options, {}, dry=True).snapshot.providers
        assert (facts.name, facts.kind) == (name, name)


@pytest.mark.parametrize("name", discover())
def test_fields_have_words(name: str, types: dict[str, dict[str, Any]]) -> None:
    """Each explains itself; only keys are secret, and say which variable usually holds them."""
    one = types[name]
    assert all(field["help"] and field["title"] and field["form"] for field in one["fields"])
    secret = [(field["path"], field["env"]) for field in one["fields"] if field["secret"]]
    assert secret == ([] if one["served_here"] else [("keys.0.value", discover()[name].env_key)])
    assert not any(field["required"] for field in one["fields"] if field["advanced"])


def test_every_type_is_listed_with_what_has_to_be_given(tmp_path: Path) -> None:
    """By title; dialects are named as a provider's `dialect` names them."""
    with managed(tmp_path) as api:
        listed = {one["name"]: one for one in api.ask("GET", "provider-types", role="viewer")["items"]}
    titles = [one["title"].lower() for one in listed.values()]
    assert set(listed) == set(discover()) and titles == sorted(titles)
    openai, custom, mock, vllm = (listed[name] for name in ("openai", "custom", "mock", "vllm"))
    assert openai["dialects"][0] == "openai" and openai["needs_key"] and not openai["needs_address"]
    assert set(custom["dialects"]) >= {"openai", "anthropic"} and custom["needs_dialect"] and not custom["needs_key"]
    assert mock["served_here"] and not mock["needs_address"]
    assert vllm["needs_address"] and not vllm["needs_dialect"]
