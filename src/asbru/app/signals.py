"""Signals as things to read: a pipe end for the selector instead of code that runs anywhere."""

from __future__ import annotations

import contextlib
import signal
import socket
from types import FrameType
from typing import Any

_HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


def _noted(number: int, frame: FrameType | None) -> None:
    """The number is already in the pipe."""


class SignalPipe:
    """Between open and close the handled signals arrive at `reader`, one byte each."""

    def __init__(self) -> None:
        self.reader, self._writer = socket.socketpair()
        self.reader.setblocking(False)
        self._writer.setblocking(False)
        self._fd_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        self._before: dict[signal.Signals, Any] = {number: signal.signal(number, _noted) for number in _HANDLED}

    def read(self) -> list[signal.Signals]:
        """The signals that arrived since the last reading."""
        with contextlib.suppress(BlockingIOError):
            return [signal.Signals(number) for number in self.reader.recv(4096)]
        return []

    def close(self) -> None:
        """Put back what was there before."""
        signal.set_wakeup_fd(self._fd_before)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self.reader.close()
        self._writer.close()
