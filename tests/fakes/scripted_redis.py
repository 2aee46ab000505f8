"""A server of Redis's protocol that says what a test has it say: late, never, in pieces, or nonsense.

Connecting it answers by itself. It refuses what is no array of bulk strings, as the real one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import hiredis

from asbru.core.future import Future
from asbru.core.secret_text import SecretText
from asbru.kv import Redis
from asbru.pipeline.stepper import Stepper

T = TypeVar("T")

DEADLINE_S = 30.0


class ScriptedRedis:
    """See the module. `say(words, write)` is told each command and writes what comes back; `lost` counts connections
    that the client has closed."""

    def __init__(self, say: Callable[[list[bytes], Callable[[bytes], None]], None]) -> None:
        self.say = say
        self.commands: list[list[bytes]] = []
        self.writers: list[asyncio.StreamWriter] = []
        self.lost = asyncio.Semaphore(0)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        self.writers.append(writer)
        parser: Any = hiredis.Reader()
        while data := await reader.read(65536):
            parser.feed(data)
            while (words := parser.gets()) is not False:
                assert isinstance(words, list) and all(isinstance(word, bytes) for word in words)
                if words[0] in {b"CLIENT", b"SELECT"}:
                    writer.write(b"+OK\r\n")
                else:
                    self.commands.append(words)
                    self.say(words, writer.write)
        writer.close()
        self.lost.release()


def talk(
    folder: Path,
    server: ScriptedRedis,
    scene: Callable[[Redis], Coroutine[Any, Any, T]],
    *,
    timeout_s: float = DEADLINE_S,
) -> T:
    """What a scene comes to, with a client of the server."""

    async def run() -> T:
        path = folder / "redis.sock"
        loop = asyncio.get_running_loop()
        async with await asyncio.start_unix_server(server.serve, path):
            redis = Redis(loop, SecretText(f"unix://{path}"), timeout_s)
            try:
                return await asyncio.wait_for(scene(redis), DEADLINE_S)
            finally:
                redis.close()
                for writer in server.writers:
                    writer.close()

    return asyncio.run(run())


def begin(path: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
    """A path under way; what it comes to."""
    came: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    told: Future[T] = Future()

    async def whole() -> None:
        told.resolve(await path)

    def ended(subject: None, error: BaseException | None) -> None:
        if error is not None:
            came.set_exception(error)
        else:
            came.set_result(told.value)  # pyright: ignore[reportArgumentType] -- resolved

    Stepper().run(whole(), ended, None)
    return came
