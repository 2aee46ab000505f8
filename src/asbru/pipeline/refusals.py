"""Calls refused for want of a key: each is counted, but only some are recorded, or anyone could fill the disk: of one
reason and address a few each second.
"""

from __future__ import annotations

RECORDED_MAX = 5
"""Records of one reason and address in a window."""
WINDOW_S = 1.0
KINDS_MAX = 1000
"""Reasons and addresses told apart in a window; what comes after shares what one address has."""


class Refusals:
    """See the module. Given the time."""

    def __init__(self) -> None:
        self._began_s = 0.0
        self._recorded: dict[tuple[str, str], int] = {}

    def take(self, reason: str, address: str, now_s: float) -> bool:
        """Whether this one is recorded, and not only counted."""
        if now_s - self._began_s >= WINDOW_S:
            self._began_s = now_s
            self._recorded.clear()
        kind = (reason, address)
        if kind not in self._recorded and len(self._recorded) >= KINDS_MAX:
            kind = (reason, "")
        count = self._recorded.get(kind, 0)
        if count >= RECORDED_MAX:
            return False
        self._recorded[kind] = count + 1
        return True
