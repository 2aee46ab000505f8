"""The receipt a writer fills while it writes: what was dropped, changed or added, by path.

Not here: what happens to it (the header and the record are the pipeline's).
"""

from __future__ import annotations

from asbru.core.chat import Extra
from asbru.core.notes import Note


class Receipt:
    """Collects notes, each once, in the order they came."""

    __slots__ = ("_notes",)

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}

    def dropped(self, field: str, reason: str) -> None:
        self._notes[Note("dropped", field, reason)] = None

    def changed(self, field: str, reason: str) -> None:
        self._notes[Note("changed", field, reason)] = None

    def added(self, field: str, reason: str) -> None:
        self._notes[Note("added", field, reason)] = None

    def dropped_extra(self, path: str, extra: Extra, dialect: str) -> None:
        """Members only another dialect knows, one note each."""
        for name in extra:
            self.dropped(f"{path}.{name}" if path else name, f"known to {dialect or 'another dialect'} only")

    @property
    def notes(self) -> tuple[Note, ...]:
        return tuple(self._notes)
