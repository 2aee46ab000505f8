"""A caller with a key sends a thousand requests on one connection and reads nothing.

Each response is larger than what the kernel takes for a connection, so that what is answered ahead of its reading has
to be held. Counted is how many calls reach the provider before the caller reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.attacks.rows import Row, at_most
from tests.attacks.watch import Watch
from tests.fakes.upstream import FakeUpstream, Reply
from tests.fakes.waiting import pause
from tests.journeys.caller import request
from tests.journeys.served import Served
from tests.journeys.talk import CHAT_PATH, CHAT_REPLY, chat

REQUESTS = 1000
CALLS_MAX = 20
_ANSWER = {**CHAT_REPLY, "padding": "x" * 1_000_000}
_WATCHED_S = 4.0


async def attack(folder: Path) -> Sequence[Row]:
    """See the module."""
    async with FakeUpstream() as upstream, Served(folder, upstream.url) as served:
        upstream.otherwise = lambda _: Reply.json(_ANSWER)
        async with Watch(served) as watch, served.caller() as caller:
            caller.writer.transport.pause_reading()
            caller.send(request(CHAT_PATH, chat()) * REQUESTS)
            await pause(_WATCHED_S)
            calls = len(upstream.requests)
        return [*watch.rows("pipelining"), at_most("pipelining: calls that nobody reads", calls, "calls", CALLS_MAX)]
