"""Limits as a worker holds them: calls take of slices in hand, and wait for the ledger where those do not do.

    take      all portions, or all counters, have enough: subtracted at once, nobody comes between
              else: what is there is held, the rest is asked of the ledger -> granted, or a refusal and nothing held
    ahead     a slice that runs low, or whose bucket has ended, is followed by the next while calls go on
    sweep     once a second while anything is in hand: what nobody used since the last time is given back

Where the ledger does not answer in time, a call that it might have granted is refused with 503 (`closed`), or served
and counted afterwards (`open`); a strict budget is never open.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from math import inf
from typing import TYPE_CHECKING, Literal, TypeAlias

from asbru.core.errors import LedgerAway, LimitReached
from asbru.core.future import Future
from asbru.governance.ledger import Answer, Claim, Report, Short
from asbru.governance.ledger.claims import Held
from asbru.governance.ledger.client import LedgerClient
from asbru.governance.ledger.ledger import RUNS_MAX
from asbru.governance.limits.counters import NO_WINDOW, Counter
from asbru.governance.limits.holding import Holding
from asbru.governance.limits.owners import Owners
from asbru.governance.limits.portions import Portion
from asbru.governance.limits.refusals import refusal
from asbru.governance.standing import Standing, Used

if TYPE_CHECKING:
    import asyncio

    from asbru.link.link import Link

StoreAway: TypeAlias = Literal["closed", "open"]
Source: TypeAlias = Counter | Portion
Needs: TypeAlias = "Sequence[tuple[Source, int]]"

SWEEP_S = 1.0
FULL_MAX = 1000
FULL_S_MAX = 1.0
"""For so long a limit counts as full after a refusal, for those who choose among targets."""
FULL_SHARE = 16
"""It does with no more left than this part of it: a call that was too large says nothing about smaller ones."""
AHEAD_PAUSE_S = 0.1
AHEAD_SOON_S = 0.02
"""For so long slices to be asked for ahead are gathered: those of all owners run out at the same moment."""
REFRESH_S = 1.0
"""How often a caller's limits are asked for, at most; callers decide when."""
REFRESHED_MAX = 1000
TRIES_MAX = 3
"""Slices of a rate that were over when they came, before the ledger counts as away."""


