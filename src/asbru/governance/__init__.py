"""Governance: who calls and what they may use.

Here so far: virtual keys and the models they allow. It refuses to know HTTP, providers or prices.
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
    from asbru.governance import declare, declared

__all__ = [
    "OPEN_CALLER",
    "VIRTUAL_KEY",
    "Caller",
    "Keys",
    "caller",
    "declare",
    "declared",
    "digest_of",
    "refuse_model",
    "write_virtual_key",
]
