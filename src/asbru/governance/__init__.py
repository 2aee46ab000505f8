"""Governance: who calls and what they may use.

Here so far: virtual keys and the models they allow. It refuses to know HTTP, providers or prices.
"""

from asbru.governance.keys import OPEN_CALLER, Caller, Keys, caller, refuse_model

__all__ = ["OPEN_CALLER", "Caller", "Keys", "caller", "refuse_model"]