class Limits:
    """See the module. `clock` is monotonic, seconds. To be made before the link is opened."""

    def __init__(self, loop: asyncio.AbstractEventLoop, link: Link, clock: Callable[[], float]) -> None:
        self.owners = Owners(self._on_report)
        self.store_away: StoreAway = "closed"
        self.runs_max = RUNS_MAX
        self._loop = loop
        self._clock = clock
        self._full: dict[str, float] = {}
        self._full_patterns: dict[str, float] = {}
        """Until when owners and targets are known to have no room; patterns of models, and "any provider", apart."""
        self._refreshed: dict[str, float] = {}
        """When the ledger was last asked how a caller's limits stand."""
        self._dirty: dict[Counter, None] = {}
        self._in_hand: dict[Counter, None] = {}
        self._ahead: dict[Counter, None] = {}
        self._ahead_due = False
        self._closed = False
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._holding: dict[Counter, None] = {}
        """Counters of which the ledger believes something to be here."""
        self._client = LedgerClient(loop, link, self)

    # What calls ask

    def take(self, needs: Needs, into: Holding, soon: Iterable[Source] = ()) -> Future[None] | None:
        """Hold so much of each counter, or nothing. None: done. Else it waits, and fails with `LimitReached` or
        `LedgerAway`; who waits no more closes `into`, by settling it. `soon`: what the call needs next; where it waits,
        slices of these that are over are asked for in the same turn."""
        now_s = self._clock()
        parts = into.parts
        begun = len(parts)
        for source, need in needs:
            left = source.left - need
            if left < 0 or source.fresh_until_s <= now_s:
                if not source.fill(need, now_s):
                    for taken, _, amount in parts[begun:]:
                        taken.left += amount
                    del parts[begun:]
                    return self._take_of_each(needs, into, now_s, soon)
                left = source.left - need
                self._ask_ahead(source.counters)
            source.left = left
            parts.append((source, source.start_ms, need))
            if left < source.low:
                self._ask_ahead(source.counters)
        return None

    def settle(self, holding: Holding, amounts: Mapping[str, int], *, at_least_held: bool = False) -> None:
        """A call is over; see `Holding.settle`."""
        parts = holding.parts
        if not holding.settle(amounts, self._clock(), at_least_held=at_least_held):
            for source, _, _ in parts:
                if not source.in_hand:
                    self._note_in_hand(source.counters)

    # What others ask

    @property
    def full(self) -> int:
        """How many owners and targets are known to have no room."""
        now_s = self._clock()
        return sum(until_s > now_s for known in (self._full, self._full_patterns) for until_s in known.values())

    def room(self, owner: str) -> bool:
        """See `standing.Standings`."""
        if not self._full and not self._full_patterns:
            return True
        now_s = self._clock()
        if self._full.get(owner, 0.0) > now_s:
            return False
        return not any(
            until_s > now_s and fnmatchcase(owner, pattern) for pattern, until_s in self._full_patterns.items()
        )

    def used(self, caller: str) -> Used:
        """See `standing.Standings`."""
        standings = self.standing(caller)

        def fullest(*metrics: str) -> float:
            return max((one.percent for one in standings if one.metric in metrics), default=0.0)

        return Used(fullest("cost"), fullest("tokens", "input_tokens", "output_tokens"), fullest("requests"))

    def standing(self, caller: str) -> tuple[Standing, ...]:
        """See `standing.Standings`."""
        now_s = self._clock()
        chain = self.owners.chain(caller)
        aside = {one: portion.left for portion in chain.portions for one in portion.counters}
        return tuple(_standing(one, aside.get(one, 0), now_s) for one in chain.counters)

    def refresh(self, caller: str) -> Future[None] | None:
        """See `standing.Standings`."""
        now_s = self._clock()
        counters = self.owners.chain(caller).counters
        if not counters or self._refreshed.get(caller, -REFRESH_S) + REFRESH_S > now_s:
            return None
        if len(self._refreshed) >= REFRESHED_MAX:
            self._refreshed.clear()
        self._refreshed[caller] = now_s
        future: Future[None] = Future()
        waits = set(counters)

        def look_at(counter: Counter) -> None:
            def came(answer: Answer | None) -> None:
                if answer is not None and answer.short is not None:  # more is used than the limit is now
                    counter.tell_short(answer.short, now_s, FULL_S_MAX)
                elif answer is not None:
                    self.take_in((counter,), answer, now_s)
                waits.discard(counter)
                if not waits:
                    future.resolve(None)

            self._client.ask((Claim(counter.key, counter.limit, 0),), came, came)

        for one in counters:
            look_at(one)
        return future

    @property
    def leases(self) -> int:
        """Limits of which the ledger believes something to be here."""
        return len(self._holding)

    def close(self) -> None:
        """Give back all that no call holds, and report the rest, before the link is closed."""
        self._closed = True
        for counter in tuple(self._in_hand):
            counter.let_go()
        self._client.flush()

    # Waiting for the ledger

    def _take_of_each(self, needs: Needs, into: Holding, now_s: float, soon: Iterable[Source]) -> Future[None] | None:
        """The same of counters, without portions: there is little left, or not enough."""
        for source, need in needs:
            for counter in source.counters:
                if (counter.left < need or counter.good_until_s <= now_s) and not counter.fill(need, now_s):
                    self._ask_soon(soon, now_s)
                    asked = _Asked(self, [(one, part) for source, part in needs for one in source.counters], into)
                    asked.ask(now_s)
                    return asked.future
        parts = into.parts
        for source, need in needs:
            for counter in source.counters:
                counter.left -= need
                parts.append((counter, counter.start_ms, need))
                if counter.runs_out(now_s):
                    self._ask_ahead((counter,))
        return None

    def now_s(self) -> float:
        """The time, for calls that wait."""
        return self._clock()

    def claim(
        self, claims: Sequence[Claim], on_answer: Callable[[Answer | None], None], late: Callable[[Answer], None]
    ) -> None:
        """For calls that wait: `LedgerClient.ask`."""
        self._client.ask(claims, on_answer, late)

    def take_in(self, counters: Sequence[Counter], answer: Answer, asked_s: float) -> None:
        """Slices that came for counters: in hand now."""
        for counter, slice_ in zip(counters, answer.slices, strict=False):
            counter.take_in(slice_, asked_s)
            if counter.held:
                self._holding[counter] = None
        self._note_in_hand(counters)

    def note_full(self, owner: str, until_s: float) -> None:
        """A limit of an owner or a target has no room until then."""
        full = self._full_patterns if "*" in owner else self._full
        if len(full) >= FULL_MAX:
            full.clear()
        full[owner] = until_s

    def put_back(self, holding: Holding) -> None:
        """A call that goes on waiting, or is refused, holds nothing."""
        counters = holding.counters()
        holding.put_back(self._clock())
        self._note_in_hand(counters)

    def _ask_ahead(self, counters: Iterable[Counter]) -> None:
        now_s = self._clock()
        for one in counters:
            if not one.runs_out(now_s) or one in self._ahead or now_s - one.wished_s < AHEAD_PAUSE_S:
                continue
            self._ahead[one] = None
            if not self._ahead_due:
                self._ahead_due = True
                self._loop.call_later(AHEAD_SOON_S, self._send_ahead)

    def _ask_soon(self, sources: Iterable[Source], now_s: float) -> None:
        over = [
            one
            for source in sources
            for one in source.counters
            if one.wish and one.is_stale(now_s) and now_s - one.wished_s >= AHEAD_PAUSE_S
        ]
        for one in over:
            one.let_go()
        if over:
            self._ask_for(over, now_s)

    def _send_ahead(self) -> None:
        self._ahead_due = False
        counters = tuple(self._ahead)
        self._ahead.clear()
        self._ask_for(counters, self._clock())

    def _ask_for(self, counters: Sequence[Counter], now_s: float) -> None:
        """Ask for slices that no call waits for."""
        claims = [Claim(one.key, one.limit, 0, one.wishes(1, now_s), self.runs_max) for one in counters]

        def came(answer: Answer | None) -> None:
            if answer is not None:
                self.take_in(counters, answer, now_s)

        self._client.ask(claims, came, came)

    # Reports, which the client asks for

    def reports(self, reports_max: int) -> list[Report]:
        """See `client.Keeper`."""
        now_s = inf if self._closed else self._clock()
        reports: list[Report] = []
        for counter in tuple(self._dirty):
            if len(reports) >= reports_max:
                break
            reports += counter.reports(now_s)
            if not counter.dirty:
                self._dirty.pop(counter, None)
            if not counter.held:
                self._holding.pop(counter, None)
        if self._dirty and not self._closed:
            self._client.report_soon()
        return reports

    def held(self) -> Sequence[Held]:
        """See `client.Keeper`."""
        return [Held(one.key, start_ms, held) for one in self._holding for start_ms, held in one.held.items()]

    def give_back(self, keys: Sequence[str]) -> None:
        """See `client.Keeper`."""
        for key in keys:
            counter = self.owners.counters.get(key)
            if counter is not None:
                counter.let_go()

    def _on_report(self, counter: Counter) -> None:
        self._dirty[counter] = None
        self._client.report_soon()

    # Idle slices

    def _note_in_hand(self, counters: Iterable[Counter]) -> None:
        for counter in counters:
            if counter.left and not counter.in_hand:
                counter.in_hand = True
                self._in_hand[counter] = None
        if self._in_hand and self._sweep_timer is None:
            self._sweep_timer = self._loop.call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        now_s = self._clock()
        for counter in tuple(self._in_hand):
            counter.gather()
            if counter.left == counter.quiet or counter.is_stale(now_s):
                counter.let_go()
            counter.quiet = counter.left
            if not counter.left:
                counter.quiet = -1
                counter.in_hand = False
                del self._in_hand[counter]
        self._sweep_timer = self._loop.call_later(SWEEP_S, self._sweep) if self._in_hand else None
        if self._sweep_timer is None or self.owners.crowded:
            self.owners.forget_idle()


