"""The part of a document that can be read, so that what is wrong in one place does not hide what is wrong in another.

Taken out is the smallest thing without which the rest is valid: a value that has a default, else the section or the
entry of a list that it stands in. Paths of what is left are led back to the document as it was written.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from asbru.app.config.file import Document
from asbru.app.config.problem import ConfigPath, Problem


class Part:
    """What is left of a document. `broken`: the paths, as written, that were taken out, or are missing
    because their name is wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.data: Any = document.data
        self.broken: set[ConfigPath] = set()
        self._kept: dict[ConfigPath, list[int]] = {}
        """The positions, as written, of the entries left in a list from which some were taken out."""

    def place(self, path: ConfigPath) -> ConfigPath:
        """The path, as written, of what is left at `path`."""
        if not self._kept:
            return path
        place: ConfigPath = ()
        for part in path:
            kept = self._kept.get(place)
            place = (*place, kept[part] if kept is not None and isinstance(part, int) and part < len(kept) else part)
        return place

    def problem(self, path: ConfigPath, message: str) -> Problem:
        """A problem of what is left at `path`."""
        return self.document.problem(self.place(path), message)

    def is_broken(self, path: ConfigPath) -> bool:
        """Whether what is left at `path` is not what was written there."""
        place = self.place(path)
        return any(place[: len(broken)] == broken for broken in self.broken)

    def touches(self, section: str) -> bool:
        """Whether anything was taken out of a section of the top level."""
        return any(broken[:1] in ((), (section,)) for broken in self.broken)

    def miss(self, path: ConfigPath) -> None:
        """Take note that a setting is absent because it was written by another name."""
        if _existing(self.data, path) != path:
            self.broken.add(self.place(path))

    def take_out(self, paths: Iterable[ConfigPath]) -> None:
        """Leave out `paths`, each cut to what exists."""
        doomed = {_existing(self.data, path) for path in paths}
        self.broken |= {self.place(path) for path in doomed}
        self.data = self._without((), self.data, _tree(doomed)) or {}

    def _without(self, place: ConfigPath, value: Any, doomed: dict[str | int, Any] | None) -> Any:
        """A copy of `value`, which stands at `place`, without what is `doomed` in it; None where it is itself."""
        if doomed is None:
            return None
        if isinstance(value, dict):
            entries = cast("dict[str, Any]", value).items()
            return {
                key: self._without((*place, key), inner, doomed[key]) if key in doomed else inner
                for key, inner in entries
                if doomed.get(key, doomed) is not None
            }
        items = cast("list[Any]", value)
        before = self._kept.get(place) or list(range(len(items)))
        left = [index for index in range(len(items)) if doomed.get(index, doomed) is not None]
        self._kept[place] = [before[index] for index in left]
        return [
            self._without((*place, before[index]), items[index], doomed[index]) if index in doomed else items[index]
            for index in left
        ]


def _existing(data: Any, path: ConfigPath) -> ConfigPath:
    """As much of `path` as there is in `data`."""
    for depth, part in enumerate(path):
        if isinstance(data, dict) and part in data:
            data = cast("dict[Any, Any]", data)[part]
        elif isinstance(data, list) and isinstance(part, int) and part < len(cast("list[Any]", data)):
            data = cast("list[Any]", data)[part]
        else:
            return path[:depth]
    return path


def _tree(paths: Iterable[ConfigPath]) -> dict[str | int, Any] | None:
    """Paths as nested mappings that end in None; a path ends those that go on below it."""
    root: dict[str | int, Any] = {}
    for path in sorted(paths, key=len):
        if not path:
            return None
        at = root
        for part in path[:-1]:
            at = at.setdefault(part, {})
            if at is None:
                break
        else:
            at[path[-1]] = None
    return root
