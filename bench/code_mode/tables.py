"""The tables that servers are generated from, and the records that they begin with. The same on each machine.

text, long      a title; a paragraph
one of a, b     a choice
int LO HI       a whole number; money: with two decimals
person, company, date
ref             the id of a record of the server's first collection
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

RECORDS = 60
"""In each collection at the beginning."""
Record = dict[str, Any]
World = dict[str, dict[str, dict[str, Record]]]
"""Records by server, collection and id."""

_FIRST = ("ana", "ben", "chloe", "david", "elif", "farid", "greta", "hugo", "ines", "jonas", "kira", "liam")
_LAST = ("novak", "okafor", "patel", "quinn", "rossi", "sato")
PEOPLE = tuple(f"{first}.{_LAST[at % len(_LAST)]}@northwind.example" for at, first in enumerate(_FIRST))
_COMPANIES = (
    "Alder Foods",
    "Brightline Energy",
    "Cobalt Marine",
    "Dunmore Textiles",
    "Eastgate Clinics",
    "Ferro Rail",
)
_HOW = ("Broken", "Delayed", "Urgent", "New", "Missing", "Revised", "Duplicate", "Quarterly", "Unexpected", "Shared")
THINGS = (
    "export",
    "contract",
    "login",
    "dashboard",
    "delivery",
    "backup",
    "invoice",
    "keyboard",
    "workshop",
    "sensor",
)
_WHERE = ("warehouse", "Berlin office", "mobile app", "board meeting", "partner portal", "night shift", "test bench")
_SENTENCES = (
    "The first attempt was on Monday and nobody has answered since.",
    "Finance has asked for a decision before the end of the month.",
    "It worked until the last update, and restarting does not help.",
    "Please keep the people in the Berlin office informed about each step.",
    "The figures differ from those in the report by about four percent.",
    "A similar case was solved last year; the notes are on the wiki.",
    "There is a workaround, but it takes an hour each day.",
    "The customer is patient, but has mentioned the contract twice.",
)
_FIRST_DAY = date(2026, 1, 5)


@dataclass(frozen=True)
class Field:
    """A field of a record. `kind`: its type without parameters; `choices` of a choice, `low` and `high` of a number."""

    name: str
    kind: str
    about: str
    choices: tuple[str, ...] = ()
    low: int = 0
    high: int = 0


@dataclass(frozen=True)
class Collection:
    """Records of one kind. `server`: its name; `number`: which of the server's collections it is."""

    server: str
    number: int
    one: str
    many: str
    about: str
    fields: tuple[Field, ...]

    def of(self, kind: str) -> tuple[Field, ...]:
        """The fields of a kind."""
        return tuple(field for field in self.fields if field.kind == kind)

    @property
    def title(self) -> str:
        """The name of the field that people know a record by."""
        return self.fields[0].name

    @property
    def person(self) -> str:
        """The name of the field with the person in charge."""
        return self.of("person")[0].name

    @property
    def amount(self) -> Field:
        """The field with a number."""
        return next(field for field in self.fields if field.kind in ("int", "money"))

    @property
    def prefix(self) -> str:
        """What ids begin with."""
        return f"{self.server[:2]}{self.one[:3]}-".upper()


@dataclass(frozen=True)
class Table:
    """A server."""

    name: str
    about: str
    collections: tuple[Collection, ...]


def tables() -> tuple[Table, ...]:
    """All servers, in the order in which they are connected."""
    with Path(__file__).with_name("servers.toml").open("rb") as file:
        return tuple(_table(one) for one in tomllib.load(file)["servers"])


def _table(given: dict[str, Any]) -> Table:
    collections = (
        Collection(
            given["name"],
            number,
            one["one"],
            one["many"],
            one["about"],
            tuple(_field(name, text) for name, text in one["fields"].items()),
        )
        for number, one in enumerate(given["collections"])
    )
    return Table(given["name"], given["about"], tuple(collections))


def _field(name: str, text: str) -> Field:
    kind, _, about = text.partition(": ")
    if kind.startswith("one of "):
        return Field(name, "choice", about, tuple(kind.removeprefix("one of ").split(", ")))
    kind, *bounds = kind.split()
    low, high = (int(bounds[0]), int(bounds[1])) if bounds else (0, 0)
    return Field(name, kind, about, (), low, high)


def begin(servers: tuple[Table, ...]) -> World:
    """The records that each server begins with."""
    return {table.name: {one.many: dict(_records(table, one)) for one in table.collections} for table in servers}


def _records(table: Table, collection: Collection) -> Iterator[tuple[str, Record]]:
    chance = random.Random(f"{table.name}/{collection.many}")
    titles: set[str] = set()
    while len(titles) < RECORDS:
        title = f"{chance.choice(_HOW)} {chance.choice(THINGS)} for the {chance.choice(_WHERE)}"
        if title in titles:
            continue
        titles.add(title)
        record: Record = {"id": f"{collection.prefix}{len(titles):04d}"}
        for field in collection.fields:
            record[field.name] = title if field.kind == "text" else _value(chance, table, field)
        yield record["id"], record | {"notes": [], "archived": False}


def _value(chance: random.Random, table: Table, field: Field) -> object:
    if field.kind == "choice":
        return chance.choice(field.choices)
    if field.kind == "int":
        return chance.randint(field.low, field.high)
    if field.kind == "money":
        return chance.randint(field.low * 100, field.high * 100) / 100
    if field.kind == "person":
        return chance.choice(PEOPLE)
    if field.kind == "company":
        return chance.choice(_COMPANIES)
    if field.kind == "date":
        return str(_FIRST_DAY + timedelta(days=chance.randrange(300)))
    if field.kind == "ref":
        return f"{table.collections[0].prefix}{chance.randint(1, RECORDS):04d}"
    return " ".join(chance.sample(_SENTENCES, 4))
