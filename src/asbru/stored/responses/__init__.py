"""Stored responses: what a conversation is gone on from, whichever worker is asked, and whichever provider.

    settings   whether they are stored, how long, how much
    index      what a worker asks the bookkeeper
    table      the table behind it
    questions  what they say to each other

A response holds the items that it adds to its conversation, and the id of the one before: a conversation is a chain.
It refuses to know what an item is.
"""

from typing import TYPE_CHECKING

from asbru.stored.responses.index import ResponseIndex, StoredResponses
from asbru.stored.responses.questions import SUBJECT, Link, ResponseRow
from asbru.stored.responses.settings import ConversationSettings

if TYPE_CHECKING:
    from asbru.stored.responses import table  # opens a database, which workers do not

__all__ = [
    "SUBJECT",
    "ConversationSettings",
    "Link",
    "ResponseIndex",
    "ResponseRow",
    "StoredResponses",
    "table",
]
