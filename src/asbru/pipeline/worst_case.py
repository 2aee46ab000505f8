"""The most that a call may use and cost at a target, without counting tokens: bytes and limits, whole numbers.

Input: a token for every three bytes of the body, which few texts exceed. Output: what the caller allows, else what the
model can; of a stream at most what is reserved at a time, since it can reserve more. A count of tokens is free, and
what speaks no words has no output.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from asbru.core.money import MTOK, PriceRow
from asbru.dialects import RequestHead
from asbru.governance.limits import Reservation
from asbru.pipeline.call import Call
from asbru.pipeline.ports import Prices
from asbru.routing import Target

BYTES_PER_TOKEN = 3
NEED_MAX = 1 << 60
"""More than any limit can be. What callers ask for has no bound, and what the ledger is asked for must have one."""


class WorstCase(NamedTuple):
    """Tokens, and nano-dollars; `cost` is None where no price is known. `output_cost`: of a million output tokens."""

    input_tokens: int
    output_tokens: int
    cost: int | None
    output_cost: int = 0

    def of(self, metric: str) -> int:
        """The amount for a metric of a limit."""
        match metric:
            case "cost":
                return self.cost or 0
            case "input_tokens":
                return self.input_tokens
            case "output_tokens":
                return self.output_tokens
            case "tokens":
                return self.input_tokens + self.output_tokens
            case _:
                return 1


def dearest(cases: Sequence[WorstCase]) -> WorstCase:
    """The most of each; a price that is not known does not count beside one that is."""
    costs = [case.cost for case in cases if case.cost is not None]
    return WorstCase(
        max(case.input_tokens for case in cases),
        max(case.output_tokens for case in cases),
        max(costs) if costs else None,
        max(case.output_cost for case in cases),
    )


def worst_case(call: Call, target: Target, prices: Prices, settings: Reservation) -> WorstCase:
    """The worst case of one attempt at a target."""
    if call.operation.write_count is not None:
        return WorstCase(0, 0, 0)
    input_tokens = call.body_bytes // BYTES_PER_TOKEN + 1
    output_tokens = _output_tokens(call, target, settings) if call.operation.speaks else 0
    names = {key.aliases.get(target.model, target.model) for key in target.provider.keys} or {target.model}
    found = [prices.rows(target.provider.name, name) for name in names]
    if any(one is None for one in found):
        return WorstCase(input_tokens, output_tokens, None)
    tier = _tier(call)
    if tier:
        found += [prices.rows(target.provider.name, name, tier) for name in names]
    rows = [row for one in found if one is not None for row in _reached(one, input_tokens)]
    output_cost = max(max(row.output, row.audio_output) for row in rows)
    input_cost = max(
        max(row.input, row.cache_read, row.cache_write_5m, row.cache_write_1h, row.audio_input) for row in rows
    )
    cost = -(-(input_tokens * input_cost + output_tokens * output_cost) // MTOK)
    return WorstCase(input_tokens, output_tokens, min(cost, NEED_MAX), output_cost)


def max_tokens_of(head: RequestHead) -> int | None:
    """The output tokens that the caller allows for each choice. Nothing below 1 is a limit: some servers take it for
    the absence of one."""
    asked = head.max_tokens
    return asked if asked is not None and asked > 0 else None


def _tier(call: Call) -> str:
    """The service tier that is asked for; the provider may serve by the standard one."""
    raw = call.head.members.get("service_tier") if call.head is not None else None
    try:
        return "" if raw is None else msgspec.json.decode(raw, type=str)
    except msgspec.MsgspecError:
        return ""  # the provider will refuse it


def _reached(rows: Sequence[PriceRow], input_tokens: int) -> Sequence[PriceRow]:
    """The rows that may hold for so many tokens."""
    return [row for row in rows if not row.above_tokens or input_tokens > row.above_tokens]


def _output_tokens(call: Call, target: Target, settings: Reservation) -> int:
    head = call.head
    assert head is not None
    most = settings.reserve_output_tokens_max
    traits = target.provider.only_traits or target.provider.traits[target.model]
    asked = max_tokens_of(head)
    allowed = asked or traits.max_output_tokens or most
    if head.stream or asked is None:
        allowed = min(allowed, most)
    return min(allowed * max(1, head.choices), NEED_MAX)
