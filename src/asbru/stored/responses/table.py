"""The bookkeeper's table of stored responses. Its database is opened by the first question, and again after one that
failed. What has expired is deleted while others are stored, and so is the oldest while all take too much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import msgspec

from asbru.storage import Database, NewerSchema, StorageError, open_database
from asbru.stored.responses.questions import (
    CHAIN_MAX,
    Conversation,
    Link,
    PutResponse,
    ReadResponse,
    RemoveResponse,
    ResponseAsked,
    ResponseRow,
)

if TYPE_CHECKING:
    from asbru.link.peers import Question

SWEPT_EVERY: Final = 100
"""Responses between two deletions of what has expired."""
_DELETED_AT_ONCE: Final = 100

_PUT = """
INSERT INTO responses (id, owner, previous, created_ms, expires_ms, input, output, body, size_bytes)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET expires_ms = excluded.expires_ms, input = excluded.input, output = excluded.output,
    body = excluded.body, size_bytes = excluded.size_bytes
"""
_CHAIN = """
WITH RECURSIVE chain (id, previous, depth) AS (
    SELECT id, previous, 0 FROM responses WHERE id = ? AND owner = ? AND expires_ms > ?
    UNION ALL
    SELECT responses.id, responses.previous, chain.depth + 1 FROM responses JOIN chain ON responses.id = chain.previous
    WHERE responses.owner = ? AND chain.depth < ?
)
"""
_READ_CHAIN = (
    _CHAIN
    + """
SELECT responses.previous, responses.input, responses.output FROM chain JOIN responses ON responses.id = chain.id
ORDER BY chain.depth DESC
"""
)
_RENEW = "UPDATE responses SET expires_ms = ? WHERE id IN (SELECT id FROM chain)"
_RENEW_CHAIN = f"{_CHAIN} {_RENEW}"
_READ = """
SELECT id, owner, previous, created_ms, expires_ms, input, output, body FROM responses
WHERE id = ? AND owner = ? AND expires_ms > ?
"""


class ResponseTable:
    """See the module. `answer` is a handler of the link's host."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._database: Database | None = None
        self._decode = msgspec.msgpack.Decoder(ResponseAsked).decode
        self._puts = 0
        self._bytes = 0

    def answer(self, question: Question) -> bytes:
        """Answer a worker. Raises StorageError while the database cannot be used."""
        return self.take(question.payload)

    def take(self, payload: bytes) -> bytes:
        """The answer to a question."""
        asked = self._decode(payload)
        try:
            if self._database is None:
                self._database = open_database(self._url)
                self._bytes = _size(self._database)
            return self._do(self._database, asked)
        except (StorageError, OSError, NewerSchema):
            self.close()
            raise

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _do(self, database: Database, asked: ResponseAsked) -> bytes:
        match asked:
            case PutResponse(row, bytes_max):
                self._put(database, row, bytes_max)
                return b""
            case Conversation():
                return msgspec.msgpack.encode(_conversation(database, asked))
            case ReadResponse(response_id, owner, now_ms):
                rows = database.run(_READ, (response_id, owner, now_ms))
                return msgspec.msgpack.encode(rows[0] if rows else None)
            case RemoveResponse(response_id, owner):
                with database.transaction():
                    database.run("DELETE FROM responses WHERE id = ? AND owner = ?", (response_id, owner))
                self._bytes = _size(database)
                return b""

    def _put(self, database: Database, row: ResponseRow, bytes_max: int) -> None:
        with database.transaction():
            database.run(_PUT, (*msgspec.structs.astuple(row), row.size_bytes))
            if row.previous:
                chain = (row.previous, row.owner, 0, row.owner, CHAIN_MAX)
                database.run(_RENEW_CHAIN, (*chain, row.expires_ms))
            if self._puts % SWEPT_EVERY == 0:
                database.run("DELETE FROM responses WHERE expires_ms < ?", (row.created_ms,))
        self._puts += 1
        self._bytes += row.size_bytes
        if self._bytes > bytes_max or self._puts % SWEPT_EVERY == 1:
            self._bytes = _size(database)
            self._make_room(database, bytes_max)

    def _make_room(self, database: Database, bytes_max: int) -> None:
        while self._bytes > bytes_max:
            with database.transaction():
                gone = database.run(
                    "DELETE FROM responses WHERE id IN (SELECT id FROM responses ORDER BY created_ms LIMIT ?)"
                    " RETURNING size_bytes",
                    (_DELETED_AT_ONCE,),
                )
            if not gone:
                return
            self._bytes -= sum(cast("int", size) for (size,) in gone)


def _size(database: Database) -> int:
    return int(cast("int | None", database.run("SELECT sum(size_bytes) FROM responses")[0][0]) or 0)


def _conversation(database: Database, asked: Conversation) -> list[Link]:
    """The conversation, if its beginning is there."""
    rows = database.run(_READ_CHAIN, (asked.id, asked.owner, asked.now_ms, asked.owner, CHAIN_MAX))
    if not rows or rows[0][0]:
        return []
    return [Link(cast("bytes", one), cast("bytes", other)) for _, one, other in rows]
