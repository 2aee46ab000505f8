"""Cluster: what processes, and later nodes, tell each other about what they serve by.

Here so far: the feed of keys (later owners, budgets, rules) to the workers. It refuses to know what an entry means,
and how it travels.
"""

from asbru.cluster.feed import Changes, Entries, Entry, Everything, Feed, Subscriber, read_entries, write_entries
from asbru.cluster.follow import FEED_SUBJECT, follow_store

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
    "write_entries",
]
