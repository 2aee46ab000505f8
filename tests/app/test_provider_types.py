"""The form of each type of providers: what it asks for is what compiling needs, and its words are the settings' own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.management import managed

from asbru.admin import provider_types as routes
from asbru.admin.provider_types import ProviderType
from asbru.app.boot import Options
from asbru.app.compile import compile_config
from asbru.app.provider_types import provider_types
from asbru.providers import discover

FOUND = {one.name: one for one in provider_types()}
EXAMPLES = {"base_url": "https://models.example/v1", "keys.0.value": "secret"}


def filled(one: ProviderType, *, dialect: str | None = None) -> dict[str, Any]:
    """A provider as the form makes it: what is required, with its default or an example."""
    body: dict[str, Any] = {"type": one.name}
    for field in one.fields:
        if field.path == "dialect" and dialect is not None:
            body["dialect"] = dialect
        elif field.required:
            value = field.default or EXAMPLES[field.path]
            if field.path.startswith("keys.0."):
                body.setdefault("keys", [{}])[0][field.path.removeprefix("keys.0.")] = value
            else:
                body[field.path] = value
    return body


def test_every_type_is_there() -> None:
    """With what it offers in each dialect."""
    assert list(FOUND) == list(discover())
    openai = FOUND["openai"]
    assert openai.docs_url and openai.key == "required"
    first = openai.dialects[0]
    assert (first.name, first.default, first.sent_as) == ("openai", True, "Authorization: Bearer")
    assert "chat" in first.translated and "embeddings" in first.operations and first.base_url


@pytest.mark.parametrize("one", FOUND.values(), ids=FOUND)
def test_a_form_makes_a_provider(one: ProviderType, tmp_path: Path) -> None:
    """What the form requires is enough, in each dialect that may be chosen."""
    for dialect in [dialect.name for dialect in one.dialects]:
        body = filled(one, dialect=dialect)
        name = body.pop("name")
        file = tmp_path / "asbru.json"
        file.write_text(json.dumps({"providers": {name: body}}))
        options = Options(tmp_path / "data", file, mock_socket="/run/mock.sock")
        [facts] = compile_config(options, {}, dry=True).snapshot.providers
        assert (facts.name, facts.kind) == (name, one.name)


@pytest.mark.parametrize("one", FOUND.values(), ids=FOUND)
def test_fields_have_words(one: ProviderType) -> None:
    """Each explains itself; only keys are secret, and say which variable usually holds them."""
    assert all(field.help and field.title and field.form for field in one.fields)
    secret = [(field.path, field.env) for field in one.fields if field.secret]
    assert secret == ([] if one.served_here else [("keys.0.value", discover()[one.name].env_key)])
    assert all(not field.required for field in one.fields if field.advanced)


def test_the_route(tmp_path: Path) -> None:
    """Whoever may see providers sees the types."""
    with managed(tmp_path, more=(routes.build_router(provider_types),)) as api:
        items = api.ask("GET", "provider-types", role="viewer")["items"]
        azure = next(one for one in items if one["name"] == "azure")
        dialect = next(field for field in azure["fields"] if field["path"] == "dialect")
        assert dialect["required"] and {"openai", "anthropic"} <= set(dialect["form"]["enum"])
