"""Versions that never repeat: an object that is created under the id of a deleted one begins above its versions.

Otherwise the ETag of the deleted object would fit the new one, and whoever had read the old one would change the new
one unseen. One number for each kind is kept: the highest version that was deleted.
"""

from asbru.storage.versions.versions import first_version, keep_deleted

__all__ = ["first_version", "keep_deleted"]
