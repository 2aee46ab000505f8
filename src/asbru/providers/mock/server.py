"""The mock provider's server: a small HTTP/1.1 process that the gateway reaches like any provider.

    python -m asbru.providers.mock.server --socket PATH       how Asbru starts it; prints `ready`
    python -m asbru.providers.mock.server --port 0            loopback only; prints `ready PORT`

Ends with status 0 on SIGTERM and SIGINT, and when the process that started it is gone. One task per connection
answers its requests in order. Not here: what is answered (`answers`), nor speed (the bench has its own upstream).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import stat
import sys
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import cast
from urllib.parse import unquote

import httptools

from asbru.providers.mock.answers import Answers, UpstreamResponse

HOST = "127.0.0.1"
BODY_BYTES_MAX = 64 * 1024 * 1024
PIPELINED_MAX = 16
STALL_S_MAX = 900
PARENT_VARIABLE = "ASBRU_SUPERVISOR_PID"
_PR_SET_PDEATHSIG = 1


class _Asked:
    """One request while and after it arrives."""

    def __init__(self) -> None:
        self.method = ""
        self.target = b""
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.keep_alive = True


class Connection(asyncio.Protocol):
    """One caller: parses what comes, answers in order, closes when it may not go on."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self._parser = httptools.HttpRequestParser(self)
        self._asked = _Asked()
        self._waiting: asyncio.Queue[_Asked | None] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to answer."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's own do not inherit from it
        self._task = asyncio.get_running_loop().create_task(self._serve(self._transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop answering: nobody listens."""
        del exc
        if self._task is not None:
            self._task.cancel()

    def pause_writing(self) -> None:
        """The caller reads slowly."""
        self._writable.clear()

    def resume_writing(self) -> None:
        """The caller has caught up."""
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; what is not HTTP ends the connection after what was asked before."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade, _TooMuch):
            self._waiting.put_nowait(None)
            if self._transport is not None:
                self._transport.pause_reading()

    # The parser calls these.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._asked = _Asked()

    def on_url(self, url: bytes) -> None:
        """More of the target."""
        self._asked.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._asked.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        """The head is whole; a caller that waits for leave to send gets it."""
        if self._asked.headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        """More of the body."""
        self._asked.body += body
        if len(self._asked.body) > BODY_BYTES_MAX:
            raise _TooMuch

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._waiting.qsize() >= PIPELINED_MAX:
            raise _TooMuch
        self._asked.method = self._parser.get_method().decode("latin-1")
        self._asked.keep_alive = self._parser.should_keep_alive()
        self._waiting.put_nowait(self._asked)

    async def _serve(self, transport: asyncio.Transport) -> None:
        """Answer one request after the other."""
        try:
            while (asked := await self._waiting.get()) is not None:
                target = unquote(asked.target.decode("latin-1"))
                answer = self._answers.answer(asked.method, target, asked.headers, bytes(asked.body))
                if not await self._send(transport, answer, asked):
                    return
            transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        finally:
            transport.close()

    async def _send(self, transport: asyncio.Transport, answer: UpstreamResponse, asked: _Asked) -> bool:
        """Send one answer; False when the connection ends with it."""
        if answer.slow_ms:
            await asyncio.sleep(answer.slow_ms / 1000)
        if answer.events is None or asked.method == "HEAD":
            sent = b"" if asked.method == "HEAD" else answer.body[: answer.body_sent]
            transport.write(_head(answer, asked.keep_alive, f"content-length: {len(answer.body)}") + sent)
            await self._writable.wait()
        else:
            transport.write(_head(answer, asked.keep_alive, "transfer-encoding: chunked\r\ncache-control: no-cache"))
            for event in answer.events:
                transport.write(b"%x\r\n%b\r\n" % (len(event), event))
                await asyncio.sleep(answer.pause_ms / 1000)
                await self._writable.wait()
            if answer.ending == "end":
                transport.write(b"0\r\n\r\n")
        if answer.ending == "stall":
            await asyncio.sleep(STALL_S_MAX)
        return answer.ending == "end" and asked.keep_alive


class _TooMuch(Exception):
    """A bound was reached: of a body's size, or of requests sent ahead."""


def _head(answer: UpstreamResponse, keep_alive: bool, length: str) -> bytes:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {answer.status} {phrase}", f"content-type: {answer.content_type}", length]
    lines += [f"{name}: {value}" for name, value in answer.headers]
    if not keep_alive:
        lines.append("connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def open_listener(path: Path | None, port: int) -> socket.socket:
    """A listening socket: at `path`, taking the place of one left behind, or on loopback. Nagle is off."""
    if path is None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    else:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        if path.exists() and stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
    listener.listen(512)
    return listener


async def serve(listener: socket.socket) -> asyncio.Server:
    """Answer on a listening socket, in the loop that runs."""
    loop = asyncio.get_running_loop()
    answers = Answers()
    kind = loop.create_unix_server if listener.family == socket.AF_UNIX else loop.create_server
    return await kind(lambda: Connection(answers), sock=listener)


async def run(listener: socket.socket, ready: str) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is printed once connections are accepted."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await serve(listener)
    with contextlib.suppress(OSError):  # whoever started it may not read
        sys.stdout.write(ready + "\n")
        sys.stdout.flush()
    await ended.wait()
    server.close()


def end_with_parent() -> None:
    """Get SIGTERM when the process that started this one ends; exit at once if it is gone already."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
    expected = os.environ.get(PARENT_VARIABLE)
    if expected is not None and os.getppid() != int(expected):
        raise SystemExit(0)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="asbru.providers.mock.server", description="The mock provider's server.")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--socket", type=Path, help="listen on this Unix socket")
    place.add_argument("--port", type=int, help="listen on this port of 127.0.0.1; 0 takes a free one")
    options = parser.parse_args(arguments)
    end_with_parent()
    listener = open_listener(options.socket, options.port or 0)
    ready = "ready" if options.socket else f"ready {listener.getsockname()[1]}"
    loops = asyncio.new_event_loop
    with contextlib.suppress(ImportError):
        import uvloop

        loops = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=loops) as runner:
        runner.run(run(listener, ready))
    if options.socket is not None:
        options.socket.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
