"""Governance: who calls, what they may use, and how much of it.

Virtual keys (`keys`) and what their callers may use (`caller`); owners as they are declared (`declared`), checked and
turned into feed entries (`declare`), and told to workers (`entries`); how their limits stand (`standing`). Limits as a
worker holds them are a room of their own (`limits`), and so is the ledger that they are taken from (`ledger`). It
refuses to know HTTP, providers or prices.
"""

from typing import TYPE_CHECKING

from asbru.governance.caller import NOBODY, OPEN_CALLER, Caller
from asbru.governance.entries import VIRTUAL_KEY, write_virtual_key
from asbru.governance.keys import Keys, caller_behind, digest_of

if TYPE_CHECKING:
    from asbru.governance import declare, declared, entries, standing

__all__ = [
    "NOBODY",
    "OPEN_CALLER",
    "VIRTUAL_KEY",
    "Caller",
    "Keys",
    "caller_behind",
    "declare",
    "declared",
    "digest_of",
    "entries",
    "standing",
    "write_virtual_key",
]
