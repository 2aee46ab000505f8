"""Messages that are posted for a stream of another worker, as workers and the bookkeeper tell each other of them
(MessagePack).

    subject "mcp.deliver"      Deliver -> Delivery    asked by the worker that a message came to
    subject "mcp.delivered"    Delivered              pushed to the worker that has the stream, and to no other
    subject "mcp.taken"        Taken                  told by that worker: the stream has taken it, or is gone
"""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

DELIVER_SUBJECT: Final = "mcp.deliver"
DELIVERED_SUBJECT: Final = "mcp.delivered"
TAKEN_SUBJECT: Final = "mcp.taken"


class Delivery(Enum):
    """What came of a message. `AWAY`: it cannot be said, since the stream's worker did not answer in time."""

    TAKEN = b"taken"
    GONE = b"gone"
    AWAY = b"away"


class Deliver(msgspec.Struct, frozen=True, array_like=True):
    """`worker`: which has the stream, by its incarnation; `token`: of the stream. `until_s`: by the monotonic clock,
    which all processes of a machine share; a message that is later is not taken any more."""

    worker: str
    token: str
    data: bytes
    until_s: float


class Delivered(msgspec.Struct, frozen=True, array_like=True):
    """`number`: the bookkeeper's own."""

    number: int
    token: str
    data: bytes
    until_s: float


class Taken(msgspec.Struct, frozen=True, array_like=True):
    """`result`: the value of a `Delivery`."""

    number: int
    result: bytes
