"""The store's layer of the feed in the database: as it is, and numbered changes that lead there.

Whoever writes opens the transaction, in which everything that changes gets one version. Readers that are at most
CHANGES_KEPT_MAX versions behind are told the differences, others read everything. All raise StorageError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from asbru.cluster.feed import Changes, Entries, Entry, Everything
from asbru.storage import Database

CHANGES_KEPT_MAX = 1000


def save_entries(database: Database, entries: Sequence[Entry]) -> int:
    """Make the store's layer hold these, in the transaction under way; the version that this makes."""
    version = read_version(database) + 1
    last = {(entry.kind, entry.id): entry.payload for entry in entries}
    for (kind, entry_id), payload in last.items():
        if payload is None:
            database.run("DELETE FROM feed_entries WHERE kind = ? AND id = ?", (kind, entry_id))
        else:
            database.run(
                "INSERT INTO feed_entries (kind, id, payload) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET payload = excluded.payload",
                (kind, entry_id, payload),
            )
        database.run(
            "INSERT INTO feed_changes (version, kind, id, payload) VALUES (?, ?, ?, ?)",
            (version, kind, entry_id, payload),
        )
    database.run("DELETE FROM feed_changes WHERE version <= ?", (version - CHANGES_KEPT_MAX,))
    return version


def forget_superseded(database: Database, kind: str, entry_ids: Sequence[str], version: int) -> None:
    """Keep no payloads of changes before `version` that later ones have made worthless, in the transaction under way:
    for kinds whose entries are large and change often. Their versions stay, as changes of a kind that nobody
    subscribes to."""
    database.run_many(
        "UPDATE feed_changes SET kind = '-' || kind, payload = NULL WHERE kind = ? AND id = ? AND version < ?",
        [(kind, entry_id, version) for entry_id in entry_ids],
    )


def read_version(database: Database) -> int:
    """The version of the store's layer; 0 before the first change."""
    return int(cast("int | None", database.run("SELECT max(version) FROM feed_changes")[0][0]) or 0)


def read_everything(database: Database) -> Everything:
    """The layer as it is. Its version is read first: what changes in between is told once more, which does no harm."""
    version = read_version(database)
    entries: Entries = {}
    for kind, entry_id, payload in database.run("SELECT kind, id, payload FROM feed_entries"):
        entries.setdefault(str(kind), {})[str(entry_id)] = cast("bytes", payload)
    return Everything(version, entries)


def read_kind(database: Database, kind: str) -> dict[str, bytes]:
    """The payloads of one kind, by id."""
    rows = database.run("SELECT id, payload FROM feed_entries WHERE kind = ? ORDER BY id", (kind,))
    return {str(entry_id): cast("bytes", payload) for entry_id, payload in rows}


def read_changes(database: Database, after: int) -> list[Changes] | None:
    """What happened after a version, in order; None when it is not known any more, or the store was set back."""
    grouped: dict[int, list[Entry]] = {}
    rows = database.run(
        "SELECT version, kind, id, payload FROM feed_changes WHERE version > ? ORDER BY version", (after,)
    )
    for version, kind, entry_id, payload in rows:
        entry = Entry(str(kind), str(entry_id), cast("bytes | None", payload))
        grouped.setdefault(cast("int", version), []).append(entry)
    first = min(grouped, default=None)
    if first is None:
        return [] if read_version(database) == after else None
    return [Changes(version, tuple(entries)) for version, entries in grouped.items()] if first == after + 1 else None
