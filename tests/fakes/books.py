"""For tests of the link and of records: a bookkeeper process to kill, a bookkeeper stand-in, a worker's end, a loop
whose time is turned by hand."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvloop

import asbru
from asbru.app.metrics import MetricsReporter
from asbru.link import frames
from asbru.link.link import CLOSE_PATIENCE_S, Link
from asbru.records import COLUMNS, RecordWriter
from asbru.storage import DATABASE_NAME, sqlite_url
from asbru.telemetry import Meter

WAIT_S = 60.0

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if name != "ASBRU_SUPERVISOR_PID"},
    "PYTHONPATH": str(Path(asbru.__file__).parents[1]),
}


def row(number: int, **changed: object) -> tuple[object, ...]:
    """A plausible row; its id is unique to `number`."""
    values: dict[str, object] = {
        **dict.fromkeys((column.name for column in COLUMNS if column.kind == "text"), "word"),
        **dict.fromkeys((column.name for column in COLUMNS if column.kind != "text"), 1),
        "id": row_id(number),
        "started_ms": 1_795_000_000_000 + number,
        "first_token_us": None,
        "attempt_log": "",
        "tags": "",
        "image_input_tokens": 0,
        "image_output_tokens": 0,
        "units": "",
        **changed,
    }
    return tuple(values[column.name] for column in COLUMNS)


def row_id(number: int) -> str:
    """The id of `row(number)`."""
    return f"req_{1_795_000_000_000 + number:011x}00000000{number:x}"


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine on the loop that workers use, for a bounded time."""

    async def bounded() -> None:
        async with asyncio.timeout(WAIT_S * 2):
            await test

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


async def until(condition: Callable[[], object], what: str) -> None:
    """Let the loop run until the condition holds."""
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited {WAIT_S} s in vain for {what}"
        await asyncio.sleep(0.005)


class Books:
    """A real bookkeeper process in a folder of its own."""

    def __init__(self) -> None:
        # Not pytest's folder: the path of a Unix socket has at most 107 bytes.
        self._folder = tempfile.TemporaryDirectory(prefix="asbru-books-")
        self.folder = Path(self._folder.name)
        self.socket = self.folder / "book.sock"
        self.database = sqlite_url(self.folder / DATABASE_NAME)
        self.errors = self.folder / "stderr"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Books:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._folder.cleanup()

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a bookkeeper process here without waiting for it."""
        command = [sys.executable, "-m", "asbru.app.bookkeeper", "--socket", str(self.socket)]
        with self.errors.open("ab") as errors:
            return subprocess.Popen(
                [*command, "--data-dir", str(self.folder), *arguments],
                stdout=subprocess.PIPE,
                stderr=errors,
                env=ENVIRONMENT,
            )

    def start(self, *arguments: str) -> None:
        """Start, in place of the last one if there was any, and wait until it listens."""
        self.kill()
        self.process = self.spawn(*arguments)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == b"ready\n", self.errors.read_text()

    @property
    def pid(self) -> int:
        """The process."""
        assert self.process is not None
        return self.process.pid

    def kill(self) -> None:
        """kill -9, as often as one likes."""
        if self.process is None:
            return
        with contextlib.suppress(OSError):
            self.process.kill()
        self.process.wait(WAIT_S)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def end(self) -> int:
        """SIGTERM, and the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_S)


class WorkerEnd:
    """A worker as far as the bookkeeper knows it: the link, the writer of records, the reporter of metrics."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, path: str, meter: Meter | None = None, **options: Any
    ) -> None:
        self.link = Link(loop, path)
        self.writer = RecordWriter(loop, self.link, meter=meter, **options)
        self.reporter = MetricsReporter(self.link, meter or Meter())
        self.add = self.writer.add

    async def close(self, patience_s: float = CLOSE_PATIENCE_S) -> int:
        """As a worker ends."""
        self.writer.close()
        self.reporter.push()
        return await self.link.close(patience_s)


class Standin:
    """A bookkeeper that keeps what it gets and acknowledges when told to (`acking`), but for tables in `deaf_to`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="asbru-books-")
        self.path = str(Path(self._folder.name) / "book.sock")
        self.acking = True
        self.deaf_to: set[str] = set()
        self.frames: list[frames.Frame] = []
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._reading = asyncio.Event()
        self._reading.set()
        self._server: asyncio.AbstractServer | None = None

    async def open(self) -> None:
        """Listen."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)  # noqa: PTH108  # a test may block its loop
        self._server = await asyncio.start_unix_server(self._serve, self.path)

    async def close(self) -> None:
        """Hang up and stop listening."""
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def send(self, frame: bytes) -> None:
        """To everybody who is connected."""
        for writer in self._writers:
            writer.write(frame)

    def pause(self) -> None:
        """Read nothing for a while."""
        self._reading.clear()

    def resume(self) -> None:
        """Read on."""
        self._reading.set()

    def remove(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    def batches(self) -> list[int]:
        """Numbers of the batches that came, repeated ones too."""
        return [frame.number for frame in self.frames if frame.kind == frames.BATCH]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.append(writer)
        cut = frames.FrameReader()
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._reading.wait()
                for frame in cut.feed(data):
                    self.frames.append(frame)
                    if frame.kind == frames.BATCH and self.acking and frame.name not in self.deaf_to:
                        writer.write(frames.write_frame(frames.ACK, frame.number, frame.name))
        writer.close()


@asynccontextmanager
async def connected(meter: Meter | None = None, **options: Any) -> AsyncIterator[tuple[Standin, WorkerEnd]]:
    """A stand-in and a worker's end connected to it."""
    books = Standin()
    await books.open()
    one = WorkerEnd(asyncio.get_running_loop(), books.path, meter, **options)
    one.link.open()
    yield books, one
    await one.close(0)
    await books.close()
    books.remove()


class Timer:
    """What `HandLoop.call_later` returns."""

    def __init__(self, at_s: float, call: Callable[[], None]) -> None:
        self.at_s = at_s
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        """It will not run."""
        self.is_cancelled = True


class HandLoop:
    """As much of an event loop as a writer without a bookkeeper needs; `advance` turns its time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.all: list[Timer] = []

    def call_later(self, delay_s: float, call: Callable[..., None], *arguments: object) -> Timer:
        """As asyncio's."""
        timer = Timer(self.now_s + delay_s, lambda: call(*arguments))
        self.all.append(timer)
        return timer

    def call_soon(self, call: Callable[..., None], *arguments: object) -> Timer:
        """As asyncio's."""
        return self.call_later(0, call, *arguments)

    @property
    def timers(self) -> list[Timer]:
        """Those that will run."""
        return [timer for timer in self.all if not timer.is_cancelled]

    def advance(self, seconds: float) -> None:
        """Let time pass; what is due runs, in order."""
        end_s = self.now_s + seconds
        while due := sorted((one for one in self.timers if one.at_s <= end_s), key=lambda one: one.at_s):
            self.all.remove(due[0])
            self.now_s = max(self.now_s, due[0].at_s)
            due[0].call()
        self.now_s = end_s
