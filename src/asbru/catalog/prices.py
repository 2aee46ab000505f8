"""Prices at run time: which rows hold for a provider's model.

Models are matched by the clauses of the price data, in its order, the first match wins; an answer is
remembered in a bounded table, so that the matching is paid once per name. No clock, no network,
no price library.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

import msgspec

from asbru.core.money import PriceRow, UnitPrices
from asbru.core.usage import Unit

REMEMBERED_NAMES_MAX = 4096
"""Answers kept per book; a caller who invents names can fill the table but not grow it."""

_COMPACT_DATE = re.compile(r"(-)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=-|:|$)")


class MatchClause(msgspec.Struct, frozen=True, array_like=True):
    """One test of a lower-case model name. `op`: equals, starts_with, ends_with, contains, regex (of `text`),
    or any, all (of `parts`)."""

    op: str
    text: str = ""
    parts: tuple[MatchClause, ...] = ()

    def matches(self, name: str) -> bool:
        """Whether `name`, in lower case, passes."""
        match self.op:
            case "equals":
                return name == self.text
            case "starts_with":
                return name.startswith(self.text)
            case "ends_with":
                return name.endswith(self.text)
            case "contains":
                return self.text in name
            case "regex":
                return re.search(self.text, name) is not None
            case "any":
                return any(part.matches(name) for part in self.parts)
            case "all":
                return all(part.matches(name) for part in self.parts)
            case _:
                return False


class PricedModel(msgspec.Struct, frozen=True, array_like=True):
    """A model of the price data: its names and its rows, ascending by size (none: not priced by token); and the rows of
    service tiers that have prices of their own. `context_tokens`: how much it reads and writes at most; 0: unknown.
    `units`: what is charged by the piece."""

    id: str
    match: MatchClause
    rows: tuple[PriceRow, ...] = ()
    tiers: dict[str, tuple[PriceRow, ...]] = {}
    context_tokens: int = 0
    units: dict[Unit, int] = {}


class PriceBook:
    """The prices of every provider. Not shared between threads."""

    def __init__(self, models: Mapping[str, tuple[PricedModel, ...]]) -> None:
        self._models = dict(models)
        self._answers: dict[tuple[str, str, str], tuple[PriceRow, ...] | None] = {}
        self._units: dict[tuple[str, str], UnitPrices] = {}

    def rows(self, provider: str, model: str, tier: str = "") -> tuple[PriceRow, ...] | None:
        """The rows for `model` as the provider spells it, in a service tier ("": the standard one), or None where no
        price per token is known."""
        key = (provider, model, tier)
        try:
            return self._answers[key]
        except KeyError:
            pass
        found = find_priced_model(self._models.get(provider, ()), model)
        rows: tuple[PriceRow, ...] | None = None
        if found is not None:
            rows = (found.tiers.get(tier) if tier else found.rows) or None
        if len(self._answers) >= REMEMBERED_NAMES_MAX:
            self._answers.clear()
        self._answers[key] = rows
        return rows

    def units(self, provider: str, model: str) -> UnitPrices:
        """The prices of units for `model`: those of the first that fits and has any."""
        key = (provider, model)
        try:
            return self._units[key]
        except KeyError:
            pass
        priced = tuple(one for one in self._models.get(provider, ()) if one.units)
        found = find_priced_model(priced, model)
        if len(self._units) >= REMEMBERED_NAMES_MAX:
            self._units.clear()
        units = self._units[key] = {} if found is None else found.units
        return units

    def both(self, provider: str, model: str) -> tuple[tuple[PriceRow, ...] | None, UnitPrices]:
        """All standard prices of a model: its rows, and those of units."""
        return self.rows(provider, model), self.units(provider, model)


def find_priced_model(models: tuple[PricedModel, ...], name: str) -> PricedModel | None:
    """The first model whose clauses match; a compact date (20251211) is tried again with dashes, as the
    data's own library does."""
    name = name.lower()
    for model in models:
        if model.match.matches(name):
            return model
    dashed = _COMPACT_DATE.sub(_with_dashes, name)
    if dashed == name:
        return None
    for model in models:
        if model.match.matches(dashed):
            return model
    return None


def _with_dashes(found: re.Match[str]) -> str:
    year, month, day = int(found[2]), int(found[3]), int(found[4])
    try:
        date(year, month, day)
    except ValueError:
        return found[0]
    return f"{found[1]}{year:04d}-{month:02d}-{day:02d}"
