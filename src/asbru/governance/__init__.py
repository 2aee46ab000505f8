"""Governance: who calls, what they may use, and how much of it.

Virtual keys and the models they allow (`keys`); owners as they are declared (`declared`) and told to workers
(`entries`), and how their limits stand (`standing`). Limits as a worker holds them are a room of their own (`limits`),
and so is the ledger that it takes them from (`ledger`). It refuses to know HTTP, providers or prices.
"""

from typing import TYPE_CHECKING

from asbru.governance.keys import (
    OPEN_CALLER,
    VIRTUAL_KEY,
    Caller,
    Keys,
    caller,
    digest_of,
    refuse_model,
    write_virtual_key,
)

if TYPE_CHECKING:
    from asbru.governance import declared, entries, standing

__all__ = [
    "OPEN_CALLER",
    "VIRTUAL_KEY",
    "Caller",
    "Keys",
    "caller",
    "declared",
    "digest_of",
    "entries",
    "refuse_model",
    "standing",
    "write_virtual_key",
]
