"""Cluster: what processes, and later nodes, tell each other about what they serve by.

Here so far: the feed of keys (later owners, budgets, rules) to the workers, and its layer in the database. It refuses
to know what an entry means, and how it travels.
"""

from typing import TYPE_CHECKING

from asbru.cluster.feed import Changes, Entries, Entry, Everything, Feed, Subscriber, read_entries, write_entries
from asbru.cluster.follow import FEED_SUBJECT, follow_store

if TYPE_CHECKING:
    from asbru.cluster import stored  # not for workers, which have no database

__all__ = [
    "FEED_SUBJECT",
    "Changes",
    "Entries",
    "Entry",
    "Everything",
    "Feed",
    "Subscriber",
    "follow_store",
    "read_entries",
    "stored",
    "write_entries",
]
