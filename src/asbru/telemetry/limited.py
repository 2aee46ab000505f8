"""Log lines that cannot flood: of each kind at most so many in a window, and a count of what was left out.

A provider that is down fails every call at once; a line for each says no more than the first few. A kind is the event
and what the line is about (provider, key, reason). Given the time, so that nothing here waits; `tick` writes the counts
that no later line would carry.
"""

from __future__ import annotations

from collections.abc import Callable

from asbru.telemetry.log import Level, log

LINES_MAX = 5
"""Lines of one kind in a window."""
WINDOW_S = 10.0
KINDS_MAX = 1000
"""Kinds told apart at a time; what comes after shares one kind for each event."""


class _Window:
    __slots__ = ("began_s", "left_out", "lines")

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.lines = 0
        self.left_out = 0


class LimitedLog:
    """See the module. `write` is where lines go."""

    def __init__(self, write: Callable[..., None] = log) -> None:
        self._write = write
        self._windows: dict[tuple[str, ...], _Window] = {}

    def say(self, now_s: float, level: Level, event: str, about: tuple[str, ...], **fields: object) -> None:
        """Write the line, or count it as left out."""
        kind = (event, *about)
        window = self._windows.get(kind)
        if window is None:
            if len(self._windows) >= KINDS_MAX:
                kind = (event,)
            window = self._windows.setdefault(kind, _Window(now_s))
        if now_s - window.began_s >= WINDOW_S:
            self._close(kind, window)
            window = self._windows[kind] = _Window(now_s)
        if window.lines >= LINES_MAX:
            window.left_out += 1
            return
        window.lines += 1
        self._write(level, event, **fields)

    def tick(self, now_s: float) -> None:
        """To be called about once a second: windows that are over say what they left out, and are forgotten."""
        if not self._windows:
            return
        for kind in [kind for kind, one in self._windows.items() if now_s - one.began_s >= WINDOW_S]:
            self._close(kind, self._windows.pop(kind))

    def close(self) -> None:
        """Say what was left out so far."""
        while self._windows:
            self._close(*self._windows.popitem())

    def _close(self, kind: tuple[str, ...], window: _Window) -> None:
        if window.left_out:
            event, *about = kind
            self._write(
                "warning", f"{event}: lines left out", lines=window.left_out, in_s=WINDOW_S, about="/".join(about)
            )
