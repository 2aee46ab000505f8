"""Entries in the database, which the bookkeeper owns: `table` is its side, `shared` the worker's."""

from typing import TYPE_CHECKING

from asbru.cache.sql.questions import CLEAR, ENTRIES, FIND, GENERATION
from asbru.cache.sql.shared import SharedStore, TieredStore, follow_clearings

if TYPE_CHECKING:
    from asbru.cache.sql import table

__all__ = [
    "CLEAR",
    "ENTRIES",
    "FIND",
    "GENERATION",
    "SharedStore",
    "TieredStore",
    "follow_clearings",
    "table",
]
