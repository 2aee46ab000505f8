"""Objects: what is configured over the management API, as documents by kind and id, and the note of who changed what.

A body is JSON that its kind reads; here it is text. It refuses to know what a kind means, who may change it, and
where secrets are kept, which stand masked in the body.
"""

from asbru.objects.masks import hide, kept, mask, put_back, sent_to, take_out
from asbru.objects.store import CHANGES_KEPT_MAX, Change, ObjectStore, Reference, StoredObject, Within

__all__ = [
    "CHANGES_KEPT_MAX",
    "Change",
    "ObjectStore",
    "Reference",
    "StoredObject",
    "Within",
    "hide",
    "kept",
    "mask",
    "put_back",
    "sent_to",
    "take_out",
]
