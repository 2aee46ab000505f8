"""Limits over real processes: a bookkeeper, two workers, and a provider that keeps the bill."""

from __future__ import annotations

import asyncio
import json

from tests.fakes.family import Family, chat
from tests.fakes.priced import NANOUSD_PER_TOKEN, PricedUpstream
from tests.fakes.waiting import until
from tests.journeys.caller import Caller, UpstreamResponse

from asbru.governance.entries import LimitEntry

USD = 1_000_000_000


async def ask(port: int, max_tokens: int, share: float = 1.0) -> UpstreamResponse:
    """One call."""
    async with Caller(port) as caller:
        caller.send(chat(max_tokens, share))
        return await caller.answer()


def test_two_workers_share_a_budget() -> None:
    """What one worker's callers spend the other's cannot; what a call did not need is free again, everywhere."""

    async def journey() -> None:
        budget = LimitEntry("team/t/cost/1d", "cost", 10_000 * NANOUSD_PER_TOKEN, "1d")
        async with PricedUpstream() as upstream:
            with Family(upstream.port, [budget], workers=2) as family:
                one, two = family.ports
                assert (await ask(one, 6000, 0.5)).status == 200
                assert (await ask(two, 6000, 0.5)).status == 200
                await until(lambda: family.spent == upstream.billed_nanousd, "both calls are booked")
                refused = await ask(one, 4001)
                assert (
                    refused.status == 402
                    and "team 't' has used 0.06 USD" in json.loads(refused.body)["error"]["message"]
                )
                assert (await ask(two, 4000)).status == 200
                assert (await ask(one, 1)).status == 402
                await until(lambda: family.held == 0, "nothing is held")
                assert family.spent == upstream.billed_nanousd == budget.amount

    asyncio.run(journey())


def test_calls_at_once_over_two_workers() -> None:
    """A limit on calls at once holds over all workers, and a worker that dies gives its places back."""

    async def journey() -> None:
        at_once = LimitEntry("team/t/concurrency", "concurrency", 3)
        async with PricedUpstream(delay_s=60) as slow:
            with Family(slow.port, [at_once], workers=2) as family:
                one, two = family.ports
                waiting = [asyncio.create_task(ask(port, 1)) for port in (one, one, two)]
                await until(lambda: len(slow.arrivals) == 3, "three calls are under way")
                refused = await ask(two, 1)
                assert refused.status == 429 and refused.headers["retry-after"] == "1"
                family.kill(0)
                await until(lambda: family.held == 1, "the places of the dead are free")
                waiting += [asyncio.create_task(ask(two, 1)) for _ in range(2)]
                await until(lambda: len(slow.arrivals) == 5, "others have their places")
                assert (await ask(two, 1)).status == 429
                for task in waiting:
                    task.cancel()
                await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(journey())


def test_a_worker_that_ends_gives_everything_back() -> None:
    """After a drain nothing is held, and exactly what was charged is spent."""

    async def journey() -> None:
        budget = LimitEntry("team/t/cost/1d", "cost", USD, "1d")
        async with PricedUpstream() as upstream:
            with Family(upstream.port, [budget], workers=1) as family:
                assert (await ask(family.ports[0], 1000, 0.3)).status == 200
                await asyncio.to_thread(family.end, 0)
                await until(lambda: family.held == 0, "nothing is held")
                assert family.spent == upstream.billed_nanousd

    asyncio.run(journey())


def test_a_bookkeeper_that_dies_is_caught_up_with() -> None:
    """Slices in hand serve on, what is settled meanwhile is booked once by the next one, and nothing is left held."""

    async def journey() -> None:
        budget = LimitEntry("team/t/cost/1d", "cost", USD, "1d")
        async with PricedUpstream() as upstream:
            with Family(upstream.port, [budget], workers=1) as family:
                port = family.ports[0]
                assert (await ask(port, 100)).status == 200
                family.books.kill()
                assert (await ask(port, 100)).status == 200  # of the slice in hand
                assert (await ask(port, 90_000)).status == 503
                await asyncio.to_thread(family.books.start)
                await until(lambda: family.spent == upstream.billed_nanousd, "it is all booked")
                assert (await ask(port, 90_000)).status == 200
                await until(lambda: family.held == 0, "nothing is held")
                assert family.spent == upstream.billed_nanousd

    asyncio.run(journey())
