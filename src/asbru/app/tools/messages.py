"""What the bookkeeper and the tools process say to each other, so that questions get to it and answers back.

link subject "tools.here", "tools.asked", "tools.answered", "tools.parted"; payloads are MessagePack
"""

from __future__ import annotations

from typing import Final

import msgspec

HERE: Final = "tools.here"
"""Told by the tools process at the start of each connection: it is the one that answers. Workers hear of it too."""
ASKED: Final = "tools.asked"
"""Pushed to it."""
PARTED: Final = "tools.parted"
"""Pushed to it: the incarnation of a process that has gone."""
ANSWERED: Final = "tools.answered"
"""Told by it."""


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A question that the bookkeeper passes on, with a number of its own."""

    number: int
    subject: str
    payload: bytes


class Answered(msgspec.Struct, frozen=True, array_like=True):
    """Its answer; None: refused."""

    number: int
    payload: bytes | None
