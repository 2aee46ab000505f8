"""Requests of servers with sessions that come outside of the stream of a call: whose are they?

    every worker tells which calls it has under way in that session
    exactly one, over all workers   -> the request is given to that call, whose caller is asked
    none, or several                -> refused: nothing says which of the callers is meant
    a worker does not tell, or is missing -> refused: what it has under way is not known

A call that was given up a moment ago counts as well: a server may not have heard of that. Not here: how the caller is
asked (`pipeline.tools.outside`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from asbru.mcp.servers.outside import ASKED_SUBJECT, GIVEN_SUBJECT, OutsideAsked, OutsideGiven, OutsideTold

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

    async def give(self, server: str, session: str, message: bytes) -> bool:
        """Give a request to the one call that it can belong to; False where there is no such call."""
        if len(self._workers) < self._workers_min:
            return False
        self._number += 1
        number = self._number
        poll = self._polls[number] = _Poll(set(self._workers))
        try:
            self._tell(ASKED_SUBJECT, msgspec.msgpack.encode(OutsideAsked(number, server, session)))
            async with asyncio.timeout(TOLD_S):
                known = await poll.done
        except TimeoutError:
            return False
        finally:
            del self._polls[number]
        found = [(told.worker, call) for told in poll.told for call in told.calls]
        if not known or len(found) != 1 or any(told.left for told in poll.told):
            return False
        self._tell(GIVEN_SUBJECT, msgspec.msgpack.encode(OutsideGiven(*found[0], message)))
        return True

    def _give_up(self) -> None:
        for poll in self._polls.values():
            poll.end(known=False)
