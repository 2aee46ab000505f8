"""What calls hold of limits: the port `Leases` over `governance.limits`, which knows no calls and no prices.

    admit     a request, and a place among calls at once, of the key and the owners above it; a nested call is within
              the place of its parent
    hold      the worst case of the dearest target, on every budget and token limit of theirs
    attempt   the limits of its target; and again its worst case, where an earlier attempt may be charged
    meter     of a stream: what comes out is counted; where it may outgrow what a strict budget reserved: more, as it
              does, or its end
    settle    what the attempts used and cost; an attempt that may be charged and told nothing cost what was held, or
              what its stream was counted to, if that is more

A refusal leaves nothing held. A call that no attempt was made for does not count.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from asbru.core.errors import AsbruError, PriceUnknown
from asbru.core.future import Future
from asbru.core.money import MTOK
from asbru.core.ports import ChunkSink, Sink
from asbru.governance.limits import Chain, Counter, Holding, Limits, Reservation, Source
from asbru.pipeline.call import Attempt, Call
from asbru.pipeline.output_meter import OutputMeter
from asbru.pipeline.ports import Leases, Prices
from asbru.pipeline.worst_case import Rates, WorstCase, dearest, max_tokens_of, worst_case
from asbru.routing import Target

__all__ = ["CallLease", "CallLeases", "Leases", "Typical"]

_METRICS: tuple[str, ...] = ("cost", "input_tokens", "output_tokens", "tokens")
_NOTHING: Mapping[str, int] = {}
_ONE_REQUEST: Mapping[str, int] = MappingProxyType({"requests": 1})
_AHEAD = 4
"""More is reserved when a stream has used all but one part in four of a step."""
TYPICAL_MAX = 4096
_LEARNS = 16
"""A new cost counts for so much of what is typical: one part in sixteen."""


class Typical:
    """What a call to a target costs as a rule, learned: a mean that the latest calls count in most."""

    def __init__(self) -> None:
        self._costs: dict[tuple[str, str], int] = {}

    def cost(self, target: Target) -> int | None:
        """Nano-dollars; None where nothing is known yet."""
        return self._costs.get((target.provider.name, target.model))

    def learn(self, target: Target, cost: int) -> None:
        """A call to it cost so much."""
        key = (target.provider.name, target.model)
        before = self._costs.get(key)
        if before is None:
            if len(self._costs) >= TYPICAL_MAX:  # callers choose models
                self._costs.clear()
            self._costs[key] = cost
        else:
            self._costs[key] = before + (cost - before) // _LEARNS


class CallLeases:
    """See `ports.Leases`."""

    def __init__(self, limits: Limits, prices: Prices, settings: Reservation, typical: Typical) -> None:
        self.typical = typical
        self.limits = limits
        self.rates = Rates(prices)
        self.settings = settings
        limits.store_away = settings.store_away
        limits.runs_max = settings.runs_max

    async def admit(self, call: Call) -> CallLease:
        caller = call.caller.name if call.caller is not None else ""
        chain = self.limits.owners.chain(caller, call.run)
        lease = CallLease(self, caller, call.run, chain)
        waits = self.limits.take(chain.nested if call.parent_id else chain.admitted, lease.owners, chain.held)
        if waits is not None:
            await lease.wait(waits, lease.owners)
        return lease


class CallLease:
    """See `ports.Lease`."""

    # Defaults live on the class: most calls change few of them.
    _case: WorstCase | None = None
    _first: Target | None = None
    """The target whose price was looked at before anything was held."""
    _expected: int | None = None
    _meter: OutputMeter | None = None
    _pending: Holding | None = None
    """Waits for more, while a stream goes on."""
    _held = 0
    """For how many attempts the worst case is held."""
    _targets: tuple[tuple[Attempt, Holding, WorstCase], ...] = ()

    def __init__(self, leases: CallLeases, caller: str, run: str, chain: Chain) -> None:
        self.owners = Holding()
        """What is held of the key's limits and those of the owners above it."""
        self._leases = leases
        self._caller = caller
        self._run = run
        self._chain = chain

    async def wait(self, waits: Future[None], into: Holding) -> None:
        """Wait for the ledger. A call that goes away meanwhile holds nothing of what was to come."""
        try:
            await waits
        except BaseException:
            if not waits.done:
                self._leases.limits.settle(into, _NOTHING)
            raise

    async def hold(self, call: Call, targets: Sequence[Target]) -> None:
        chain, leases = self._chain, self._leases
        if not chain.held:
            return
        self._first = first = targets[0]
        case = worst_case(call, first, leases.rates, leases.settings)
        if case.cost is None:
            self._check_price(chain.held, first)
        if len(targets) > 1:
            others = [worst_case(call, target, leases.rates, leases.settings) for target in targets[1:]]
            case = dearest([case, *others])
        self._case = case
        if chain.expects and case.cost is not None:
            typical = [leases.typical.cost(target) for target in targets]
            if None not in typical:
                self._expected = min(case.cost, max(cost for cost in typical if cost is not None))
        waits = leases.limits.take(self._needs(case), self.owners)
        if waits is not None:
            # Where this is refused the call is over: what it was admitted with may go back as well.
            await self.wait(waits, self.owners)
        self._held = 1

    def covers(self, call: Call, attempt: Attempt) -> bool:
        limits_targets, first = self._leases.limits.owners.limits_targets, self._first
        return not limits_targets and (
            first is None or (attempt.target is first and len(call.attempts) <= self._held)
        )

    async def attempt(self, call: Call, attempt: Attempt) -> None:
        leases = self._leases
        target = attempt.target
        case = self._case
        if case is not None:
            if target is not self._first and worst_case(call, target, leases.rates, leases.settings).cost is None:
                self._check_price(self._chain.held, target)
            if len(call.attempts) > self._held:
                await self._hold_again(call, attempt, case)
        owners = leases.limits.owners
        if not owners.limits_targets:
            return
        where = (target.provider.name, target.model, attempt.served_model, attempt.key.name)
        counters = owners.target(self._caller, self._run, where)
        if not counters:
            return
        case = worst_case(call, target, leases.rates, leases.settings)
        if case.cost is None:
            self._check_price(counters, target)
        holding = Holding()
        self._targets += ((attempt, holding, case),)
        needs = [(one, need) for one in counters if (need := case.of(one.metric))]
        waits = leases.limits.take(needs, holding)
        if waits is not None:
            await self.wait(waits, holding)

    def meter(self, call: Call, write: Sink, write_chunk: ChunkSink) -> tuple[Sink, ChunkSink]:
        settings, head = self._leases.settings, call.head
        case = self._targets[-1][2] if self._targets else self._case
        holdings = [self.owners, *(holding for _, holding, _ in self._targets[-1:])]
        counted = [one for holding in holdings for one in holding.counters() if one.metric in _METRICS]
        if not counted or case is None or head is None or not call.operation.speaks:
            return write, write_chunk
        asked = max_tokens_of(head)
        most = sys.maxsize if asked is None else asked * max(1, head.choices)
        strict = [one for one in counted if one.strict]
        if strict and most > case.output_tokens:
            meter = _TopUp(self, strict, (case, settings.reserve_output_tokens_max, most)).meter
        else:
            meter = OutputMeter()
        self._meter = meter
        return meter.sinks(write, write_chunk)

    @property
    def metered(self) -> int:
        return self._meter.tokens if self._meter is not None else 0

    def settle(self, attempts: Sequence[Attempt], *, served: bool = False) -> None:
        limits = self._leases.limits
        case = self._case
        if self._pending is not None:
            limits.settle(self._pending, _NOTHING)
        if limits.owners.expects:
            for one in attempts:
                if one.cost_nanousd is not None:
                    self._leases.typical.learn(one.target, one.cost_nanousd)
        metered = 0 if self._meter is None else self._meter.tokens
        amounts, silent = (_ONE_REQUEST, False) if served else _spent(attempts, case, metered)
        limits.settle(self.owners, amounts, at_least_held=silent)
        if not self._targets:
            return
        for attempt, holding, worst in self._targets:
            amounts, silent = _spent((attempt,), worst, metered if attempt is attempts[-1] else 0)
            limits.settle(holding, amounts, at_least_held=silent)

    def _needs(self, case: WorstCase) -> list[tuple[Source, int]]:
        """What is held of limits for one attempt: of a budget that is to expect the usual, less than the worst case."""
        amounts = case.amounts()
        expected = self._expected
        if expected is None:
            return [(one, need) for one in self._chain.held if (need := amounts[one.metric])]
        return [
            (one, need)
            for one in self._chain.held
            if (need := expected if one.metric == "cost" and not one.strict else amounts[one.metric])
        ]

    def more(self, budgets: Sequence[Counter], cost: int, into: Holding) -> Future[None] | None:
        """Hold so much more of budgets, for a stream that goes on meanwhile; see `Limits.take`."""
        self._pending = into
        return self._leases.limits.take([(one, cost) for one in budgets], into)

    def join(self, more: Holding) -> None:
        """What was held for the stream is held by the call, each part where its limit is."""
        self._pending = None
        for _, holding, _ in self._targets[-1:]:
            holding.join(more, among=holding.counters())
        self.owners.join(more)

    async def _hold_again(self, call: Call, attempt: Attempt, case: WorstCase) -> None:
        """Where earlier attempts may be charged: what was held for them is theirs."""
        if 1 + sum(1 for one in call.attempts if one is not attempt and one.billed) <= self._held:
            return
        if call.agent is not None:  # it asks for more than the turn before
            case = dearest([case, worst_case(call, attempt.target, self._leases.rates, self._leases.settings)])
        more = Holding()
        waits = self._leases.limits.take(self._needs(case), more)
        if waits is not None:
            await self.wait(waits, more)
        self.owners.join(more)
        self._held += 1

    def _check_price(self, sources: Sequence[Source], target: Target) -> None:
        if self._leases.settings.unknown_price == "refuse" and any(one.metric == "cost" for one in sources):
            unknown = f"price of '{target}' is unknown; the operator can set `prices` of the provider, or"
            if not target.model:  # passed through, or a batch: no price would help
                unknown = (
                    f"cost of this call to '{target.provider.name}' cannot be known in advance; the operator can set"
                )
            raise PriceUnknown(f"a budget applies to this call; the {unknown} `governance.unknown_price: allow`")


