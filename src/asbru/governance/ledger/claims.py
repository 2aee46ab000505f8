"""What workers and the ledger say to each other, as MessagePack arrays: claims and their answers, reports, meetings and
recalls. What is done about them stands in `ledger`; how they travel in `client` and `host`.
"""

from __future__ import annotations

import msgspec

from asbru.governance.entries import LimitEntry


class Claim(msgspec.Struct, frozen=True, array_like=True):
    """What is asked of one limit: at least `need`, best `need` and `wish` more. `key` is what counts together: the
    limit's id, with the run behind it where each run counts for itself. `runs_max`: then there are no more runs than
    this; 0: as many as there may be."""

    key: str
    limit: LimitEntry
    need: int
    wish: int = 0
    runs_max: int = 0


class Slice(msgspec.Struct, frozen=True, array_like=True):
    """What was taken of a limit, to be used within `good_for_ms`. `used`: all that is spent and held of it, by anyone.
    `start_ms` names the window; `ends_ms`: when it ends, by the ledger's clock; 0 where no end resets it."""

    key: str
    start_ms: int
    amount: int
    good_for_ms: int
    used: int
    ends_ms: int


class Short(msgspec.Struct, frozen=True, array_like=True):
    """The first of the claimed limits that has no room. `resets_in_ms`: when it may have, by time alone; -1: that
    depends on others, or it will never have so much. `runs`: it is for each run, and so many are under way; else 0."""

    key: str
    used: int
    resets_in_ms: int
    resets_at_ms: int
    runs: int = 0


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """To the claims of one call: a slice for each of them, or which one is short and nothing taken."""

    slices: tuple[Slice, ...]
    short: Short | None = None


class Report(msgspec.Struct, frozen=True, array_like=True):
    """What became of a slice, or of a part of it: so much is `spent`, so much is given back. More may be spent than was
    held. `limit`: given where nothing was taken before, because the ledger was away; then it counts in the window of
    now, and `start_ms` means nothing."""

    key: str
    start_ms: int
    spent: int
    released: int
    limit: LimitEntry | None = None


class Settlement(msgspec.Struct, frozen=True, array_like=True):
    """A batch of the table SETTLE: the numbered reports of a worker. `recalled`: the last recall that they answer."""

    holder: str
    number: int
    reports: tuple[Report, ...]
    recalled: int = 0


class Held(msgspec.Struct, frozen=True, array_like=True):
    """What a worker holds of a limit in a window."""

    key: str
    start_ms: int
    amount: int


class Meeting(msgspec.Struct, frozen=True, array_like=True):
    """What a worker says at the start of each connection, the message MEET: what it holds once its settlements up to
    `number` are booked. What the ledger believes it to hold besides it never got."""

    number: int
    held: tuple[Held, ...] = ()


class Recall(msgspec.Struct, frozen=True, array_like=True):
    """Pushed to all workers: give back what no call needs of these limits, for somebody is short of them."""

    number: int
    keys: tuple[str, ...]


TAKE = "ledger.take"
"""A question: a list of asks, each the claims of one call. The answer is a list of `Answer`s."""
SETTLE = "ledger.settle"
RECALL = "ledger.recall"
MEET = "ledger.meet"
"""A message, the first of each connection: a `Meeting`."""


class Count(msgspec.Struct, frozen=True, array_like=True):
    """How a limit stands."""

    used: int
    ends_ms: int
