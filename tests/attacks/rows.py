"""What an attack says: one figure against its bar. Rows are written to `build/attack.json` by `tests.attacks`."""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True):
    """`holds`: whether the figure keeps to the bar; `bar` says which way in words."""

    attack: str
    figure: float
    unit: str
    bar: str
    holds: bool


def at_most(attack: str, figure: float, unit: str, most: float) -> Row:
    """A figure that may not be above."""
    return Row(attack, round(figure, 3), unit, f"at most {most:g}", figure <= most)


def at_least(attack: str, figure: float, unit: str, least: float) -> Row:
    """A figure that may not be below."""
    return Row(attack, round(figure, 3), unit, f"at least {least:g}", figure >= least)
