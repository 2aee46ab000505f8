"""The worker's side of records: a bounded queue, packed every 10 ms and sent to the bookkeeper.

    add -> rows --(timer, 10 ms)--> packed, unsent --(socket)--> packed, unacked --(ACK after commit)--> forgotten
                                        ^                              |
                                        '--------- reconnected --------'

A row is unique by its id and the bookkeeper ignores what it has, so sending a batch again is harmless: what is not
acknowledged is sent again on every new connection, and each row is written exactly once. What can be lost is what
the death of this process (kill -9) takes along: rows younger than one flush, since older ones are in the kernel's
hands or, while the bookkeeper is away, in the backlog here. The timer runs only while rows wait; nothing wakes an
idle worker. The same connection carries metrics and scrapes. No thread, no Task, one write per flush.
"""

from __future__ import annotations

import os
import socket
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from asbru.records import frames
from asbru.records.row import Row
from asbru.telemetry import Meter, log, names

if TYPE_CHECKING:
    import asyncio

ROWS_MAX = 100_000
BACKLOG_BYTES_MAX = 64 * 1024 * 1024
FLUSH_S = 0.01
"""How long a row waits. Short for the callers' sake: while the bookkeeper writes what came at once, it has a core that
calls would use, and 50 ms of rows were a third of their p99 at 5,000 a second."""
FLUSH_AGAIN_S = 0.005
BATCH_ROWS_MAX = 250
FLUSH_BATCHES_MAX = 4
WINDOW_BYTES_MAX = 2 * 1024 * 1024
"""Bytes sent and not acknowledged; what bounds the bookkeeper's memory while its disk refuses writes."""
SEND_FRAMES_MAX = 16
RECV_BYTES = 256 * 1024
RECONNECT_FIRST_S = 0.05
RECONNECT_MAX_S = 1.0
SCRAPE_DEADLINE_S = 2.0
CLOSE_DEADLINE_S = 2.0

Scraped = Callable[[bytes | None], None]


class _Batch(NamedTuple):
    number: int
    rows: int
    frame: bytes


