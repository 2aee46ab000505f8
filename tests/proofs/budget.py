"""The proof of budgets: many callers who retry refusals, three workers, one of them killed in the middle.

Worst cases are at most a hundredth of the budget, and of them 20 to 100 % are charged. Shown is what the provider
charged, how much of the budget was of use, that nothing is left held, and that nobody was refused what would have
fitted: by what each refusal says itself, and by asking each worker at rest for exactly what is left.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import time

from tests.fakes.family import Family, chat
from tests.fakes.priced import NANOUSD_PER_TOKEN, PricedUpstream
from tests.fakes.waiting import pause, until
from tests.journeys.caller import Caller, HungUp
from tests.proofs.rows import Row, at_least, at_most

from asbru.governance.entries import LimitEntry

USD = 1_000_000_000
WORST_TOKENS = 1000
"""A hundredth of the budget, at 10 USD for a million tokens."""
QUIET_S = 2.0
"""Nobody was served for so long: it is over."""

_SAYS = re.compile(r"has used ([0-9.]+) USD of its budget of ([0-9.]+) USD .* may cost up to ([0-9.]+) USD")


class _Run:
    def __init__(self, family: Family, *, seed: int) -> None:
        self.family = family
        self.chance = random.Random(seed)
        self.served = 0
        self.refused = 0
        self.phantoms = 0
        self.others: dict[int, int] = {}
        self.served_at_s = time.monotonic()
        self.dead = -1
        self.over = False

    async def call(self, index: int) -> None:
        """One caller at one worker, call after call; refusals are tried again."""
        while not self.over and index != self.dead:
            tokens = self.chance.randint(WORST_TOKENS // 10, WORST_TOKENS)
            share = self.chance.uniform(0.2, 1.0)
            with contextlib.suppress(HungUp, OSError):
                async with Caller(self.family.ports[index]) as caller:
                    while not self.over:
                        caller.send(chat(tokens, share))
                        answer = await caller.answer()
                        if answer.status == 200:
                            self.served += 1
                            self.served_at_s = time.monotonic()
                            break
                        self._note_refusal(answer.status, answer.error["message"])
                        await pause(self.chance.uniform(0.1, 0.4))

    def _note_refusal(self, status: int, message: str) -> None:
        if status != 402:
            self.others[status] = self.others.get(status, 0) + 1
            return
        self.refused += 1
        found = _SAYS.search(message)
        assert found is not None, message
        used, amount, need = (float(text) for text in found.groups())
        self.phantoms += used + need <= amount - 2e-6  # rounded, each


async def prove_budget(*, callers: int, amount_nanousd: int, seed: int = 1) -> list[Row]:
    """The rows of this proof."""
    budget = LimitEntry("team/t/cost/1d", "cost", amount_nanousd, "1d")
    async with PricedUpstream(delay_s=0.1) as upstream:
        with Family(upstream.port, [budget], workers=3) as family:
            run = _Run(family, seed=seed)
            tasks = [asyncio.create_task(run.call(number % 3)) for number in range(callers)]
            await until(lambda: upstream.billed_nanousd >= amount_nanousd * 0.4, "it is under way", 60)
            run.dead = 0
            await asyncio.to_thread(family.kill, 0)
            await until(lambda: time.monotonic() - run.served_at_s >= QUIET_S, "nobody is served any more", 120)
            run.over = True
            await asyncio.gather(*tasks)
            await until(lambda: family.held == 0, "nothing is held", 15)
            lost = family.lost
            unfit = await _ask_for_what_is_left(family, amount_nanousd)
            held = family.held
            booked = family.spent
            used = upstream.billed_nanousd + max(0, lost)
            return [
                at_most(
                    "budget: charged by the provider", upstream.billed_nanousd / USD, "USD", amount_nanousd / USD
                ),
                at_least(
                    "budget: charged, or held by the worker that was killed", used / amount_nanousd, "of it", 0.95
                ),
                at_least("budget: booked", booked / amount_nanousd, "of it", 0.95),
                at_most("budget: held by nobody who lives", held / USD, "USD", 0),
                at_most("budget: refusals that contradict their own amounts", run.phantoms, "refusals", 0),
                at_most("budget: refused at rest although it fits", unfit, "calls", 0),
                at_most("budget: other errors", sum(run.others.values()), "answers", 0),
            ]


async def _ask_for_what_is_left(family: Family, amount_nanousd: int) -> int:
    """Ask each worker that lives for half of what is left, then the last one for all; how many were refused."""
    refused = 0
    for port, part in ((family.ports[1], 2), (family.ports[2], 1)):
        await until(lambda: family.held == 0, "nothing is held", 15)
        left = (amount_nanousd - family.spent) // NANOUSD_PER_TOKEN // part
        if not left:
            continue
        async with Caller(port) as caller:
            caller.send(chat(left))
            refused += (await caller.answer()).status != 200
    await until(lambda: family.held == 0, "nothing is held", 15)
    return refused
