"""A stdio server: a child process that speaks JSON-RPC in lines on its standard input and output.

    started -> running -> (its output ends, or it exits) -> gone
    stop: standard input closed -> TERM_AFTER_S -> SIGTERM -> KILL_AFTER_S -> SIGKILL, to its whole process group

What it writes to standard error is logged, so many lines in a while. It is given PATH, HOME and what is declared, and
ends with this process however that ends (`spawn`). Not here: what its messages mean, and when it starts again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from asbru.app.tools import spawn
from asbru.telemetry import log

MESSAGE_BYTES_MAX: Final = 64 * 1024 * 1024
"""The longest line of a server."""
UNSENT_BYTES_MAX: Final = 64 * 1024 * 1024
"""What may wait for a server that does not read."""
TERM_AFTER_S: Final = 2.0
KILL_AFTER_S: Final = 2.0
LOOK_S: Final = 1.0
STDERR_LINES_MAX: Final = 50
"""Lines of standard error that are logged in STDERR_WHILE_S."""
STDERR_WHILE_S: Final = 10.0
_STDERR_CHARS_MAX = 500
_READ_BYTES = 256 * 1024
_GIVEN: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""What every server is given of our environment: no credential is among it."""


class CannotStart(Exception):
    """The program cannot be started; the message says why."""


def environment(declared: Mapping[str, str], ours: Mapping[str, str]) -> dict[str, str]:
    """The variables of a server."""
    return {**{name: ours[name] for name in _GIVEN if name in ours}, **declared}


class StdioServer:
    """See the module. `on_message` is given each line; `on_gone` is told why once it has ended, whoever ended it."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, on_message: Callable[[bytes], None]) -> None:
        self.on_gone: Callable[[str], None] | None = None
        self._name = name
        self._process = process
        self._on_message = on_message
        self._last_line = ""
        self._lines_told = 0
        self._while_began_s = 0.0
        self._overflown = False
        self._stderr = asyncio.create_task(self._read_stderr())
        self._stdout = asyncio.create_task(self._read())
        self._loop = asyncio.get_running_loop()
        self._looking = self._loop.call_later(LOOK_S, self._look)

    @classmethod
    async def start(
        cls,
        name: str,
        argv: tuple[str, ...],
        *,
        env: Mapping[str, str],
        cwd: str | None,
        on_message: Callable[[bytes], None],
    ) -> StdioServer:
        """Start the program. Raises `CannotStart`."""
        command = (sys.executable, "-I", "-S", str(Path(spawn.__file__)), str(os.getpid()), *argv)
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=environment(env, os.environ),
                cwd=cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise CannotStart(f"it cannot be started: {error}") from error
        return cls(name, process, on_message)

    @property
    def pid(self) -> int:
        """Its process, which leads a group of its own."""
        return self._process.pid

    def send(self, message: bytes) -> None:
        """One message; dropped where the server is gone, or ended where it reads nothing."""
        stdin = self._process.stdin
        assert stdin is not None
        if stdin.is_closing() or self._overflown:
            return
        if stdin.transport.get_write_buffer_size() + len(message) > UNSENT_BYTES_MAX:
            self._overflown = True
            log("error", "an MCP server does not read its input; stopping it", server=self._name)
            self._signal(signal.SIGKILL)
            return
        # A line end within a message can only be white space between tokens: strings have it escaped.
        stdin.write(message.replace(b"\n", b" ").replace(b"\r", b" ") + b"\n")

    async def stop(self) -> None:
        """End it in order; see the module."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.close()
        for limit_s, number in ((TERM_AFTER_S, signal.SIGTERM), (KILL_AFTER_S, signal.SIGKILL)):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(limit_s):
                    await self._process.wait()
                break
            self._signal(number)
        await self._process.wait()
        self._signal(signal.SIGKILL)  # what it may have left in its group
        await asyncio.wait((self._stdout, self._stderr))

    async def _read(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        held: list[bytes] = []
        size = 0
        why = ""
        while data := await stdout.read(_READ_BYTES):
            *whole, rest = data.split(b"\n")
            for line in whole:
                message = b"".join((*held, line)).strip()
                held.clear()
                size = 0
                if message:
                    self._on_message(message)
            if rest:
                held.append(rest)
                size += len(rest)
            if size > MESSAGE_BYTES_MAX:
                why = f"it sent a message of more than {MESSAGE_BYTES_MAX} bytes"
                break
        await self._end(why)

    def _look(self) -> None:
        """Notice an exit that its output does not tell of, because something that it started has that open."""
        if self._process.returncode is not None:
            self._signal(signal.SIGKILL)
        self._looking = self._loop.call_later(LOOK_S, self._look)

    async def _end(self, why: str) -> None:
        """Its output has ended, so it can say nothing more: what is left of it is ended too."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.0 if why else KILL_AFTER_S):
                await self._process.wait()
        self._signal(signal.SIGKILL)
        self._looking.cancel()
        code = await self._process.wait()
        await asyncio.wait((self._stderr,), timeout=KILL_AFTER_S)  # its last words
        if self.on_gone is not None:
            self.on_gone(why or self._how_it_ended(code))

    def _how_it_ended(self, code: int) -> str:
        how = f"the program exited with code {code}" if code >= 0 else f"the program was terminated by signal {-code}"
        return f"{how}: {self._last_line}" if self._last_line else how

    async def _read_stderr(self) -> None:
        stderr = self._process.stderr
        assert stderr is not None
        held = b""
        while data := await stderr.read(_READ_BYTES):
            *whole, held = (held + data).split(b"\n")
            held = held[-_READ_BYTES:]
            for line in whole:
                self._tell_line(line)
        self._tell_line(held)

    def _tell_line(self, line: bytes) -> None:
        text = line.decode(errors="replace").strip()[:_STDERR_CHARS_MAX]
        if not text:
            return
        self._last_line = text
        now_s = time.monotonic()
        if now_s - self._while_began_s > STDERR_WHILE_S:
            self._while_began_s, self._lines_told = now_s, 0
        self._lines_told += 1
        if self._lines_told <= STDERR_LINES_MAX:
            log("info", "an MCP server wrote to standard error", server=self._name, line=text)

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(OSError):
            os.killpg(self._process.pid, number)
