"""Pins: the digest of each tool, template and prompt as it was first seen, or last approved (the table `mcp_pins`).

    not seen before     pinned, and offered
    as it is pinned     offered
    changed             held back until it is approved; of a trusted server it is pinned anew
    suspicious          held back until it is approved, new or changed, where the server's setting says so

A pin outlives the tool, so that one which is removed and comes back changed is held too. Resources are not pinned: they
are data, and their lists change as data does. All raise StorageError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

import msgspec

from asbru.app.tools.listing import Offered
from asbru.mcp.catalogue import Definition
from asbru.storage import Database

PINS_MAX: Final = 50_000
"""Of one server: names that it ever had."""

TOOL: Final = "tool"
TEMPLATE: Final = "template"
PROMPT: Final = "prompt"


class Pins:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def check(
        self,
        server: str,
        offered: Offered,
        now_ms: int,
        *,
        trusted: bool,
        suspicion: Callable[[Definition], str] = lambda _: "",
        quarantines: bool = False,
    ) -> Offered:
        """What is offered, with what has changed held back; what is new is pinned. `suspicion`: what is told of a
        definition, "" for nothing; `quarantines`: what it tells of is held back too."""
        known = self._load(server)
        new: list[tuple[str, Definition]] = []

        def judge(kind: str, definitions: tuple[Definition, ...]) -> tuple[Definition, ...]:
            judged: list[Definition] = []
            for one in definitions:
                pinned = known.get((kind, one.name))
                fits, found = pinned == one.digest, suspicion(one)
                one = msgspec.structs.replace(one, suspicion=found) if found else one  # noqa: PLW2901 -- the same one
                if (
                    not fits
                    and not (found and quarantines)
                    and (trusted or (pinned is None and len(known) + len(new) < PINS_MAX))
                ):
                    new.append((kind, one))
                    fits = True
                judged.append(one if fits else msgspec.structs.replace(one, held=True))
            return tuple(judged)

        checked = offered._replace(
            tools=judge(TOOL, offered.tools),
            templates=judge(TEMPLATE, offered.templates),
            prompts=judge(PROMPT, offered.prompts),
        )
        if new:
            with self._database.transaction():
                self._save(server, new, now_ms)
        return checked

    def approve(self, server: str, kind: str, definition: Definition, now_ms: int) -> None:
        """Pin a definition as it is now."""
        with self._database.transaction():
            self._save(server, [(kind, definition)], now_ms)

    def pinned(self, server: str, kind: str, name: str) -> bytes | None:
        """The definition that is pinned, for comparison."""
        rows = self._database.run(
            "SELECT definition FROM mcp_pins WHERE server = ? AND kind = ? AND name = ?", (server, kind, name)
        )
        return cast("bytes", rows[0][0]) if rows else None

    def _load(self, server: str) -> dict[tuple[str, str], str]:
        rows = self._database.run("SELECT kind, name, digest FROM mcp_pins WHERE server = ?", (server,))
        return {(str(kind), str(name)): str(digest) for kind, name, digest in rows}

    def _save(self, server: str, definitions: list[tuple[str, Definition]], now_ms: int) -> None:
        self._database.run_many(
            "INSERT INTO mcp_pins (server, kind, name, digest, definition, pinned_ms) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (server, kind, name) DO UPDATE SET digest = excluded.digest,"
            " definition = excluded.definition, pinned_ms = excluded.pinned_ms",
            [(server, kind, one.name, one.digest, one.definition, now_ms) for kind, one in definitions],
        )
