"""The receipt of one write: what was dropped, changed or added, by path, and whose the unknown members are.

`native` decides what may ride along: unknown members of a request or reply that was read from the writer's own dialect
are written back, those of another one are named in notes. Not here: what happens to the notes (the header and the
record are the pipeline's).
"""

from __future__ import annotations

from typing import Final

from asbru.core.chat import Extra
from asbru.core.notes import Note, NoteKind

_SPELLING: Final = frozenset(("member", "type", "format", "index"))
"""What thinking parts keep of how chat's family spelled them, so that they can be written back so."""
_SILENT: Final = frozenset(("item",))
"""What delimits the items of a response: it says nothing elsewhere, so that its loss is none."""


class Receipt:
    """Collects notes, each once, in the order they came, while `dialect` is written from what `source` sent."""

    __slots__ = ("_dialect", "_notes", "native", "source")

    def __init__(self, dialect: str, source: str = "") -> None:
        self._dialect = dialect
        self._notes: dict[Note, None] = {}
        self.source = source
        self.native = dialect == source

    def reads(self, source: str) -> None:
        """Whose words are written from here on: a stream tells that with its first event."""
        self.source = source
        self.native = self._dialect == source

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes so far."""
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
        """Members that only the source's dialect knows: each is named."""
        for name in extra:
            if name not in _SILENT:
                self.dropped(f"{path}.{name}" if path else name, f"known to {self.source or 'another dialect'} only")

    def riding(self, path: str, extra: Extra) -> Extra:
        """The unknown members that may be written; the others are noted."""
        if self.native or not extra:
            return extra
        self.foreign(path, extra)
        return {}

    def riding_thought(self, path: str, extra: Extra) -> Extra:
        """`riding` for a thinking part, whose spelling says nothing once it is spelled differently."""
        if self.native or not extra:
            return extra
        return self.riding(path, {name: raw for name, raw in extra.items() if name not in _SPELLING})

    def _note(self, kind: NoteKind, field: str, reason: str) -> None:
        self._notes[Note(kind, field, reason)] = None
