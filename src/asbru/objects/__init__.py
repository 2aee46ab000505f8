"""Objects: what is configured over the management API, as documents by kind and id, and the note of who changed what.

A body is JSON that its kind reads; here it is text. It refuses to know what a kind means, who may change it, and
secrets, which stand masked in the body.
"""

from asbru.objects.store import CHANGES_KEPT_MAX, Change, ObjectStore, Reference, StoredObject

__all__ = ["CHANGES_KEPT_MAX", "Change", "ObjectStore", "Reference", "StoredObject"]
