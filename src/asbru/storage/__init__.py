"""Floor 3: SQL. A port that stores use, opened by a URL, with the schema brought up to date.

Today SQLite through apsw. It refuses a database that a newer Asbru made, and knows no table's meaning.
"""

from asbru.storage.engine import DATABASE_NAME, database_bytes, open_database, open_reader, set_aside, sqlite_url
from asbru.storage.port import DamagedError, Database, NewerSchema, RowError, StorageError, Value

__all__ = [
    "DATABASE_NAME",
    "DamagedError",
    "Database",
    "NewerSchema",
    "RowError",
    "StorageError",
    "Value",
    "database_bytes",
    "open_database",
    "open_reader",
    "set_aside",
    "sqlite_url",
]
