"""Floor 3: SQL. Opens the database with the settings it needs and brings its schema up to date.

Today SQLite through apsw. It refuses a database that a newer Asbru made, and knows no table's meaning.
"""

from asbru.storage.engine import (
    DATABASE_NAME,
    ROW_ERRORS,
    Database,
    NewerSchema,
    StorageError,
    Value,
    open_database,
    open_reader,
    schema_version,
)

__all__ = [
    "DATABASE_NAME",
    "ROW_ERRORS",
    "Database",
    "NewerSchema",
    "StorageError",
    "Value",
    "open_database",
    "open_reader",
    "schema_version",
]
