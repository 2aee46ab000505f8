"""A process's end of the control socket, over which the supervisor and it speak in lines.

Not here: the supervisor's end, and what the lines mean (`children`).
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from asbru.telemetry import log

if TYPE_CHECKING:
    import asyncio

RECV_BYTES = 65536


class ControlSocket:
    """See the module. `descriptor`: that of the socket; None for a process that nobody supervises. `process`: its name
    in the log."""

    def __init__(self, loop: asyncio.AbstractEventLoop, descriptor: str | None, process: str) -> None:
        self._loop = loop
        self._process = process
        self._socket = None if descriptor is None else socket.socket(fileno=int(descriptor))
        self._pending = b""
        self._is_ended = False
        self._on_line: Callable[[str, str], None] | None = None
        self._on_end: Callable[[], None] | None = None

    def listen(self, on_line: Callable[[str, str], None], on_end: Callable[[], None]) -> None:
        """Take lines from now on, each as its word and the rest. `on_end` is called once the supervisor is gone."""
        self._on_line, self._on_end = on_line, on_end
        if self._socket is not None:
            self._socket.setblocking(False)
            self._loop.add_reader(self._socket, self._read)

    def say(self, line: str) -> None:
        """A line to the supervisor, on one line; what it is too busy to take is lost, and logged."""
        if self._socket is None:
            return
        try:
            self._socket.send(" ".join(line.splitlines()).encode() + b"\n")
        except OSError as error:
            if not self._is_ended:
                log("warning", "the supervisor does not read its control socket", process=self._process, why=error)

    def end(self) -> None:
        """The process ends: the supervisor may be gone by now."""
        self._is_ended = True

    def close(self) -> None:
        """Neither speak nor hear any more."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _read(self) -> None:
        assert self._socket is not None and self._on_line is not None and self._on_end is not None
        try:
            data = self._socket.recv(RECV_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._loop.remove_reader(self._socket)
            self._on_end()
            return
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            self._on_line(word, rest)
