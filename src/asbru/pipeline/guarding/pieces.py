"""Texts in JSON that comes in pieces which only a dialect can put together: events and deltas that are foreign.

What stands in the same member of one piece after the other is one text: it is judged as such. Pieces wait while more of
them may turn the end of a text into a finding. A text that is replaced goes whole with the first of its pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import msgspec

from asbru.core.chat import Raw
from asbru.core.reply import ForeignEvent, PartDelta
from asbru.guardrails.engine import HELD_CHARS_MAX
from asbru.pipeline.guarding.texts import has_text

if TYPE_CHECKING:
    from asbru.core.reply import StreamEvent
    from asbru.guardrails import Place

WAITING_BYTES_MAX = 1024 * 1024
"""How much may wait, encoded data too. What is more is judged as far as it came."""

Judged: TypeAlias = "Callable[[str, Place], Coroutine[Any, Any, str]]"
"""A whole text, as it may be given. Raises the refusal."""
_Path: TypeAlias = tuple[str | int, ...]
_Piece: TypeAlias = ForeignEvent | PartDelta


class _Slot:
    """Where a text stands. `piece`: in which of those that wait."""

    __slots__ = ("holder", "key", "piece")

    def __init__(self, piece: int, holder: Any, key: str | int) -> None:
        self.piece = piece
        self.holder = holder
        self.key = key

    @property
    def text(self) -> str:
        return self.holder[self.key]


class Pieces:
    """See the module. `judged` judges a text; `open_ended(text, place)`: whether more of it may become a finding."""

    __slots__ = ("_bytes", "_judged", "_open_ended", "_place", "_slots", "_waiting")

    def __init__(self, place: Place, judged: Judged, open_ended: Callable[[str, Place], bool]) -> None:
        self._place: Place = place
        self._judged = judged
        self._open_ended = open_ended
        self._clear()

    def _clear(self) -> None:
        self._waiting: list[tuple[_Piece, list[Any]]] = []
        self._slots: dict[_Path, list[_Slot]] = {}
        self._bytes = 0

    async def feed(self, piece: _Piece) -> list[StreamEvent]:
        """What may go, now that there is one more."""
        raw = _raw(piece)
        root = [_read(raw)]
        for holder, key, path in _texts(root, (_kind(piece, root[0]),)):
            self._slots.setdefault(path, []).append(_Slot(len(self._waiting), holder, key))
        self._waiting.append((piece, root))
        self._bytes += len(raw)
        texts = ["".join([slot.text for slot in slots]) for slots in self._slots.values()]
        full = self._bytes > WAITING_BYTES_MAX or sum(map(len, texts)) > HELD_CHARS_MAX
        if not full and any(self._open_ended(text, self._place) for text in texts):
            return []
        return await self.close()

    async def close(self) -> list[StreamEvent]:
        """All that waits: nothing more comes."""
        if not self._waiting:
            return []
        changed: set[int] = set()
        for slots in self._slots.values():
            text = "".join([slot.text for slot in slots])
            new = await self._judged(text, self._place)
            if new != text:
                for slot in slots:
                    slot.holder[slot.key] = ""
                slots[0].holder[slots[0].key] = new
                changed.update([slot.piece for slot in slots])
        going: list[StreamEvent] = [
            _written(piece, root[0]) if index in changed else piece
            for index, (piece, root) in enumerate(self._waiting)
        ]
        self._clear()
        return going


def _raw(piece: _Piece) -> bytes:
    if isinstance(piece, ForeignEvent):
        return piece.data
    return bytes(piece.foreign or b"")


def _read(raw: bytes) -> Any:
    """The JSON, or what is none as a text."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return raw.decode("utf-8", "replace")


def _written(piece: _Piece, value: Any) -> _Piece:
    raw = msgspec.json.encode(value)
    if isinstance(piece, ForeignEvent):
        return msgspec.structs.replace(piece, data=raw)
    return msgspec.structs.replace(piece, foreign=Raw(raw))


def _kind(piece: _Piece, value: Any) -> str:
    """What a foreign event is called; some are named in their data."""
    if not isinstance(piece, ForeignEvent):
        return ""
    return piece.event or (str(cast("dict[str, Any]", value).get("type")) if isinstance(value, dict) else "")


def _texts(holder: Any, path: _Path) -> Iterator[tuple[Any, str | int, _Path]]:
    """Each text in a list or an object: what holds it, by which key, and where. Objects that tell their `index` are
    as many as there are numbers."""
    if isinstance(holder, list):
        entries: list[tuple[str | int, Any]] = [*enumerate(cast("list[Any]", holder))]
    else:
        members = cast("dict[str, Any]", holder)
        path = (*path, str(members.get("index")))
        entries = [(name, inner) for name, inner in members.items() if has_text(name, inner)]
    for key, inner in entries:
        if isinstance(inner, str):
            if inner:
                yield holder, key, (*path, key)
        elif isinstance(inner, list | dict):
            yield from _texts(inner, (*path, key))
