"""Floor 2.5: what Asbru says about itself: metrics and log lines. Every floor above may speak.

The run side (`Meter`) counts in slots of its own and never renders; the merging side (`merge`, `exposition`) runs in
the bookkeeper. It refuses to know what a call is: it is told numbers and labels.
"""

from typing import TYPE_CHECKING

from asbru.telemetry import names
from asbru.telemetry.limited import LimitedLog
from asbru.telemetry.log import log
from asbru.telemetry.metrics import OTHER, CallLabels, CallSlot, Collected, Counter, Meter

if TYPE_CHECKING:
    from asbru.telemetry import exposition, merge, status

__all__ = [
    "OTHER",
    "CallLabels",
    "CallSlot",
    "Collected",
    "Counter",
    "LimitedLog",
    "Meter",
    "exposition",
    "log",
    "merge",
    "names",
    "status",
]
