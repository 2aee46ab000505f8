"""What a call gives: a whole reply, or a stream of events, in the dialect of the call.

Not here: how either comes about (`serving`, `response`). Bodies are read only where the application asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from asbru.core.errors import UpstreamError
from asbru.core.reply import StreamFault
from asbru.library.errors import CallError
from asbru.wire.sse import SseReader, write_event

if TYPE_CHECKING:
    from types import TracebackType

    from asbru.dialects import Dialect
    from asbru.library.response import Connection

DONE = b"[DONE]"
"""What ends a stream in the OpenAI dialect, and is no event."""

_NOT_WHOLE = {
    "internal_error": ("an internal error occurred in the gateway", 500),
    "upstream_cut": ("the provider's response ended before it was complete", 502),
}

Cost = Callable[[str], int | None]
"""What the call of an id has cost, in nano-dollars; None where that is unknown."""


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message | None = None


class _ChatReply(msgspec.Struct):
    choices: tuple[_Choice, ...] = ()


class Reply:
    """A whole reply. `body` is what an HTTP caller would get; `headers` in lower case. `cost_nanousd`: what the call
    has cost; None where no price is known."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes, cost_nanousd: int | None = None) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.cost_nanousd = cost_nanousd

    @property
    def data(self) -> dict[str, Any]:
        """The body as an object. Raises `msgspec.DecodeError` where it is none (audio)."""
        return msgspec.json.decode(self.body, type=dict[str, Any])

    @property
    def text(self) -> str:
        """The text of the first choice of a reply in the OpenAI chat dialect; "" where there is none."""
        reply = msgspec.json.decode(self.body, type=_ChatReply)
        message = reply.choices[0].message if reply.choices else None
        return (message and message.content) or ""

    @property
    def id(self) -> str:
        """The id of the call, by which its record is found."""
        return self.headers.get("x-asbru-id", "")

    @property
    def provider(self) -> str:
        """The configured name of the provider that served it."""
        return self.headers.get("x-asbru-provider", "")


class Stream:
    """The events of a streamed reply, as objects: `async for event in stream`. Raises `CallError` where it fails.

    Whoever stops before the end closes it: `async with stream`, `aclose`, or by letting go of it. That ends the request
    to the provider. `cost_nanousd` is known once it has ended.
    """

    def __init__(self, connection: Connection, dialect: Dialect, cost_of: Cost) -> None:
        self._connection = connection
        self._dialect = dialect
        self._cost_of = cost_of
        self._reader = SseReader()
        self._events: list[dict[str, Any]] = []
        self._taken = 0
        self._fault: CallError | None = None
        self.cost_nanousd: int | None = None
        response = connection.response
        self.status = response.status
        self.headers: Mapping[str, str] = read_headers(response.lines)

    @property
    def id(self) -> str:
        """The id of the call, by which its record is found."""
        return self.headers.get("x-asbru-id", "")

    @property
    def provider(self) -> str:
        """The configured name of the provider that serves it."""
        return self.headers.get("x-asbru-provider", "")

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> dict[str, Any]:
        while self._taken == len(self._events):
            if self._fault is not None:
                raise self._fault
            piece = await self._take()
            if not piece:
                if self._fault is not None:
                    raise self._fault
                raise StopAsyncIteration
            self._events, self._taken = [], 0
            self._read(piece)
        event = self._events[self._taken]
        self._taken += 1
        return event

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop: the request to the provider ends. Harmless at the end."""
        self._connection.leave()

    def __del__(self) -> None:
        self._connection.leave()

    async def _take(self) -> bytes:
        try:
            piece = await self._connection.response.take()
        except BaseException:
            self._connection.leave()
            raise
        if not piece:
            self.cost_nanousd = self._cost_of(self.id)
            if self._connection.response.broken:
                self._fault = broken(self._connection.response.broken, self.headers)
        return piece

    def _read(self, piece: bytes) -> None:
        for event in self._reader.feed(piece):
            if event.data == DONE:
                continue
            data = msgspec.json.decode(event.data, type=dict[str, Any])
            if data.get("error"):
                fault = self._dialect.passing.prelude(write_event(event.data, event.event))
                if isinstance(fault, StreamFault):
                    self._fault = self._failed(fault, event.data)
                    return
            self._events.append(data)

    def _failed(self, fault: StreamFault, body: bytes) -> CallError:
        return CallError(
            fault.message,
            status=fault.status or 200,
            type=fault.type,
            code=fault.code,
            headers=self.headers,
            body=body,
        )


def broken(code: str, headers: Mapping[str, str]) -> CallError:
    """The exception where a response had begun and is not whole, by the `code` of why."""
    message, status = _NOT_WHOLE[code]
    return CallError(message, status=status, type="api_error", code=code, headers=headers, body=b"")


def read_headers(lines: bytes) -> dict[str, str]:
    """Header lines as a mapping, names in lower case."""
    pairs = (line.partition(b":") for line in lines.split(b"\r\n") if line)
    return {name.decode("latin-1").lower(): value.strip().decode("latin-1") for name, _, value in pairs}


def error_of(dialect: Dialect, status: int, headers: Mapping[str, str], body: bytes) -> CallError:
    """The exception for an error response in a dialect."""
    read: UpstreamError = dialect.errors.read(status, body)
    return CallError(read.message, status=status, type=read.type, code=read.code, headers=headers, body=body)
