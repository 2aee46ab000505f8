"""Bodies of calls, where they are recorded: what the caller sent and what it got, bounded, compressed, apart from the
records and with a retention of their own.

A worker hands bounded copies to the link (`writer`); the bookkeeper compresses and stores them (`store`); `read` gives
them back. It refuses to decide whose bodies are recorded, and does nothing for a call whose bodies are not.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.records.bodies import read, store, writer

__all__ = ["read", "store", "writer"]
