"""The most that a call may use and cost at a target, without counting tokens: bytes and limits, whole numbers.

Input: a token for every three bytes of the body, which few texts exceed. Output: what the caller allows, else what the
model can; of a stream at most what is reserved at a time, since it can reserve more. A count of tokens is free, and
what speaks no words has the output that its operation says, or none. Files of a form count otherwise
(`input_tokens_max`). What is charged by the piece (`Operation.units_max`, `charge`) comes on top.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from asbru.core.money import MTOK, price_units_nanousd
from asbru.core.usage import Unit
from asbru.dialects import Operation, RequestHead
from asbru.governance.limits import Reservation
from asbru.pipeline.call import Call
from asbru.pipeline.ports import Prices
from asbru.routing import Target

BYTES_PER_TOKEN = 3
FILE_TOKENS = 8192
"""What any file of a form may count for, however small: an image counts by its size in pixels, at most some 6,000."""
BYTES_PER_FILE_TOKEN = 64
"""And for each so many bytes of it: a token of audio is a tenth of a second, of speech that is coded very sparingly."""
RATES_MAX = 4096
"""Targets whose prices are remembered."""
ONE_REQUEST: tuple[tuple[Unit, int], ...] = (("request", 1),)
"""What a call to a model is charged that has no price per token, but one per request."""
NEED_MAX = 1 << 60
"""More than any limit can be. What callers ask for has no bound, and what the ledger is asked for must have one."""


class WorstCase(NamedTuple):
    """Tokens, and nano-dollars; `cost` is None where no price is known. `output_cost`: of a million output tokens."""

    input_tokens: int
    output_tokens: int
    cost: int | None
    output_cost: int = 0

    def amounts(self) -> dict[str, int]:
        """The amounts for the metrics of money and tokens."""
        return {
            "cost": self.cost or 0,
            "input_tokens": self.input_tokens,
            "output_tokens": self.output_tokens,
            "tokens": self.input_tokens + self.output_tokens,
        }

    def grown(self, output_tokens: int) -> WorstCase:
        """The same, where so many tokens came out: never less than it was."""
        more = output_tokens - self.output_tokens
        if more <= 0:
            return self
        cost = None if self.cost is None else self.cost + -(-more * self.output_cost // MTOK)
        return self._replace(output_tokens=output_tokens, cost=cost)

    def of(self, metric: str) -> int:
        """The amount for a metric of a limit: one call, where it counts neither money nor tokens."""
        return self.amounts().get(metric, 1)


def dearest(cases: Sequence[WorstCase]) -> WorstCase:
    """The most of each; a price that is not known does not count beside one that is."""
    if len(cases) == 1:
        return cases[0]
    costs = [case.cost for case in cases if case.cost is not None]
    return WorstCase(
        max(case.input_tokens for case in cases),
        max(case.output_tokens for case in cases),
        max(costs) if costs else None,
        max(case.output_cost for case in cases),
    )


class Rates:
    """The dearest prices of targets, worked out once for each: (above how many input tokens, of a million input tokens,
    of a million output tokens), in the order of where they begin; none is less than the one before. None where a price
    is not known."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices
        self._known: dict[tuple[Target, str], tuple[_Rate, ...] | None] = {}
        self._plain: dict[tuple[Target, str], _Rate | None] = {}

    def units_cost(self, target: Target, units: tuple[tuple[Unit, int], ...]) -> int | None:
        """What so many units cost at most, by any key; None where there are none, or one of them has no known price."""
        if not units:
            return None
        provider = target.provider.name
        costs = [price_units_nanousd(self._prices.units(provider, name), units) for name in _served_models(target)]
        known = [cost for cost in costs if cost is not None]
        return max(known) if len(known) == len(costs) else None

    def of(self, target: Target, tier: str) -> tuple[_Rate, ...] | None:
        """Of any key that may serve the target. `tier`: the service tier that is asked for, beside the standard one."""
        try:
            return self._known[target, tier]
        except KeyError:
            pass
        if len(self._known) >= RATES_MAX:  # callers choose models
            self._known.clear()
        found = self._known[target, tier] = self._work_out(target, tier)
        return found

    def plain(self, target: Target, operation: Operation) -> _Rate | None:
        """The rate of what is charged by token alone, at one standard price however large it is; None of other calls,
        and of those whose price is not known."""
        key = (target, operation.surface)
        try:
            return self._plain[key]
        except KeyError:
            pass
        if len(self._plain) >= RATES_MAX:
            self._plain.clear()
        only_tokens = (
            operation.by_token
            and operation.speaks
            and operation.units_max is None
            and operation.charge is None
            and not operation.is_free
        )
        known = self.of(target, "") if only_tokens else None
        found = known[0] if known and len(known) == 1 and not known[0].above_tokens else None
        self._plain[key] = found
        return found

    def _work_out(self, target: Target, tier: str) -> tuple[_Rate, ...] | None:
        provider, rows = target.provider.name, self._prices.rows
        names = _served_models(target)
        found = [rows(provider, name) for name in names]
        if any(one is None for one in found):
            return None
        if tier:
            found += [rows(provider, name, tier) for name in names]
        rows_found = sorted(
            (row for one in found if one is not None for row in one), key=lambda row: row.above_tokens
        )
        rates: list[_Rate] = []
        rate = _FREE
        for row in rows_found:
            rate = _Rate(
                row.above_tokens,
                max(
                    rate.input_cost,
                    row.input,
                    row.cache_read,
                    row.cache_write_5m,
                    row.cache_write_1h,
                    row.audio_input,
                    row.image_input or 0,
                ),
                max(rate.output_cost, row.output, row.audio_output, row.image_output or 0),
            )
            rates.append(rate)
        return tuple(rates)


