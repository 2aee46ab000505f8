"""A database that may fail and come back: opened when it is needed, and anew after a failure, with growing pauses.

For what stores something for others and must not lose it. It refuses to know what is stored, or to hold it.
"""

from asbru.storage.reopening.reopened import Reopened

__all__ = ["Reopened"]
