"""What is known of models, beside what a dialect writes of them in its list: members that no provider's format has.

    context_window      tokens that the model reads and writes at most
    max_output_tokens   tokens that it writes at most
    input_modalities    text and what else it takes
    operations          what it is for
    pricing             US dollars for a million tokens

What is not known is left out. Not here: the members of a dialect, and which models there are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from asbru.catalog.facts import ModelFacts
from asbru.catalog.listing import ListedModel, ListedPrices
from asbru.core.money import NANOUSD_PER_USD
from asbru.core.traits import CatalogueModel
from asbru.pipeline import in_task

WORK_MAX = 20_000
"""Comparisons that may be made between two calls; more are made in a thread."""

_PRICES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input", "audio_output")


async def look_up(loop: asyncio.AbstractEventLoop, facts: ModelFacts, names: Sequence[str]) -> None:
    """Have the facts of these models at hand. Awaits nothing but Futures."""
    unknown = facts.unknown(names)
    if facts.work(unknown) <= WORK_MAX:
        facts.look_up(unknown)
    else:
        await in_task(loop, asyncio.to_thread(facts.look_up, unknown))


def with_facts(body: bytes, of: Callable[[str], ListedModel | None]) -> bytes:
    """The list, or the one model, in `body` with what is known of each entry that has an `id`."""
    value = msgspec.json.decode(body)
    listed: object = cast("dict[str, Any]", value).get("data", [value]) if isinstance(value, dict) else None
    for entry in cast("list[object]", listed) if isinstance(listed, list) else ():
        if isinstance(entry, dict):
            members = cast("dict[str, Any]", entry)
            known = of(str(members.get("id")))
            if known is not None:
                members.update({name: told for name, told in _members(known).items() if name not in members})
    return msgspec.json.encode(value)


def _members(model: ListedModel) -> dict[str, Any]:
    told = {
        "context_window": model.context_tokens,
        "max_output_tokens": model.output_tokens_max,
        "input_modalities": ["text", *model.capabilities.inputs] if "chat" in model.capabilities.operations else None,
        "operations": list(model.capabilities.operations) or None,
        "pricing": None if model.prices is None else _pricing(model.prices),
    }
    return {name: value for name, value in told.items() if value is not None}


def _pricing(prices: ListedPrices) -> dict[str, Any]:
    told: dict[str, Any] = {name: getattr(prices, name) / NANOUSD_PER_USD for name in _PRICES}
    above = {tokens: _pricing(rates) for tokens, rates in prices.above.items()}
    return {**told, "above": above} if above else told


def asks_for(query: bytes, parameter: bytes) -> bool:
    """Whether a query has a parameter."""
    return any(part.partition(b"=")[0] == parameter for part in query.split(b"&"))


def catalogue_of(names: Sequence[str], facts: ModelFacts | None) -> list[CatalogueModel]:
    """The models that can be chatted with, as clients plan by them."""
    return [
        one for name in names if (one := _catalogued(name, None if facts is None else facts.of(name))) is not None
    ]


def _catalogued(name: str, model: ListedModel | None) -> CatalogueModel | None:
    if model is None:
        return CatalogueModel(name=name)
    known = model.capabilities
    if known.operations and "chat" not in known.operations:
        return None
    return CatalogueModel(
        name=name,
        context_tokens=model.context_tokens,
        inputs=known.inputs,
        thinking=known.thinking,
        efforts=known.efforts,
    )
