"""The rows of one query, for whatever reads records: each over a connection of its own."""

from __future__ import annotations

from asbru.storage import Value, open_reader


def read_rows(url: str, statement: str, *values: Value) -> list[tuple[Value, ...]]:
    """What a query finds; nothing when there is no database. Raises as `open_reader` does."""
    database = open_reader(url)
    if database is None:
        return []
    try:
        return database.run(statement, values)
    finally:
        database.close()
