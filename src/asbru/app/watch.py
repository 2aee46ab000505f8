"""Has a file changed? By polling what `stat` says, which also sees a symlink swapped under a mounted ConfigMap.

A change counts when two polls in a row agree on it, so that a file half written is not read. The clock is the
caller's: one call of `poll` per second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeAlias

Signature: TypeAlias = tuple[tuple[str, int, int, int, int] | None, ...]


def signature_of(paths: Iterable[str]) -> Signature:
    """What identifies the content of `paths` now; None for one that is not there."""
    found: list[tuple[str, int, int, int, int] | None] = []
    for path in paths:
        try:
            status = Path(path).stat()
        except OSError:
            found.append(None)
        else:
            found.append((path, status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


class FileWatch:
    """The state between polls: what was acted on, and what the last poll saw."""

    def __init__(self, paths: Iterable[str], sign: Callable[[Iterable[str]], Signature] = signature_of) -> None:
        self._sign = sign
        self.paths = tuple(paths)
        self._acted = self._seen = sign(self.paths)

    def follow(self, paths: Iterable[str]) -> None:
        """Watch `paths` from now on; those watched before keep what was acted on."""
        before = dict(zip(self.paths, self._acted, strict=True))
        self.paths = tuple(paths)
        now = dict(zip(self.paths, self._sign(self.paths), strict=True))
        self._acted = self._seen = tuple(before.get(path, now[path]) for path in self.paths)

    def poll(self) -> bool:
        """True once for each settled change."""
        now = self._sign(self.paths)
        settled = now == self._seen
        self._seen = now
        if not settled or now == self._acted:
            return False
        self._acted = now
        return True