class _Asked:
    """A call that waits for the ledger. What it holds meanwhile no other call can take."""

    __slots__ = ("_asked_s", "_claimed", "_into", "_limits", "_needs", "_tries", "future")

    def __init__(self, limits: Limits, needs: Sequence[tuple[Counter, int]], into: Holding) -> None:
        self.future: Future[None] = Future()
        self._limits = limits
        self._needs = needs
        self._into = into
        self._tries = 0
        self._asked_s = 0.0
        self._claimed: list[tuple[Counter, int]] = []

    def ask(self, now_s: float) -> None:
        """Hold what is in hand, and claim what is missing."""
        self._asked_s = now_s
        self._tries += 1
        self._into.mixed = True
        self._claimed = []
        for counter, need in self._needs:
            if counter.left < need:
                counter.gather()
            if counter.is_stale(now_s):
                counter.let_go()
            part = min(counter.left, need)
            if part:
                counter.left -= part
                self._into.parts.append((counter, counter.start_ms, part))
            if part < need:
                self._claimed.append((counter, need - part))
        most = self._limits.runs_max
        claims = [Claim(one.key, one.limit, need, one.wishes(need, now_s), most) for one, need in self._claimed]
        self._limits.claim(claims, self._on_answer, self._take_in)

    def _take_in(self, answer: Answer) -> None:
        self._limits.take_in([counter for counter, _ in self._claimed], answer, self._asked_s)

    def _on_answer(self, answer: Answer | None) -> None:
        if answer is not None:
            self._take_in(answer)
        if self._into.closed:
            return
        now_s = self._limits.now_s()
        # Also after a refusal: what came for others meanwhile may do.
        if all(counter.fill(need, now_s) for counter, need in self._claimed):
            for counter, need in self._claimed:
                counter.left -= need
                self._into.parts.append((counter, counter.start_ms, need))
            self.future.resolve(None)
        elif answer is None or (answer.short is None and self._tries >= TRIES_MAX):
            self._go_without()
        elif answer.short is None:  # the slices were over when they came
            self._limits.put_back(self._into)
            self.ask(now_s)
        else:
            self._limits.put_back(self._into)
            self.future.fail(self._refusal(answer.short, now_s))

    def _refusal(self, short: Short, now_s: float) -> LimitReached:
        counter, missing = next(one for one in self._claimed if one[0].key == short.key)
        full_s = FULL_S_MAX if short.resets_in_ms < 0 else min(FULL_S_MAX, short.resets_in_ms / 1000)
        counter.tell_short(short, now_s, full_s)
        amount = counter.limit.amount
        if amount - short.used <= amount // FULL_SHARE:
            self._limits.note_full(counter.owner, now_s + full_s)
        need = next(need for one, need in self._needs if one is counter)
        # What this call held of it meanwhile is no one else's.
        return refusal(counter.owner, counter.limit, short, need=need, used=max(0, short.used - (need - missing)))

    def _go_without(self) -> None:
        """The ledger is away."""
        limits = self._limits
        strict = any(one.limit.metric == "cost" and one.limit.strict for one, _ in self._claimed)
        if limits.store_away == "open" and not strict:
            for counter, _ in self._claimed:
                self._into.parts.append((counter, NO_WINDOW, 0))
            self.future.resolve(None)
            return
        limits.put_back(self._into)
        self.future.fail(
            LedgerAway(
                "the store of budgets and rate limits does not answer, and this call is not covered by what is at "
                "hand; try again shortly",
                retry_after_s=1,
            )
        )


def _standing(counter: Counter, aside: int, now_s: float) -> Standing:
    """`aside`: what is set aside of it for the calls that this is about."""
    limit = counter.limit
    if counter.told_until_s <= now_s:  # nothing is known of the window of now
        return Standing(counter.owner, limit.id, limit.metric, limit.window, limit.amount, 0)
    used = max(0, counter.used - counter.left - aside)
    return Standing(counter.owner, limit.id, limit.metric, limit.window, limit.amount, used, counter.ends_ms or None)
