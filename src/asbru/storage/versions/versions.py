"""The table `deleted_versions`. Whoever writes opens the transaction; both raise StorageError."""

from __future__ import annotations

from asbru.storage.port import Database


def first_version(database: Database, kind: str) -> int:
    """The version of a new object: 1, or more if objects of its kind were deleted."""
    rows = database.run("SELECT version FROM deleted_versions WHERE kind = ?", (kind,))
    return 1 + (int(str(rows[0][0])) if rows else 0)


def keep_deleted(database: Database, kind: str, version: int) -> None:
    """An object that has had this version is deleted: no new one of its kind begins at it or below."""
    database.run(
        "INSERT INTO deleted_versions (kind, version) VALUES (?, ?)"
        " ON CONFLICT (kind) DO UPDATE SET version = excluded.version"
        " WHERE excluded.version > deleted_versions.version",
        (kind, version),
    )
