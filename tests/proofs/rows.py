"""What a proof says: one figure against its bar. Rows are written to `build/proofs.json` by `tests.proofs`."""

from __future__ import annotations

import msgspec


class Row(msgspec.Struct, frozen=True):
    """`holds`: whether the figure keeps to the bar; `bar` says which way in words. `timed`: how fast the machine is
    decides too, so a figure beyond its bar is told and ends nothing."""

    experiment: str
    store: str
    figure: float
    unit: str
    bar: str
    holds: bool
    timed: bool = False


def at_most(experiment: str, figure: float, unit: str, most: float, *, timed: bool = False) -> Row:
    """A figure that may not be above."""
    return Row(experiment, "sqlite", figure, unit, f"at most {most:g}", figure <= most, timed)


def at_least(experiment: str, figure: float, unit: str, least: float) -> Row:
    """A figure that may not be below."""
    return Row(experiment, "sqlite", figure, unit, f"at least {least:g}", figure >= least)
