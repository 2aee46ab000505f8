"""The bookkeeper's table of stored objects: a row for each, written before its maker is told of it, and deleted with it
or after KEPT_MS. Of one whose usage was counted, what tells so stays. Its database is opened by the first question, and
again after one that failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import msgspec

from asbru.storage import Database, NewerSchema, StorageError, open_database
from asbru.stored.questions import LIMIT_MAX, Asked, Claim, Listed, ObjectRow, Page, Put, Remove

if TYPE_CHECKING:
    from asbru.link.peers import Question

KEPT_MS: Final = 400 * 86_400_000
"""How long an object is listed that nobody deletes; its id works for as long as the provider keeps it."""
SWEPT_EVERY: Final = 1000
"""Objects between two deletions of what is too old."""

_PUT = """
INSERT INTO stored_objects (id, kind, owner, provider, provider_key, label, status, size_bytes, created_ms, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, size_bytes = excluded.size_bytes, body = excluded.body,
    counted = MIN(counted, 1)
"""

# `counted`: 0, the usage of the object was not counted; 1, it was; 2, it was, and the object is gone. A provider that
# does not find an object may find it again, and its usage must not be counted again.
_FORGET = "UPDATE stored_objects SET counted = 2, body = ? WHERE id = ? AND counted > 0"

_THERE = "(SELECT created_ms, id FROM stored_objects WHERE id = ? AND owner = ?)"
_AFTER = (f"(created_ms, id) < {_THERE}", f"(created_ms, id) > {_THERE}")
"""What follows an object: in the order from the newest to the oldest, and in the other one."""


class ObjectTable:
    """See the module. `answer` is a handler of the link's host."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database: Database | None = None
        self._decode = msgspec.msgpack.Decoder(Asked).decode
        self._put_count = 0

    def answer(self, question: Question) -> bytes:
        """Answer a worker. Raises StorageError while the database cannot be used."""
        return self.take(question.payload)

    def take(self, payload: bytes) -> bytes:
        """The answer to a question."""
        asked = self._decode(payload)
        try:
            if self._database is None:
                self._database = open_database(self._url)
            return self._do(self._database, asked)
        except (StorageError, OSError, NewerSchema):
            self.close()
            raise

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _do(self, database: Database, asked: Asked) -> bytes:
        match asked:
            case Put(row):
                return self._put(database, row)
            case Remove(object_id):
                with database.transaction():
                    database.run("DELETE FROM stored_objects WHERE id = ? AND counted = 0", (object_id,))
                    database.run(_FORGET, (b"", object_id))
                return b""
            case Listed():
                return msgspec.msgpack.encode(_page(database, asked))
            case Claim(object_id):
                with database.transaction():
                    claimed = database.run(
                        "UPDATE stored_objects SET counted = 1 WHERE id = ? AND counted = 0 RETURNING id",
                        (object_id,),
                    )
                return b"1" if claimed else b""

    def _put(self, database: Database, row: ObjectRow) -> bytes:
        with database.transaction():
            database.run(_PUT, msgspec.structs.astuple(row))
            if self._put_count % SWEPT_EVERY == 0:
                database.run("DELETE FROM stored_objects WHERE created_ms < ?", (row.created_ms - KEPT_MS,))
        self._put_count += 1
        return b""


def _page(database: Database, listed: Listed) -> Page:
    limit = max(1, min(listed.limit, LIMIT_MAX))
    where, values = ["kind = ?", "owner = ?", "counted < 2"], [listed.kind, listed.owner]
    for column in ("provider", "label"):
        if value := getattr(listed, column):
            where.append(f"{column} = ?")
            values.append(value)
    order = "ASC" if listed.ascending else "DESC"
    if listed.after:
        where.append(_AFTER[listed.ascending])
        values += [listed.after, listed.owner]
    statement = (
        f"SELECT body FROM stored_objects WHERE {' AND '.join(where)} "  # noqa: S608 -- only names of columns and marks
        f"ORDER BY created_ms {order}, id {order} LIMIT ?"
    )
    rows = database.run(statement, (*values, limit + 1))
    bodies = [cast("bytes", body) for (body,) in rows]
    return Page(bodies[:limit], len(bodies) > limit)
