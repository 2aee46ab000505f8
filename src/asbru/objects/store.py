"""The tables `objects`, `object_references` and `changes`.

Whoever writes opens the transaction, so that an object, the note about it and what else follows from it are written
together or not at all. Everything raises StorageError.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import msgspec

from asbru.storage import Database, Value
from asbru.storage.versions import first_version, keep_deleted

CHANGES_KEPT_MAX = 100_000
"""Notes; older ones are deleted as new ones come."""


class Reference(NamedTuple):
    """An object by kind and id."""

    kind: str
    id: str


_NAMED = "SELECT 1 FROM object_references w WHERE w.kind = objects.kind AND w.id = objects.id"


class Within(NamedTuple):
    """A part of the objects of a kind: those that an actor has created, those that name one of `refers_to` or an object
    of the kind `via` that does, those with one of these ids, and those whose id begins so; nothing if all are empty."""

    made_by: str = ""
    refers_to: tuple[Reference, ...] = ()
    ids: tuple[str, ...] = ()
    via: str = ""
    id_prefix: str = ""

    def condition(self) -> tuple[str, list[Value]]:
        """In SQL, with its values."""
        found, values = ["0 = 1"], list[Value]()
        if self.made_by:
            found.append("made_by = ?")
            values.append(self.made_by)
        if self.ids:
            found.append(f"id IN ({_marks(self.ids)})")
            values += self.ids
        if self.id_prefix:
            found.append("substr(id, 1, ?) = ?")
            values += [len(self.id_prefix), self.id_prefix]
        for to_kind in dict.fromkeys(reference.kind for reference in self.refers_to):
            named = [reference.id for reference in self.refers_to if reference.kind == to_kind]
            names = f"to_kind = ? AND {{}}.to_id IN ({_marks(named)})"
            found.append(f"EXISTS ({_NAMED} AND w.{names.format('w')})")
            values += [to_kind, *named]
            if self.via:
                found.append(
                    f"EXISTS ({_NAMED} AND w.to_kind = ? AND EXISTS (SELECT 1 FROM object_references v"  # noqa: S608 -- our own text, values are marks
                    f" WHERE v.kind = w.to_kind AND v.id = w.to_id AND v.{names.format('v')}))"
                )
                values += [self.via, to_kind, *named]
        return f"({' OR '.join(found)})", values


class StoredObject(msgspec.Struct, frozen=True):
    """`version` goes up by one with each change, and no two objects of an id have the same, not even one after the
    other. `body`: JSON."""

    kind: str
    id: str
    version: int
    body: str
    changed_ms: int


class Change(msgspec.Struct, frozen=True):
    """Who did what, and when. `before`, `after`: the body, "" where there was none or is none."""

    at_ms: int
    actor: str
    action: str
    kind: str
    id: str
    before: str = ""
    after: str = ""
    number: int = 0
    """Given by `note`."""


class ObjectStore:
    """See the module."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Objects

    def load(self, kind: str, object_id: str) -> StoredObject | None:
        """One object; None when there is none."""
        found = self._objects("kind = ? AND id = ?", (kind, object_id), 1)
        return found[0] if found else None

    def load_page(
        self,
        kind: str,
        *,
        after: str = "",
        limit: int,
        search: str = "",
        refers_to: Reference | None = None,
        within: Within | None = None,
    ) -> list[StoredObject]:
        """Objects by id, from the first one after `after`, whose id holds `search` and which name `refers_to`; of those
        that are `within`."""
        where, values = "kind = ? AND id > ?", list[Value]((kind, after))
        if within is not None:
            condition, bound = within.condition()
            where += f" AND {condition}"
            values += bound
        if search:
            where += " AND id LIKE ? ESCAPE '!'"
            values.append(f"%{_literal(search)}%")
        if refers_to is not None:
            where += (
                " AND EXISTS (SELECT 1 FROM object_references r"
                " WHERE r.kind = objects.kind AND r.id = objects.id AND r.to_kind = ? AND r.to_id = ?)"
            )
            values += refers_to
        return self._objects(where, values, limit)

    def load_made_by(self, kind: str, actor: str, limit: int) -> list[str]:
        """The ids of the objects that an actor has created, at most `limit`."""
        rows = self._database.run(
            "SELECT id FROM objects WHERE made_by = ? AND kind = ? ORDER BY id LIMIT ?", (actor, kind, limit)
        )
        return [str(found) for (found,) in rows]

    def is_made_by(self, kind: str, object_id: str, actor: str) -> bool:
        """Whether an actor has created an object."""
        found = self._database.run(
            "SELECT 1 FROM objects WHERE kind = ? AND id = ? AND made_by = ?", (kind, object_id, actor)
        )
        return bool(found)

    def forget_maker(self, actor: str) -> None:
        """An actor is gone: what it has created is nobody's, whoever has its name later."""
        self._database.run("UPDATE objects SET made_by = '' WHERE made_by = ?", (actor,))

    def count(self, kind: str) -> int:
        """How many there are of a kind."""
        return int(str(self._database.run("SELECT count(*) FROM objects WHERE kind = ?", (kind,))[0][0]))

    def load_kind(self, kind: str) -> list[StoredObject]:
        """Every object of a kind, by id."""
        return self._objects("kind = ?", (kind,))

    def load_ids(self, kind: str) -> list[str]:
        """The ids of every object of a kind."""
        return [str(row[0]) for row in self._database.run("SELECT id FROM objects WHERE kind = ?", (kind,))]

    def first_version(self, kind: str) -> int:
        """The version of a new object of a kind."""
        return first_version(self._database, kind)

    def save(self, one: StoredObject, references: Iterable[Reference], made_by: str = "") -> None:
        """Write an object, new or in place of its last version, and what it names. `made_by`: who creates it."""
        self._database.run(
            "INSERT INTO objects (kind, id, version, body, changed_ms, made_by) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET"
            " version = excluded.version, body = excluded.body, changed_ms = excluded.changed_ms",
            (one.kind, one.id, one.version, one.body, one.changed_ms, made_by),
        )
        self._forget_references(one.kind, one.id)
        self._database.run_many(
            "INSERT INTO object_references (kind, id, to_kind, to_id) VALUES (?, ?, ?, ?)",
            [(one.kind, one.id, *reference) for reference in sorted(set(references))],
        )

    def delete(self, kind: str, object_id: str) -> None:
        """Delete an object, and what it named."""
        for (version,) in self._database.run(
            "DELETE FROM objects WHERE kind = ? AND id = ? RETURNING version", (kind, object_id)
        ):
            keep_deleted(self._database, kind, int(str(version)))
        self._forget_references(kind, object_id)

    def referring_to(self, kind: str, object_id: str, limit: int) -> list[Reference]:
        """The objects that name this one, at most `limit`."""
        rows = self._database.run(
            "SELECT kind, id FROM object_references WHERE to_kind = ? AND to_id = ? ORDER BY kind, id LIMIT ?",
            (kind, object_id, limit),
        )
        return [Reference(str(found_kind), str(found_id)) for found_kind, found_id in rows]

    def _forget_references(self, kind: str, object_id: str) -> None:
        self._database.run("DELETE FROM object_references WHERE kind = ? AND id = ?", (kind, object_id))

    def _objects(self, where: str, values: Sequence[object], limit: int | None = None) -> list[StoredObject]:
        bound = "" if limit is None else f" LIMIT {int(limit)}"
        rows = self._database.run(
            f"SELECT kind, id, version, body, changed_ms FROM objects WHERE {where} ORDER BY id{bound}",  # noqa: S608 -- our own text, values are marks
            values,
        )
        return [StoredObject(*cast("tuple[str, str, int, str, int]", row)) for row in rows]

    # Notes

    def note(self, change: Change) -> None:
        """Write down a change, numbered after the last, in the transaction that makes it."""
        last = self._database.run("SELECT max(number) FROM changes")[0][0]
        number = int(cast("int | None", last) or 0) + 1
        self._database.run(
            "INSERT INTO changes (number, at_ms, actor, action, kind, id, before, after)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                change.at_ms,
                change.actor,
                change.action,
                change.kind,
                change.id,
                change.before,
                change.after,
            ),
        )
        self._database.run("DELETE FROM changes WHERE number <= ?", (number - CHANGES_KEPT_MAX,))

    def load_changes(
        self, *, before: int | None = None, limit: int, kind: str = "", object_id: str = ""
    ) -> list[Change]:
        """The newest changes first, from the one before number `before`; of a kind, of an object."""
        where, values = "1 = 1", cast("list[Value]", [])
        for column, value in (("kind", kind), ("id", object_id)):
            if value:
                where += f" AND {column} = ?"
                values.append(value)
        if before is not None:
            where += " AND number < ?"
            values.append(before)
        rows = self._database.run(
            f"SELECT at_ms, actor, action, kind, id, before, after, number FROM changes WHERE {where}"  # noqa: S608 -- our own text, values are marks
            f" ORDER BY number DESC LIMIT {int(limit)}",
            values,
        )
        return [Change(*cast("tuple[int, str, str, str, str, str, str, int]", row)) for row in rows]


def _literal(search: str) -> str:
    """Text that LIKE takes as it is."""
    return search.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _marks(values: Iterable[object]) -> str:
    return ", ".join("?" for _ in values)
