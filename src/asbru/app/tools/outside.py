"""Requests of servers with sessions that come outside of the stream of a call: whose are they?

    every worker tells which calls it has under way in that session
    exactly one, over all workers   -> the request is given to that call, whose caller is asked
    none, or several                -> refused: nothing says which of the callers is meant
    a worker does not tell, or is missing -> refused: what it has under way is not known

A call that was given up a moment ago counts as well: a server may not have heard of that.

In the session of one user (`per_user`) nobody else can be meant. There the only call under way is asked, else a stream
of the user, else one of its calls; those are asked whose client is capable of it. Log messages go to all of the user's
streams. Not here: how the caller is asked (`pipeline.tools.outside`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from asbru.mcp.servers.outside import (
    ASKED_SUBJECT,
    GIVEN_SUBJECT,
    LOGGED_SUBJECT,
    OutsideAsked,
    OutsideGiven,
    OutsideLogged,
    OutsideTold,
)

TOLD_S: Final = 2.0
"""How long workers may take to tell."""


class _Poll:
    def __init__(self, expected: set[str]) -> None:
        self.missing = expected
        self.told: list[OutsideTold] = []
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def end(self, *, known: bool) -> None:
        if not self.done.done():
            self.done.set_result(known)


class Outside:
    """See the module. `tell(subject, payload)` reaches all workers, of which there are at least `workers_min` while all
    is well."""

    def __init__(self, tell: Callable[[str, bytes], object], *, workers_min: int) -> None:
        self._tell = tell
        self._workers_min = workers_min
        self._workers: set[str] = set()
        self._polls: dict[int, _Poll] = {}
        self._number = 0

    def begin(self) -> None:
        """The connection to the workers is a new one: each tells again that it is here."""
        self._workers.clear()
        self._give_up()

    def meet(self, payload: bytes) -> None:
        """A worker is here."""
        self._workers.add(payload.decode())

    def part(self, worker: str) -> None:
        """A process is gone, or cannot be heard."""
        if worker in self._workers:
            self._workers.discard(worker)
            self._give_up()

    def take_told(self, payload: bytes) -> None:
        """What a worker tells."""
        told = msgspec.msgpack.decode(payload, type=OutsideTold)
        poll = self._polls.get(told.number)
        if poll is None or told.worker not in poll.missing:
            return
        poll.missing.discard(told.worker)
        poll.told.append(told)
        if not poll.missing:
            poll.end(known=True)

    async def give(self, server: str, user: str, session: str, message: bytes, *, asks: str) -> bool:
        """Give a request to the one that it can belong to; False where nobody knows who that is. `user`: whose session
        it is, "" for all; `asks`: what the client has to be capable of."""
        if not self._workers or (not user and len(self._workers) < self._workers_min):
            return False
        self._number += 1
        asked = OutsideAsked(self._number, server, session, user, asks)
        poll = self._polls[asked.number] = _Poll(set(self._workers))
        try:
            self._tell(ASKED_SUBJECT, msgspec.msgpack.encode(asked))
            async with asyncio.timeout(TOLD_S):
                known = await poll.done
        except TimeoutError:
            known = False
        finally:
            del self._polls[asked.number]
        found = _of_user(poll.told) if user else _only_call(poll.told) if known else None
        if found is None:
            return False
        self._tell(GIVEN_SUBJECT, msgspec.msgpack.encode(OutsideGiven(*found, message, server)))
        return True

    def log(self, server: str, user: str, message: bytes) -> None:
        """A log message in the session of a user."""
        self._tell(LOGGED_SUBJECT, msgspec.msgpack.encode(OutsideLogged(server, user, message)))

    def _give_up(self) -> None:
        for poll in self._polls.values():
            poll.end(known=False)


def _only_call(told: list[OutsideTold]) -> tuple[str, bytes] | None:
    found = _calls(told)
    return found[0] if len(found) == 1 and not any(one.left for one in told) else None


def _of_user(told: list[OutsideTold]) -> tuple[str, bytes] | None:
    calls = _calls(told)
    if len(calls) == 1:
        return calls[0]
    streams = [(one.worker, stream) for one in told for stream in one.streams]
    return next(iter((*streams, *calls)), None)


def _calls(told: list[OutsideTold]) -> list[tuple[str, bytes]]:
    return [(one.worker, call) for one in told for call in one.calls]
