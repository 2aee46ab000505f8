"""The answering side of a call that no connection carries: what the path writes is kept until somebody takes it.

begun     `whole`, or `begin`: the status and the headers are there
pieces    wait here; above BUFFERED_BYTES_MAX the provider is held back until they are taken
finished  nothing more comes
left      the caller has gone: the path is closed, and what is written is dropped
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from asbru.core.ports import Flow
from asbru.edge.server import Head
from asbru.pipeline import Stepper

BUFFERED_BYTES_MAX = 256 * 1024
"""What may wait for a slow reader, in bytes; as much as one more piece of the provider's above it."""


class Response:
    """See the module. A `core.ports.ResponsePort`, and what the door asks of a server's response besides."""

    peer = ""
    remembered = None

    def __init__(self) -> None:
        self.started = False
        self.finished = False
        self.closing = False
        self.broken = ""
        """The code of why the response is not whole; "" where it is."""
        self.bytes_written = 0
        self.flow: Flow | None = None
        self.status = 0
        self.lines = b""
        self._pieces: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._held = False
        self._waiter: asyncio.Future[None] | None = None

    # What the door and the path do

    def prepare(self, head: Head, extra: bytes) -> None:
        """There is no connection to get ready."""
        del head, extra

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """See `ResponsePort`."""
        self.begin(status, lines)
        self.write(body)
        self.end()

    def begin(self, status: int, lines: bytes) -> None:
        """See `ResponsePort`."""
        self.started = True
        self.status, self.lines = status, lines
        self._tell()

    def write(self, data: bytes) -> None:
        """See `ResponsePort`."""
        if not data:
            return
        self.bytes_written += len(data)
        self._pieces.append(bytes(data))
        self._waiting_bytes += len(data)
        if self._waiting_bytes > BUFFERED_BYTES_MAX and self.flow is not None and not self._held:
            self._held = True
            self.flow.pause()
        self._tell()

    def write_chunk(self, chunk: bytes, begin: int) -> None:
        """See `ResponsePort`."""
        self.write(chunk[begin:-2])

    def end(self) -> None:
        """See `ResponsePort`."""
        self.flow = None
        self.finished = True
        self._tell()

    def cut(self) -> None:
        """The end of a response that is not whole, where nothing in it can say so: bytes of audio, a file."""
        self.break_off("upstream_cut")

    def break_off(self, code: str) -> None:
        """The response cannot be completed."""
        self.broken = code
        self.end()

    # What the caller does

    async def begun(self) -> None:
        """Wait for the status and the headers."""
        while not self.started:
            await self._wait()

    async def take(self) -> bytes:
        """The next piece; b"" at the end."""
        while not self._pieces:
            if self.finished:
                return b""
            await self._wait()
        piece = self._pieces.popleft()
        self._waiting_bytes -= len(piece)
        if self._held and self._waiting_bytes <= BUFFERED_BYTES_MAX // 2:
            self._held = False
            if self.flow is not None:
                self.flow.resume()
        return piece

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _tell(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Connection:
    """What the door takes for a server's connection: a response, and what steps the path of its call. `on_left` is told
    once it is not needed any more."""

    def __init__(self, on_left: Callable[[Connection], None]) -> None:
        self._on_left = on_left
        self.response = Response()
        self.stepper = Stepper()
        self.on_gone: Callable[[], None] | None = None

    def abort(self) -> None:
        """A bug ended the path after the response had begun."""
        self.response.break_off("internal_error")

    def leave(self) -> None:
        """The caller has gone, or has everything: a path that waits is closed, which ends the request to the
        provider."""
        if self.on_gone is not None:
            self.on_gone()
        self.stepper.close()
        self.response.end()
        self._on_left(self)
