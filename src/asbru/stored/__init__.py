"""Stored objects: files and batches that providers keep, each of which belongs to the virtual key that made it.

    ids        sealed ids: any worker finds in them the provider, the provider's own id, its key and the owner
    index      what a worker asks the bookkeeper: which objects an owner has
    store      the table behind it
    questions  what they say to each other

It refuses to know what an object is, and to ask a provider.
"""

from typing import TYPE_CHECKING

from asbru.stored.ids import ObjectIds, ObjectRef
from asbru.stored.index import ObjectIndex, StoredObjects
from asbru.stored.questions import SUBJECT, Listed, ObjectRow, Page

if TYPE_CHECKING:
    from asbru.stored import store  # opens a database, which workers do not

__all__ = [
    "SUBJECT",
    "Listed",
    "ObjectIds",
    "ObjectIndex",
    "ObjectRef",
    "ObjectRow",
    "Page",
    "StoredObjects",
    "store",
]