class RecordWriter:
    """See the module. `incarnation` names this life of this process; two must never share one."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        socket_path: str,
        *,
        meter: Meter | None = None,
        incarnation: str | None = None,
        rows_max: int = ROWS_MAX,
        backlog_bytes_max: int = BACKLOG_BYTES_MAX,
    ) -> None:
        self.shed = 0
        """Rows given up: the queue was full, or they could not be packed."""
        self._loop = loop
        self._call_later = loop.call_later
        self._path = socket_path
        self._meter = meter
        self._incarnation = incarnation or f"{os.getpid()}-{os.urandom(8).hex()}"
        self._rows_max = rows_max
        self._backlog_bytes_max = backlog_bytes_max
        self._encode = msgspec.msgpack.Encoder().encode
        # Rows, and how many of them there may be now.
        self._rows: list[Row] = []
        self._room = rows_max
        self._timer: asyncio.TimerHandle | None = None
        # The backlog: packed batches in order, the sent ones first.
        self._unacked: deque[_Batch] = deque()
        self._unsent: deque[_Batch] = deque()
        self._backlog_rows = 0
        self._backlog_bytes = 0
        self._window_bytes = 0
        self._batch_number = 0
        # The connection.
        self._socket: socket.socket | None = None
        self._reader = frames.FrameReader()
        self._outbox: deque[bytes | memoryview] = deque()
        self._blocked = False
        self._reconnect_s = RECONNECT_FIRST_S
        self._reconnect_timer: asyncio.TimerHandle | None = None
        self._away = False
        self._asks: dict[int, tuple[Scraped, asyncio.TimerHandle]] = {}
        self._ask_number = 0
        self._closed = False
        self._drained: asyncio.Future[None] | None = None
        if meter is not None:
            meter.gauge(names.RECORDS_QUEUED, lambda: self.queued)
            meter.count_by(names.RECORDS_SHED, lambda: self.shed)

    # The hot path

    def add(self, row: Row) -> None:
        """Queue a row (`records.row`). Never waits and never raises; a full queue sheds it, counted in `shed`."""
        rows = self._rows
        if len(rows) >= self._room:
            self.shed += 1
            return
        rows.append(row)
        if self._timer is None:
            self._timer = self._call_later(FLUSH_S, self._flush)

    # What the worker calls now and then

    def open(self) -> None:
        """Connect, now or as soon as the bookkeeper is there. Rows may be added before."""
        if self._socket is None and not self._closed and self._reconnect_timer is None:
            self._connect()

    def tick(self) -> None:
        """To be called about once a second, from a timer that runs anyway: sends the metrics that changed."""
        if self._meter is None or self._socket is None or self._outbox:
            return
        delta = self._meter.collect_delta()
        if delta is not None:
            self._send(frames.write_frame(frames.METRICS, 0, self._encode(delta)))

    def scrape(self, on_reply: Scraped) -> None:
        """The metrics of all workers as Prometheus text, to `on_reply`, later; None when the bookkeeper is away or
        does not answer within SCRAPE_DEADLINE_S. This worker's own figures are up to date, others' a second old."""
        if self._socket is None:
            self._loop.call_soon(on_reply, None)
            return
        self._ask_number += 1
        number = self._ask_number
        self._asks[number] = (on_reply, self._call_later(SCRAPE_DEADLINE_S, self._answer, number, None))
        self.tick()
        self._send(frames.write_frame(frames.SCRAPE, number))

    async def close(self, deadline_s: float = CLOSE_DEADLINE_S) -> int:
        """Send what is queued and wait for it to be written, at most `deadline_s`. Returns the rows that were not
        acknowledged by then; those already sent may yet be written. Adds from now on are shed."""
        self._flush(batches_max=1 + len(self._rows) // BATCH_ROWS_MAX)
        self._closed = True
        self._room = 0
        self.tick()
        if self._unacked or self._unsent:
            self._drained = self._loop.create_future()
            limit = self._call_later(deadline_s, self._set_drained)
            await self._drained
            limit.cancel()
        left = self._backlog_rows
        self._disconnect()
        for timer in (self._timer, self._reconnect_timer):
            if timer is not None:
                timer.cancel()
        if left:
            log("error", "records not acknowledged at the end", rows=left)
        return left

    @property
    def queued(self) -> int:
        """Rows that are not known to be written."""
        return len(self._rows) + self._backlog_rows

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the bookkeeper."""
        return self._socket is not None

    # Packing

    def _flush(self, batches_max: int = FLUSH_BATCHES_MAX) -> None:
        self._timer = None
        rows = self._rows
        for _ in range(batches_max):
            if not rows:
                break
            self._pack(rows[:BATCH_ROWS_MAX])
            del rows[:BATCH_ROWS_MAX]
        if rows and not self._closed:
            self._timer = self._call_later(FLUSH_AGAIN_S, self._flush)
        self._count_room()
        self._pump()

    def _pack(self, rows: list[Row]) -> None:
        try:
            payload = self._encode(rows)
        except (TypeError, ValueError, OverflowError):
            rows = [row for row in rows if self._is_sound(row)]
            payload = self._encode(rows)
        if not rows:
            return
        if self._backlog_bytes + len(payload) > self._backlog_bytes_max:
            self.shed += len(rows)
            return
        self._batch_number += 1
        frame = frames.write_frame(frames.ROWS, self._batch_number, payload)
        self._unsent.append(_Batch(self._batch_number, len(rows), frame))
        self._backlog_rows += len(rows)
        self._backlog_bytes += len(frame)

    def _is_sound(self, row: Row) -> bool:
        """Whether the row can be packed at all: one with a lone surrogate must not take 249 others along."""
        try:
            self._encode(row)
        except (TypeError, ValueError, OverflowError) as error:
            self.shed += 1
            log("error", "record cannot be packed", id=row[0] if row else "", why=error)
            return False
        return True

    def _count_room(self) -> None:
        self._room = 0 if self._closed else self._rows_max - self._backlog_rows

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
            log("info", "bookkeeper is back", backlog_rows=self._backlog_rows)
        self._socket = connection
        self._reader = frames.FrameReader()
        self._reconnect_s = RECONNECT_FIRST_S
        self._loop.add_reader(connection.fileno(), self._on_readable)
        self._outbox.append(frames.write_frame(frames.HELLO, frames.PROTOCOL, self._incarnation.encode()))
        if self._meter is not None:
            everything = self._meter.collect_delta(everything=True)
            self._outbox.append(frames.write_frame(frames.METRICS, 1, self._encode(everything)))
        self._pump()

    def _retry(self, error: OSError | frames.FrameError | None) -> None:
        if not self._away:
            self._away = True
            log("warning", "bookkeeper is away, records wait", why=error or "it closed the connection")
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
        self._unsent.extendleft(reversed(self._unacked))
        self._unacked.clear()
        self._window_bytes = 0
        for number in list(self._asks):
            self._answer(number, None)

    def _lose(self, error: OSError | frames.FrameError | None) -> None:
        self._disconnect()
        self._retry(error)

    def _send(self, frame: bytes) -> None:
        self._outbox.append(frame)
        self._pump()

    def _pump(self) -> None:
        """Write as much as the window and the socket take."""
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
            while sent:
                head = outbox[0]
                if sent < len(head):
                    outbox[0] = memoryview(head)[sent:]
                    break
                sent -= len(head)
                outbox.popleft()

    def _fill_outbox(self) -> None:
        unsent = self._unsent
        while unsent and len(self._outbox) < SEND_FRAMES_MAX and self._window_bytes < WINDOW_BYTES_MAX:
            batch = unsent.popleft()
            self._unacked.append(batch)
            self._window_bytes += len(batch.frame)
            self._outbox.append(batch.frame)

    def _on_writable(self) -> None:
        if self._socket is not None:
            self._loop.remove_writer(self._socket.fileno())
            self._blocked = False
            self._pump()

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
            if frame.kind == frames.ACK:
                self._acknowledge(frame.number)
            elif frame.kind == frames.SCRAPED:
                self._answer(frame.number, frame.payload)

    def _acknowledge(self, number: int) -> None:
        unacked = self._unacked
        while unacked and unacked[0].number <= number:
            batch = unacked.popleft()
            self._backlog_rows -= batch.rows
            self._backlog_bytes -= len(batch.frame)
            self._window_bytes -= len(batch.frame)
        self._count_room()
        self._pump()
        if not unacked and not self._unsent:
            self._set_drained()

    def _set_drained(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    def _answer(self, number: int, text: bytes | None) -> None:
        """Answer a scrape, once."""
        asked = self._asks.pop(number, None)
        if asked is not None:
            on_reply, timer = asked
            timer.cancel()
            on_reply(text)
