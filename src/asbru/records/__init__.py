"""Floor 4: what happened, kept. Every call leaves one row, written in batches off the path by the bookkeeper.

The worker side (`RecordWriter`) queues and packs rows for the link; the other side (`store`) inserts; `query` reads.
It promises each row at most once and, while its process lives and its queue has room, at least once. It refuses to make
a call wait: a full queue sheds, and counts what it shed.
"""

from typing import TYPE_CHECKING

from asbru.records.access_log import AccessLog, Recorder
from asbru.records.row import (
    COLUMNS,
    ROW_WIDTH,
    usage_columns,
)
from asbru.records.writer import RecordWriter

if TYPE_CHECKING:
    from asbru.records import query, reprice, row, spend, store, upkeep

__all__ = [
    "COLUMNS",
    "ROW_WIDTH",
    "AccessLog",
    "RecordWriter",
    "Recorder",
    "query",
    "reprice",
    "row",
    "spend",
    "store",
    "upkeep",
    "usage_columns",
]
