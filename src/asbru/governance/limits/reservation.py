"""How much a call may need, and how that is decided: settings of reservation, and of what is counted apart."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from asbru.governance.ledger.ledger import RUNS_MAX


class Reservation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is held for a call before it goes out, and what happens where that cannot be known or asked."""

    reserve_output_tokens_max: Annotated[
        int,
        Meta(
            ge=1,
            le=10_000_000,
            description="Output tokens reserved for a stream, or for a call that names no `max_tokens`, at most; a "
            "stream that outgrows them reserves more.",
        ),
    ] = 4096
    unknown_price: Annotated[
        Literal["refuse", "allow"],
        Meta(
            description="A call under a budget to a model whose price is not known: refused, or served and not counted."
        ),
    ] = "refuse"
    store_away: Annotated[
        Literal["closed", "open"],
        Meta(
            description="While the store of limits does not answer, a call that needs it is refused (503), or served "
            "and counted later. Strict budgets are always closed."
        ),
    ] = "closed"
    runs_max: Annotated[
        int,
        Meta(
            ge=1,
            le=1_000_000,
            description="Runs that a limit with `window: run` counts separately. The run that has been idle longest "
            "makes room for a new one; if all are in use, the new one is refused (429).",
        ),
    ] = RUNS_MAX
