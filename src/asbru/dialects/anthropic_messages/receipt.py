"""The receipt of one write: what was dropped, changed or added, and whether the source spoke this dialect.

`native` decides what may ride along: unknown fields of a request of this dialect are written back, those of another
one are named in notes.
"""

from __future__ import annotations

from typing import Final

from asbru.core.chat import Extra
from asbru.core.notes import Note, NoteKind

_FORM_MARKS: Final = frozenset(("member", "type", "format", "index"))
"""What chat's thinking parts keep of their spelling, so that they can be written back in it."""


class Receipt:
    """Collects notes while something is written."""

    __slots__ = ("_notes", "native")

    def __init__(self, native: bool) -> None:
        self.native = native
        self._notes: dict[Note, None] = {}

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes, each once, in order."""
        return tuple(self._notes)

    def dropped(self, field: str, reason: str = "") -> None:
        """`field` could not be carried."""
        self._note("dropped", field, reason)

    def changed(self, field: str, reason: str = "") -> None:
        """`field` was carried in another form."""
        self._note("changed", field, reason)

    def added(self, field: str, reason: str = "") -> None:
        """`field` was not given."""
        self._note("added", field, reason)

    def foreign(self, path: str, extra: Extra) -> None:
        """Unknown fields of another dialect: each is named."""
        for name in extra:
            self.dropped(f"{path}.{name}" if path else name, "unknown here")

    def riding(self, path: str, extra: Extra) -> Extra:
        """The unknown fields that may be written; the others are noted."""
        if self.native or not extra:
            return extra
        self.foreign(path, extra)
        return {}

    def riding_thought(self, path: str, extra: Extra) -> Extra:
        """`riding` for a thinking part, whose marks of form say nothing once it has another form."""
        if self.native:
            return extra
        return self.riding(path, {name: raw for name, raw in extra.items() if name not in _FORM_MARKS})

    def _note(self, kind: NoteKind, field: str, reason: str) -> None:
        self._notes[Note(kind, field, reason)] = None
