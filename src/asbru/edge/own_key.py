"""`GET /v1/key`: what a virtual key may see of itself: its access, and its limits as they stand.

It stays open when a budget is spent, like the list of models. The ledger is asked how the limits stand, at most once a
second; where it does not answer, what the worker knows is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from asbru.core.money import NANOUSD_PER_USD
from asbru.governance import Caller
from asbru.governance.standing import Standing, Standings


async def refresh_standings(standings: Standings | None, caller: Caller) -> None:
    """Wait for what the ledger knows of the caller's limits."""
    wait = standings.refresh(caller.name) if standings is not None else None
    if wait is not None:
        await wait


def write_own_key(caller: Caller, standings: Sequence[Standing]) -> bytes:
    """The page as JSON."""
    entry = caller.entry
    return msgspec.json.encode(
        {
            "name": caller.name,
            "owners": caller.owners,
            "expires_at": _time(entry.expires_ms) if entry.expires_ms else None,
            "models": entry.models,
            "blocked_models": entry.blocked_models,
            "providers": [
                {
                    "provider": one.provider,
                    "models": one.models,
                    "blocked_models": one.blocked_models,
                    "keys": one.keys,
                }
                for one in entry.providers
            ],
            "surfaces": entry.surfaces,
            "mcp": caller.mcp,
            "tags": entry.tags,
            "limits": [_limit(one) for one in standings],
        }
    )


def _limit(one: Standing) -> dict[str, Any]:
    """Budgets are told in US dollars, all else in what is counted."""
    unit, scale = ("_usd", NANOUSD_PER_USD) if one.metric == "cost" else ("", 1)
    return {
        "owner": one.owner,
        "metric": one.metric,
        "window": one.window,
        f"amount{unit}": one.amount / scale if scale > 1 else one.amount,
        f"used{unit}": one.spent / scale if scale > 1 else one.spent,
        "used_percent": round(one.percent, 2),
        "resets_at": None if one.resets_at_ms is None else _time(one.resets_at_ms),
    }


def _time(unix_ms: int) -> str:
    return f"{datetime.fromtimestamp(unix_ms // 1000, UTC):%Y-%m-%dT%H:%M:%SZ}"
