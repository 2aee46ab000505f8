"""msgspec, imported without typing_extensions; a process that stays imports this before anything else that needs it.

msgspec prefers that module to `typing` where it is installed (pydantic needs it), though from Python 3.11 on `typing`
has all that msgspec takes from it. It would be another half to two megabytes in every worker and bookkeeper. Whoever
imports it later gets it.
"""

from __future__ import annotations

import sys

__all__ = ["msgspec"]

_HELD_BACK = "typing_extensions"

if _HELD_BACK in sys.modules or "msgspec" in sys.modules:  # too late, as in tests: nothing to gain
    import msgspec
else:
    sys.modules[_HELD_BACK] = None  # pyright: ignore[reportArgumentType] -- how the import system is told of none
    try:
        import msgspec
    finally:
        del sys.modules[_HELD_BACK]