class _Rate(NamedTuple):
    above_tokens: int
    input_cost: int
    output_cost: int


_FREE = _Rate(0, 0, 0)


def _served_models(target: Target) -> set[str]:
    """The names by which the upstream may know the target's model, one for each key that calls it otherwise."""
    return {key.aliases.get(target.model, target.model) for key in target.provider.keys} or {target.model}


def worst_case(call: Call, target: Target, rates: Rates, settings: Reservation) -> WorstCase:
    """The worst case of one attempt at a target."""
    operation, head = call.operation, call.head
    if head is not None and head.form is None and head.model and head.members.get("service_tier") is None:
        rate = rates.plain(target, operation)
        if rate is not None:  # nearly all
            input_tokens = (call.body_bytes + call.added_bytes) // BYTES_PER_TOKEN + 1
            output_tokens = _output_tokens(head, target, settings)
            output_cost = rate.output_cost
            cost = -(-(input_tokens * rate.input_cost + output_tokens * output_cost) // MTOK)
            return WorstCase(input_tokens, output_tokens, cost if cost < NEED_MAX else NEED_MAX, output_cost)
    return _in_general(call, target, rates, settings)


def _in_general(call: Call, target: Target, rates: Rates, settings: Reservation) -> WorstCase:
    """The worst case of any attempt, whatever it is charged by."""
    operation, head = call.operation, call.head
    if operation.is_free:
        return WorstCase(0, 0, 0)
    assert head is not None
    input_tokens = input_tokens_max(call) if operation.by_token else 0
    output_tokens = 0
    if operation.speaks:
        output_tokens = _output_tokens(head, target, settings)
    elif operation.output_tokens_max is not None:
        output_tokens = min(operation.output_tokens_max(head), NEED_MAX)
    if not head.model:  # what names no model may be about any
        return WorstCase(input_tokens, output_tokens, None)
    raw_tier = head.members.get("service_tier")
    known = rates.of(target, "" if raw_tier is None else _tier(raw_tier))
    pieces = None
    if operation.units_max is not None or operation.charge is not None:
        pieces = rates.units_cost(target, units_of(operation, head, call.body))
    elif known is None:
        pieces = rates.units_cost(target, ONE_REQUEST)
    if known is None or not operation.by_token:  # a price per token says nothing about what has none
        return WorstCase(input_tokens, output_tokens, None if pieces is None else min(pieces, NEED_MAX))
    rate = _FREE
    for one in known:
        if one.above_tokens and input_tokens <= one.above_tokens:
            break
        rate = one
    cost = -(-(input_tokens * rate.input_cost + output_tokens * rate.output_cost) // MTOK) + (pieces or 0)
    return WorstCase(input_tokens, output_tokens, min(cost, NEED_MAX), rate.output_cost)


def units_of(operation: Operation, head: RequestHead, body: bytes) -> tuple[tuple[Unit, int], ...]:
    """The most that a call may be charged by the piece."""
    if operation.units_max is not None:
        return operation.units_max(head, body)
    usage = None if operation.charge is None else operation.charge(head, body)
    return () if usage is None else usage.units


def input_tokens_max(call: Call) -> int:
    """The tokens that the body may hold at most, with what Asbru adds to it."""
    form = None if call.head is None else call.head.form
    if form is None:
        return (call.body_bytes + call.added_bytes) // BYTES_PER_TOKEN + 1
    files = sum(1 for part in form.parts if part.is_file)
    return form.field_bytes // BYTES_PER_TOKEN + 1 + files * FILE_TOKENS + form.file_bytes // BYTES_PER_FILE_TOKEN


def max_tokens_of(head: RequestHead) -> int | None:
    """The output tokens that the caller allows for each choice. Nothing below 1 is a limit: some servers take it for
    the absence of one."""
    asked = head.max_tokens
    return asked if asked is not None and asked > 0 else None


def _tier(raw: bytes) -> str:
    """The service tier that is asked for; the provider may serve by the standard one."""
    try:
        return msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError:
        return ""  # the provider will refuse it


def _output_tokens(head: RequestHead, target: Target, settings: Reservation) -> int:
    most = settings.reserve_output_tokens_max
    allowed = head.max_tokens
    if allowed is None or allowed <= 0:  # see `max_tokens_of`
        traits = target.provider.only_traits or target.provider.traits[target.model]
        allowed = traits.max_output_tokens or most
        allowed = min(allowed, most)
    elif head.stream and allowed > most:
        allowed = most
    if head.choices > 1:
        allowed *= head.choices
    return allowed if allowed < NEED_MAX else NEED_MAX
