"""What a task is, and what the kinds of tasks are made from.

A task has a prompt, the scripts that do it, and, worked out from the records without any tool, what is true of the
servers afterwards (`after`) and what has to be answered (`answer`). Nothing else may be different afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.code_mode.tables import Collection, Record, World


@dataclass(frozen=True)
class Task:
    """See the module. `judge`: what the model makes of the result of the first script, before it writes the second.
    `documented`: a server, a tool, and words of its documentation without which the script cannot be written."""

    name: str
    prompt: str
    scripts: tuple[str, ...]
    answer: Any
    after: Callable[[World], None] = lambda world: None
    judge: Callable[[Any], Any] | None = None
    documented: tuple[str, str, str] | None = None


@dataclass(frozen=True)
class Place:
    """A collection and another one, with the records of the first as they are at the beginning."""

    first: Collection
    other: Collection
    parent: Collection
    siblings: tuple[Collection, ...]
    world: World
    turn: int

    @property
    def rows(self) -> list[Record]:
        """The records of the first collection by id."""
        return sorted(self.world[self.first.server][self.first.many].values(), key=lambda one: str(one["id"]))

    def value(self, field: int, turn: int = 0) -> str:
        """A value of one of the choices."""
        choices = self.first.of("choice")[field].choices
        return choices[(self.turn + turn) % len(choices)]

    def where(self, **wanted: object) -> list[Record]:
        """The records that have these values."""
        return [one for one in self.rows if all(one[name] == value for name, value in wanted.items())]


def said(name: str) -> str:
    """A name as people write it."""
    return name.replace("_", " ")


def record_of(world: World, c: Collection, key: str) -> Record:
    """A record by its id."""
    return world[c.server][c.many][key]


def pages_of(c: Collection, filters: str = "") -> str:
    """A loop over all pages of a list."""
    return (
        "rows = []\n"
        "offset = 0\n"
        "while offset is not None:\n"
        f"    page = await {c.server}.list_{c.many}({filters}{', ' if filters else ''}limit=50, offset=offset)\n"
        '    rows += page["items"]\n'
        '    offset = page["next_offset"]\n'
    )
