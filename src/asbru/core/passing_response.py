"""A response port before another one, whose state it has: what stands between the path and a connection begins here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asbru.core.ports import Flow, Remembers, ResponsePort


class PassingResponse:
    """Passes all on to `port`, as a `ResponsePort` does. What it looks at or changes, a subclass overrides."""

    __slots__ = ("_port",)

    def __init__(self, port: ResponsePort) -> None:
        self._port = port

    @property
    def started(self) -> bool:
        """See `ResponsePort`."""
        return self._port.started

    @property
    def finished(self) -> bool:
        """See `ResponsePort`."""
        return self._port.finished

    @property
    def remembered(self) -> Remembers | None:
        """See `ResponsePort`."""
        return self._port.remembered

    @property
    def peer(self) -> str:
        """See `ResponsePort`."""
        return self._port.peer

    @property
    def bytes_written(self) -> int:
        """See `ResponsePort`."""
        return self._port.bytes_written

    @property
    def flow(self) -> Flow | None:
        """See `ResponsePort`."""
        return self._port.flow

    @flow.setter
    def flow(self, flow: Flow | None) -> None:
        self._port.flow = flow

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        self._port.whole(status, lines, body)

    def begin(self, status: int, lines: bytes) -> None:
        """See `ResponsePort`."""
        self._port.begin(status, lines)

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        self._port.write(data)

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`."""
        self._port.write_chunk(chunk, begin)

    def end(self) -> None:
        """See `ResponsePort`."""
        self._port.end()

    def cut(self) -> None:
        """See `ResponsePort`."""
        self._port.cut()
