"""Floor 3: the link between workers and the bookkeeper: one Unix socket each, shared by all rooms that have something
to say to it.

The worker's end (`link`) carries batches for tables, kept until they are committed; questions with a deadline; messages
that may be lost; and what the bookkeeper pushes. The other end (`host`) is a table of stores and handlers on plain
`selectors`. It refuses to know what a payload means, and neither end has a thread or a Task.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Each end is loaded by the process that has it: the bookkeeper, which is to stay small, has no use for `core`.
    from asbru.link import batches, frames, host, link, peers

__all__ = ["batches", "frames", "host", "link", "peers"]
