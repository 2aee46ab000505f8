"""Sums of records by minute, hour and day, with histograms of latency, by owner, provider, model and error.

What is written is noted as facts in the transaction of the records (`facts`) and folded into the sums soon after
(`fold`); the overview is read from the sums alone (`overview`). It refuses to read records.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.records.rollups import backfill, facts, fold, histogram, overview, span

__all__ = ["backfill", "facts", "fold", "histogram", "overview", "span"]
