"""The worker's end of the link: one connection to the bookkeeper for everything that has to be said to it.

    away --open, or RECONNECT_FIRST_S doubling to RECONNECT_MAX_S--> connected --end of file, error--> away
    connected: batches, questions and messages go out, acknowledgements, replies and pushes come in
    away:      batches wait, questions are answered with None, messages are dropped
    closed:    as away, for good; until `close` is over batches still go out

The owners of callbacks are told in the callback of the socket: they do not raise and do not wait. No thread, no Task,
and one write for all that is ready. Nothing wakes an idle worker.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from asbru.core.future import Future
from asbru.link import frames
from asbru.link.batches import BACKLOG_BYTES_MAX, Batches
from asbru.telemetry import log

if TYPE_CHECKING:
    import asyncio

SEND_FRAMES_MAX = 16
RECV_BYTES = 256 * 1024
RECONNECT_FIRST_S = 0.05
RECONNECT_MAX_S = 1.0
CLOSE_PATIENCE_S = 5.0
CLOSE_TURN_S = 0.5
QUESTIONS_MAX = 10_000
"""Questions that wait for their answer; one more is answered with None."""
OUTBOX_BYTES_MAX = 8 * 1024 * 1024
"""What a bookkeeper that reads nothing may make wait here, besides batches; more is dropped."""

OnReply: TypeAlias = Callable[[bytes | None], None]


class Link:
    """See the module. `incarnation` names this life of this process; two must never share one."""

    def __init__(self, loop: asyncio.AbstractEventLoop, socket_path: str, *, incarnation: str | None = None) -> None:
        self._loop = loop
        self._call_later = loop.call_later
        self._path = socket_path
        self.incarnation = incarnation or f"{os.getpid()}-{os.urandom(8).hex()}"
        self._batches: dict[str, Batches] = {}
        self._questions: dict[int, tuple[OnReply, asyncio.TimerHandle]] = {}
        self._question_number = 0
        self._subscribers: dict[str, Callable[[bytes], None]] = {}
        self._on_connect: list[Callable[[], None]] = []
        # The connection.
        self._socket: socket.socket | None = None
        self._reader = frames.FrameReader()
        self._outbox: deque[bytes | memoryview] = deque()
        self._outbox_bytes = 0
        self._blocked = False
        self._reconnect_s = RECONNECT_FIRST_S
        self._reconnect_timer: asyncio.TimerHandle | None = None
        self._away = False
        self._closed = False
        self._drained: asyncio.Future[None] | None = None

    # What rooms say

    def batches(
        self,
        table: str,
        on_acknowledged: Callable[[], None] | None = None,
        *,
        backlog_bytes_max: int = BACKLOG_BYTES_MAX,
    ) -> Batches:
        """The way into a table: `batches.Batches`. `on_acknowledged` is told when there are fewer rows to wait for.
        Raises ValueError when the table has one already, since its numbers are counted there."""
        if table in self._batches:
            raise ValueError(f"the table {table!r} has its batches already")
        made = Batches(table, self._pump, on_acknowledged, backlog_bytes_max=backlog_bytes_max)
        self._batches[table] = made
        return made

    def ask(self, subject: str, payload: bytes, on_reply: OnReply, deadline_s: float) -> None:
        """Ask; `on_reply` is called once, later, with the answer or with None: the bookkeeper is away, does not know
        the subject, or has not answered within the deadline."""
        if self._closed or len(self._questions) >= QUESTIONS_MAX or not self._has_room(payload):
            self._loop.call_soon(on_reply, None)
            return
        self._question_number += 1
        number = self._question_number
        self._questions[number] = (on_reply, self._call_later(deadline_s, self._answer, number, None))
        self._send(frames.write_frame(frames.ASK, number, subject, payload))

    def fetch(self, subject: str, payload: bytes, deadline_s: float) -> Future[bytes | None]:
        """`ask` for a path, which awaits the answer."""
        future: Future[bytes | None] = Future()
        self.ask(subject, payload, future.resolve, deadline_s)
        return future

    def tell(self, subject: str, payload: bytes) -> bool:
        """Say something that may be lost. False when it was dropped: the bookkeeper is away or reads nothing. True
        promises nothing but that it is on its way."""
        if not self._has_room(payload):
            return False
        self._send(frames.write_frame(frames.TELL, 0, subject, payload))
        return True

    def subscribe(self, subject: str, on_message: Callable[[bytes], None]) -> None:
        """Take what the bookkeeper pushes to all workers. Messages pushed while away are missed: whoever needs all of
        them asks for the state in `on_connect`. Raises ValueError when the subject is taken."""
        if subject in self._subscribers:
            raise ValueError(f"the subject {subject!r} is subscribed to already")
        self._subscribers[subject] = on_message

    def on_connect(self, call: Callable[[], None]) -> None:
        """Have `call` run at the start of every connection: to tell everything anew to a bookkeeper that may have
        forgotten it. To be registered before `open`."""
        self._on_connect.append(call)

    # Its life

    def open(self) -> None:
        """Connect, now or as soon as the bookkeeper is there. All else may be called before."""
        if self._socket is None and not self._closed and self._reconnect_timer is None:
            self._connect()

    async def close(self, patience_s: float = CLOSE_PATIENCE_S, on_turn: Callable[[], None] | None = None) -> int:
        """Wait for all batches to be acknowledged, for as long as any is within `patience_s`, and hang up. Returns the
        rows that were not acknowledged by then; those already sent may yet be written. `on_turn` is called twice a
        second meanwhile."""
        self._closed = True
        self._pump()
        left, patient_until_s = self.queued, self._loop.time() + patience_s
        while self.queued and self._loop.time() < patient_until_s:
            self._drained = self._loop.create_future()
            limit = self._call_later(min(CLOSE_TURN_S, patience_s), self._set_drained)
            await self._drained
            limit.cancel()
            if self.queued < left:
                left, patient_until_s = self.queued, self._loop.time() + patience_s
            if on_turn is not None:
                on_turn()
        self._disconnect()
        if self._reconnect_timer is not None:
            self._reconnect_timer.cancel()
        for batches in self._batches.values():
            if batches.rows:
                log("error", "some rows were not acknowledged before the end", table=batches.table, rows=batches.rows)
        return self.queued

    @property
    def queued(self) -> int:
        """Rows of all tables that are not known to be written."""
        return sum(batches.rows for batches in self._batches.values())

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the bookkeeper."""
        return self._socket is not None

    @property
    def writable(self) -> bool:
        """Whether what is said now leaves at once: connected, and the bookkeeper reads."""
        return self._socket is not None and not self._outbox

    # The connection

    def _connect(self) -> None:
        self._reconnect_timer = None
        # A Unix socket connects at once or not at all.
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.setblocking(False)
        try:
            connection.connect(self._path)
        except OSError as error:
            connection.close()
            self._retry(error)
            return
        if self._away:
            self._away = False
            log("info", "bookkeeper available again", backlog_rows=self.queued)
        self._socket = connection
        self._reader = frames.FrameReader()
        self._reconnect_s = RECONNECT_FIRST_S
        self._loop.add_reader(connection.fileno(), self._on_readable)
        self._send(frames.write_frame(frames.HELLO, frames.PROTOCOL, payload=self.incarnation.encode()))
        for call in self._on_connect:
            call()

    def _retry(self, error: OSError | frames.FrameError | None) -> None:
        if not self._away:
            self._away = True
            log(
                "warning",
                "bookkeeper unavailable; records are kept in memory",
                why=error or "it closed the connection",
            )
        self._reconnect_timer = self._call_later(self._reconnect_s, self._connect)
        self._reconnect_s = min(self._reconnect_s * 2, RECONNECT_MAX_S)

    def _disconnect(self) -> None:
        """Forget the connection, and nothing that it had not confirmed."""
        if self._socket is None:
            return
        descriptor = self._socket.fileno()
        self._loop.remove_reader(descriptor)
        if self._blocked:
            self._loop.remove_writer(descriptor)
            self._blocked = False
        self._socket.close()
        self._socket = None
        self._outbox.clear()
        self._outbox_bytes = 0
        for batches in self._batches.values():
            batches.rewind()
        for number in self._questions:
            # Not at once: this may be the very `ask` that the question comes from.
            self._loop.call_soon(self._answer, number, None)

    def _lose(self, error: OSError | frames.FrameError | None) -> None:
        self._disconnect()
        self._retry(error)

    # Out

    def _has_room(self, payload: bytes) -> bool:
        return self._socket is not None and self._outbox_bytes + len(payload) <= OUTBOX_BYTES_MAX

    def _send(self, frame: bytes) -> None:
        self._outbox.append(frame)
        self._outbox_bytes += len(frame)
        self._pump()

    def _pump(self) -> None:
        """Write as much as the windows and the socket take."""
        connection = self._socket
        if connection is None or self._blocked:
            return
        outbox = self._outbox
        while True:
            self._fill_outbox()
            if not outbox:
                return
            try:
                sent = connection.sendmsg(list(islice(outbox, SEND_FRAMES_MAX)))
            except (BlockingIOError, InterruptedError):
                self._blocked = True
                self._loop.add_writer(connection.fileno(), self._on_writable)
                return
            except OSError as error:
                self._lose(error)
                return
            self._outbox_bytes -= sent
            while sent:
                head = outbox[0]
                if sent < len(head):
                    outbox[0] = memoryview(head)[sent:]
                    break
                sent -= len(head)
                outbox.popleft()

    def _fill_outbox(self) -> None:
        outbox = self._outbox
        for batches in self._batches.values():
            while len(outbox) < SEND_FRAMES_MAX:
                frame = batches.next_frame()
                if frame is None:
                    break
                outbox.append(frame)
                self._outbox_bytes += len(frame)

    def _on_writable(self) -> None:
        if self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())
            self._blocked = False
            self._pump()

    # In

    def _on_readable(self) -> None:
        if self._socket is None:
            return
        try:
            data = self._socket.recv(RECV_BYTES)
            if not data:
                self._lose(None)
                return
            received = self._reader.feed(data)
        except (BlockingIOError, InterruptedError):
            return
        except (OSError, frames.FrameError) as error:
            self._lose(error)
            return
        for frame in received:
            self._take(frame)

    def _take(self, frame: frames.Frame) -> None:
        kind, number, name, payload = frame
        if kind == frames.ACK:
            batches = self._batches.get(name)
            if batches is not None:
                batches.acknowledge(number)
                self._pump()
                if not self.queued:
                    self._set_drained()
        elif kind == frames.REPLY:
            self._answer(number, payload)
        elif kind == frames.REFUSED:
            self._answer(number, None)
        elif kind == frames.PUSH:
            on_message = self._subscribers.get(name)
            if on_message is not None:
                on_message(payload)

    def _set_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _answer(self, number: int, payload: bytes | None) -> None:
        """Answer a question, once."""
        asked = self._questions.pop(number, None)
        if asked is not None:
            on_reply, timer = asked
            timer.cancel()
            on_reply(payload)