class _TopUp:
    """A stream may outgrow what is reserved of strict budgets: a part before it does, a step more is reserved, or as
    many as it has come by at once. Where that is refused, so is the rest of the stream. `size`: the worst case, the
    output tokens of a step, and the most that the caller allows."""

    def __init__(self, lease: CallLease, budgets: Sequence[Counter], size: tuple[WorstCase, int, int]) -> None:
        case, step, self._most = size
        self._lease = lease
        self._budgets = budgets
        self._step = step
        self._output_cost = case.output_cost
        self._reserved = case.output_tokens
        self.meter = OutputMeter(case.output_tokens - step // _AHEAD, self._top_up)

    def _top_up(self, tokens: int) -> None:
        meter = self.meter
        meter.mark = sys.maxsize  # until it is answered
        more = Holding()
        grows = self._step * max(1, -(-(tokens - self._reserved) // self._step))
        waits = self._lease.more(self._budgets, -(-grows * self._output_cost // MTOK), more)

        def answered() -> None:
            error = None if waits is None else waits.failure
            if isinstance(error, AsbruError):
                meter.refused = error
                return
            self._lease.join(more)
            self._reserved += grows
            meter.mark = self._reserved - self._step // _AHEAD if self._reserved < self._most else sys.maxsize

        if waits is None or waits.done:
            answered()
        else:
            waits.waiter = answered


def _spent(attempts: Sequence[Attempt], case: WorstCase | None, metered: int) -> tuple[dict[str, int], bool]:
    """What attempts spent, by metric; and whether one told nothing, so that all that is held is spent, at least: a
    stream may have reserved more than its worst case at first. `metered`: the output tokens of the last one, as they
    were counted."""
    if len(attempts) == 1:  # nearly always, and then it told both
        usage, cost = attempts[0].usage, attempts[0].cost_nanousd
        if usage is not None and cost is not None:
            took, gave = usage.input_total, usage.output_total
            told = {"cost": cost, "input_tokens": took, "output_tokens": gave, "tokens": took + gave, "requests": 1}
            return told, False
    billed = [one for one in attempts if one.billed or one.usage is not None]
    if not billed:
        return ({"requests": 1} if any(one.sent for one in attempts) else {}), False
    amounts: dict[str, int] = dict.fromkeys(_METRICS, 0)
    for one in billed:
        most = case.grown(metered) if case is not None and one is attempts[-1] else case
        for metric in _METRICS:
            amounts[metric] += _spent_by(one, metric, most)
    amounts["requests"] = 1
    return amounts, any(one.usage is None for one in billed)


def _spent_by(attempt: Attempt, metric: str, case: WorstCase | None) -> int:
    usage = attempt.usage
    if metric == "cost":
        if attempt.cost_nanousd is not None:
            return attempt.cost_nanousd
    elif usage is not None:
        match metric:
            case "input_tokens":
                return usage.input_total
            case "output_tokens":
                return usage.output_total
            case _:
                return usage.total
    return case.of(metric) if case is not None else 0
