"""Structs as sections: what is read, what is refused with which words, and what the schema says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import UNSET, Meta, UnsetType
from pydantic import Field, ValidationError

from asbru.app.config import Document, Part
from asbru.app.config.base import EnvText, Settings
from asbru.app.config.structs import FromStruct
from asbru.app.config.wording import problem_from
from asbru.core.secret_text import SecretText


class Oar(msgspec.Struct, frozen=True, kw_only=True):
    """One of several."""

    side: Literal["left", "right"]


class Boat(msgspec.Struct, frozen=True, kw_only=True):
    """What floats."""

    length_m: Annotated[float, Meta(gt=0, le=400, description="From end to end, metres.")] = 5.0


class Ship(Boat, frozen=True, kw_only=True):
    """What floats far."""

    name: Annotated[str, Meta(pattern="^[A-Z]", min_length=2, max_length=9, description="On the stern.")]
    home: str = msgspec.field(name="from", default="Asker")
    oars: tuple[Oar, ...] = ()
    flags: frozenset[str] = frozenset()
    tender: Boat = Boat(length_m=2.0)
    crew: Annotated[int, Meta(ge=0)] | None = None
    log: dict[str, Annotated[int, Meta(ge=1)]] = {}
    cargo: SecretText = SecretText("")
    sails: int | UnsetType = UNSET


class Harbour(Settings):
    """A document with one ship."""

    ship: Annotated[Ship, FromStruct(), Field(description="In port.")]


def read(**ship: Any) -> Ship:
    """The ship of a document."""
    return Harbour.model_validate({"ship": {"name": "Ormen", **ship}}).ship


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, {}),
        ({"from": "Lade", "length_m": 45}, {"home": "Lade", "length_m": 45.0}),
        ({"length_m": EnvText("45.5")}, {"length_m": 45.5}),
        ({"oars": [{"side": "left"}]}, {"oars": (Oar(side="left"),)}),
        ({"flags": ["red", "red"]}, {"flags": frozenset(("red",))}),
        ({"tender": {}}, {"tender": Boat()}),
        ({"tender": None}, {"tender": Boat()}),
        ({"tender": {"length_m": 3}}, {"tender": Boat(length_m=3.0)}),
        ({"crew": None, "log": {"a": 1}, "sails": 2}, {"log": {"a": 1}, "sails": 2}),
        ({"cargo": "gold"}, {"cargo": SecretText("gold")}),
    ],
)
def test_a_section_is_the_struct(given: dict[str, Any], expected: dict[str, Any]) -> None:
    """Values come out as the Struct keeps them; what is not named keeps the Struct's default."""
    assert read(**given) == Ship(name="Ormen", **expected)


def test_every_mistake_comes_at_once_with_its_path() -> None:
    """Bounds, types and unknown keys of all levels are found in one go and told like those of any setting."""
    wrong = {
        "name": "o",
        "home": "x",
        "length_m": 0,
        "oars": [{"side": "up"}, {"sied": "left"}, 3],
        "flags": "red",
        "tender": {"lenght_m": 1},
        "crew": -1,
        "log": {"a": 0},
        "sails": None,
    }
    with pytest.raises(ValidationError) as caught:
        Harbour.model_validate({"ship": wrong})
    details = caught.value.errors(include_url=False, include_context=True)
    found = {str(problem_from(detail, Harbour, Part(Document()))) for detail in details}
    assert found == {
        "ship.name: expected 2 or more characters",
        "ship.home: unknown key 'home'; did you mean 'name'?",
        "ship.length_m: expected more than 0",
        "ship.oars.0.side: expected 'left' or 'right'",
        "ship.oars.1.side: 'side' is missing",
        "ship.oars.1.sied: unknown key 'sied'; did you mean 'side'?",
        "ship.oars.2: expected a mapping of settings, got a whole number",
        "ship.flags: expected a list, got text",
        "ship.tender.lenght_m: unknown key 'lenght_m'; did you mean 'length_m'?",
        "ship.crew: expected at least 0",
        "ship.log.a: expected at least 1",
        "ship.sails: expected a whole number, got nothing",
    }


def test_the_schema_has_bounds_words_and_defaults() -> None:
    """What editors and the reference are made from: a field's own before inherited ones, names as in the file."""
    schema = Harbour.model_json_schema()
    ship = schema["$defs"]["Ship"]
    assert ship["description"] == "What floats far."
    assert list(ship["properties"])[:2] == ["name", "from"]
    assert list(ship["properties"])[-1] == "length_m"
    assert ship["required"] == ["name"]
    assert ship["additionalProperties"] is False
    name, length = ship["properties"]["name"], ship["properties"]["length_m"]
    assert (name["pattern"], name["minLength"], name["maxLength"]) == ("^[A-Z]", 2, 9)
    assert (length["exclusiveMinimum"], length["maximum"], length["default"]) == (0, 400, 5.0)
    assert length["description"] == "From end to end, metres."
    assert "default" not in ship["properties"]["sails"]
    assert ship["properties"]["log"]["default"] == {}


def test_secrets_stay_hidden() -> None:
    """A secret in a Struct does not print, in the value or in what is said of it, and a form does not show it."""
    assert "gold" not in repr(read(cargo="gold"))
    assert type(read(cargo=EnvText("gold")).cargo.reveal()) is str
    cargo = Harbour.model_json_schema()["$defs"]["Ship"]["properties"]["cargo"]
    assert (cargo["type"], cargo["format"], cargo["writeOnly"]) == ("string", "password", True)
