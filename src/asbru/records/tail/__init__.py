"""The live tail: records as they are written, from the bookkeeper to whoever follows.

The bookkeeper passes on the batches that it has committed to the processes that asked for them lately (`followers`);
there they are decoded once and given to each client whose filters they fit (`live`). Records are not polled from the
table: ids are in the order of arrival, but a record is written when its call ends, so a long stream would be missed.
Nobody is waited for: what a follower or a client does not take in time is left out, and it is told so.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.records.tail import followers, live

__all__ = ["followers", "live"]
